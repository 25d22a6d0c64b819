/* image_talker.c - publishes the ROS 2 message sensor_msgs/Image, whose size is not fixed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "image.h"

#include <stdio.h>
#include <stdlib.h>

#define WIDTH  640u
#define HEIGHT 480u

static void image_make(sensor_msgs_msg_dds__Image_ *image)
{
    static char frame_id[] = "camera", encoding[] = "rgb8";
    image->header.frame_id = frame_id;
    image->encoding = encoding;
    image->width = WIDTH;
    image->height = HEIGHT;
    image->step = WIDTH * 3;
    image->data._length = image->data._maximum = image->step * HEIGHT;
    image->data._buffer = calloc(1, image->data._length);
    if (image->data._buffer == NULL)
        abort();
}

static void image_stamp(sensor_msgs_msg_dds__Image_ *image, uint64_t number)
{
    dds_time_t now = dds_time();
    image->header.stamp.sec = (int32_t)(now / 1000000000);
    image->header.stamp.nanosec = (uint32_t)(now % 1000000000);
    for (size_t i = 0; i < sizeof number; i++) /* its first pixels carry its number */
        image->data._buffer[i] = (uint8_t)(number >> 8 * i);
}

int main(int argc, char **argv)
{
    /* The topic that ROS 2 programs know as /image. */
    struct example_options options = {
        .topic = "rt/image", .domain = DDS_DOMAIN_DEFAULT, .rate = 30};
    example_parse(argc, argv, "Publishes sensor_msgs/Image; start it with image_listener.",
                  &options);

    dds_entity_t participant =
        example_check(dds_create_participant(options.domain, NULL, NULL), "dds_create_participant");
    dds_entity_t topic = example_check(
        dds_create_topic(participant, &sensor_msgs_msg_dds__Image__desc, options.topic, NULL, NULL),
        "dds_create_topic");
    dds_qos_t *qos = example_qos(8);
    dds_entity_t writer =
        example_check(dds_create_writer(participant, topic, qos, NULL), "dds_create_writer");
    dds_delete_qos(qos);
    example_print_transport(writer);

    dds_entity_t waitset = example_stop(participant, &options);
    sensor_msgs_msg_dds__Image_ image = {.is_bigendian = 0};
    image_make(&image);
    dds_time_t next = dds_time();
    uint64_t number = 0;
    do {
        image_stamp(&image, ++number);
        example_check(dds_write(writer, &image), "dds_write");
        next += (dds_duration_t)(1e9 / options.rate);
    } while (number != options.count && example_wait(waitset, next));
    printf("wrote %llu images\n", (unsigned long long)number);

    free(image.data._buffer);
    dds_delete(participant);
    return 0;
}
