/* camera.c - publishes full-HD frames, 30 a second, each written in place; `detector` reads them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one frame: in shared memory if the writer has any to lend, else our own. */
static example_Frame *frame_loan(dds_entity_t writer, example_Frame *own)
{
    void *frame = own;
    if (dds_is_loan_available(writer))
        example_check(dds_loan_sample(writer, &frame), "dds_loan_sample");
    return frame;
}

/* A test picture that changes with each frame: a bar that moves over grey. */
static void frame_draw(example_Frame *frame)
{
    uint32_t bar = (uint32_t)(frame->number * 8 % example_FRAME_HEIGHT);
    size_t line = (size_t)example_FRAME_WIDTH * 3;
    memset(frame->rgb, 0x60, sizeof frame->rgb);
    memset(frame->rgb + bar * line, 0xff, line);
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "camera", .domain = DDS_DOMAIN_DEFAULT, .rate = 30};
    example_parse(argc, argv, "Publishes 1920x1080 RGB frames; start it with detector.", &options);

    dds_entity_t participant =
        example_check(dds_create_participant(options.domain, NULL, NULL), "dds_create_participant");
    dds_entity_t topic =
        example_check(dds_create_topic(participant, &example_Frame_desc, options.topic, NULL, NULL),
                      "dds_create_topic");
    dds_qos_t *qos = example_qos(4);
    dds_entity_t writer =
        example_check(dds_create_writer(participant, topic, qos, NULL), "dds_create_writer");
    dds_delete_qos(qos);
    example_print_transport(writer);

    dds_entity_t waitset = example_stop(participant, &options);
    example_Frame *own = example_Frame__alloc();
    dds_time_t next = dds_time();
    uint64_t number = 0;
    do {
        example_Frame *frame = frame_loan(writer, own);
        frame->number = ++number;
        frame_draw(frame);
        frame->taken_at = dds_time();
        example_check(dds_write(writer, frame), "dds_write"); /* ends the loan */
        next += (dds_duration_t)(1e9 / options.rate);
    } while (number != options.count && example_wait(waitset, next));
    printf("wrote %llu frames\n", (unsigned long long)number);

    dds_free(own);
    dds_delete(participant);
    return 0;
}
