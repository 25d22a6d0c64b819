/* viewer.c - reads a camera's frames where its driver wrote them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>

/* Looks at every byte, as one that shows the frame would. */
static uint64_t brightness(const struct eddy_import *frame)
{
    uint64_t sum = 0;
    const uint8_t *bytes = frame->data;
    for (uint64_t i = 0; i < frame->size; i++)
        sum += bytes[i];
    return frame->size ? sum / frame->size : 0;
}

static void view(eddy_importer *importer, const struct eddy_sample *sample)
{
    struct eddy_import frame;
    int error = eddy_importer_map(importer, sample, eddy_deadline(1000000000), &frame);
    if (error == EDDY_EPEERGONE) {
        printf("sample %llu: its camera has gone\n", (unsigned long long)sample->sn);
        return;
    }
    example_check(error, "eddy_importer_map");
    printf("sample %llu: %llu bytes, brightness %llu\n", (unsigned long long)sample->sn,
           (unsigned long long)frame.size, (unsigned long long)brightness(&frame));
    example_check(eddy_importer_unmap(importer, &frame), "eddy_importer_unmap");
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = "frames"};
    example_parse(argc, argv, "Reads the frames that camera publishes.", &options);
    eddy_domain *domain = NULL;
    eddy_reader *reader = NULL;
    eddy_importer *importer = NULL;
    const struct eddy_topic_identity topic = {.name = options.topic, .type = "frames"};
    const struct eddy_reader_options newest = {.reliability = EDDY_BEST_EFFORT, .depth = 1};
    example_check(eddy_domain_open(NULL, &domain), "eddy_domain_open");
    example_check(eddy_reader_open(domain, &topic, &newest, &reader), "eddy_reader_open");
    example_check(eddy_importer_open(domain, NULL, &importer), "eddy_importer_open");

    eddy_waitset *waitset = example_waitset(domain);
    example_check(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader),
                  "eddy_waitset_attach_reader");
    uint64_t end = example_end(&options), count = 0;
    while ((options.count == 0 || count < options.count) && eddy_now() < end &&
           example_wait(waitset, end)) {
        struct eddy_sample sample;
        while ((options.count == 0 || count < options.count) &&
               eddy_reader_take(reader, &sample) == EDDY_OK) {
            view(importer, &sample);
            example_check(eddy_reader_release(reader, &sample), "eddy_reader_release");
            count++;
        }
    }
    printf("viewed %llu, lost %llu\n", (unsigned long long)count,
           (unsigned long long)eddy_reader_lost(reader));
    eddy_waitset_close(waitset);
    example_check(eddy_importer_close(importer), "eddy_importer_close");
    example_check(eddy_reader_close(reader), "eddy_reader_close");
    example_check(eddy_domain_close(domain), "eddy_domain_close");
    return 0;
}
