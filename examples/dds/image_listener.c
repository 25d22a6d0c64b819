/* image_listener.c - reads sensor_msgs/Image and measures.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "image.h"
#include "latency.h"

#include <stdio.h>

/* image_talker puts the number of an image into its first pixels. */
static uint64_t image_number(const sensor_msgs_msg_dds__Image_ *image)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < sizeof number && i < image->data._length; i++)
        number |= (uint64_t)image->data._buffer[i] << 8 * i;
    return number;
}

static void take_all(dds_entity_t reader, const struct example_options *options,
                     struct example_latency *latency)
{
    while (!example_enough(options, latency->count)) {
        void *samples[] = {NULL}; /* NULL: the reader allocates, we give it back */
        dds_sample_info_t info;
        if (example_check(dds_take(reader, samples, &info, 1, 1), "dds_take") == 0)
            return;
        const sensor_msgs_msg_dds__Image_ *image = samples[0];
        if (info.valid_data) {
            if (latency->count == 0)
                printf("first image: %u x %u %s, %u bytes, frame %s\n", image->width, image->height,
                       image->encoding, image->data._length, image->header.frame_id);
            example_latency_add(latency, image_number(image),
                                image->header.stamp.sec * INT64_C(1000000000) +
                                    image->header.stamp.nanosec);
            example_latency_report(latency, false);
        }
        example_check(dds_return_loan(reader, samples, 1), "dds_return_loan");
    }
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "rt/image", .domain = DDS_DOMAIN_DEFAULT};
    example_parse(argc, argv, "Reads sensor_msgs/Image and measures.", &options);

    dds_entity_t participant =
        example_check(dds_create_participant(options.domain, NULL, NULL), "dds_create_participant");
    dds_entity_t topic = example_check(
        dds_create_topic(participant, &sensor_msgs_msg_dds__Image__desc, options.topic, NULL, NULL),
        "dds_create_topic");
    dds_qos_t *qos = example_qos(8);
    dds_entity_t reader =
        example_check(dds_create_reader(participant, topic, qos, NULL), "dds_create_reader");
    dds_delete_qos(qos);
    example_print_transport(reader);

    dds_entity_t waitset = example_stop(participant, &options);
    example_wake_for(waitset, reader);
    static struct example_latency latency;
    while (!example_enough(&options, latency.count) && example_wait(waitset, DDS_NEVER))
        take_all(reader, &options, &latency);
    example_latency_report(&latency, true);

    dds_delete(participant);
    return 0;
}
