/* detector.c - reads the frames of `camera`; says how many came, how fast, and how many did not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "frame.h"
#include "latency.h"

#include <stdio.h>
#include <stdlib.h>

/* The line in which the bar of the test picture is: stands for real work on the picture. */
static uint32_t frame_detect(const example_Frame *frame)
{
    for (uint32_t line = 0; line < example_FRAME_HEIGHT; line++)
        if (frame->rgb[(size_t)line * example_FRAME_WIDTH * 3] == 0xff)
            return line;
    return UINT32_MAX;
}

static void look_at(const example_Frame *frame, struct example_latency *latency)
{
    example_latency_add(latency, frame->number, frame->taken_at);
    if (frame_detect(frame) != frame->number * 8 % example_FRAME_HEIGHT)
        fprintf(stderr, "frame %llu: the bar is not where it should be\n",
                (unsigned long long)frame->number);
    example_latency_report(latency, false);
}

/* On loan: where samples are lent, this is the memory that the camera has written. */
static void take_all(dds_entity_t reader, const struct example_options *options,
                     struct example_latency *latency)
{
    dds_sample_info_t info;
    void *samples[] = {NULL};
    while (!example_enough(options, latency->count) &&
           example_check(dds_take(reader, samples, &info, 1, 1), "dds_take") > 0) {
        if (info.valid_data) /* else it only tells that a writer has gone */
            look_at(samples[0], latency);
        example_check(dds_return_loan(reader, samples, 1), "dds_return_loan");
        samples[0] = NULL;
    }
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "camera", .domain = DDS_DOMAIN_DEFAULT};
    example_parse(argc, argv, "Reads the frames of camera and measures.", &options);

    dds_entity_t participant =
        example_check(dds_create_participant(options.domain, NULL, NULL), "dds_create_participant");
    dds_entity_t topic =
        example_check(dds_create_topic(participant, &example_Frame_desc, options.topic, NULL, NULL),
                      "dds_create_topic");
    dds_qos_t *qos = example_qos(4);
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
