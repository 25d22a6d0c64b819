/* peek.c - shows what goes over a topic, knowing nothing but the path of its flink.
 *
 * It works on any topic, also on those of DDS programs: there the header is what Cyclone DDS puts
 * in front of each sample, and `eddy ls` gives the paths.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#define SHOWN 64u /* bytes of a sample */

static volatile sig_atomic_t stopped;

static void print_hex(const char *what, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    size_t shown = size < SHOWN ? size : SHOWN;
    for (size_t i = 0; i < shown; i++) {
        if (i % 16 == 0)
            printf("%s  %s %04zx ", i > 0 ? "\n" : "", what, i);
        printf(" %02x", byte[i]);
    }
    if (shown > 0)
        printf("%s\n", shown < size ? " ..." : "");
}

static void print_sample(const struct eddy_sample *sample)
{
    printf("sn %" PRIu64 ": %zu bytes, header %zu bytes, writer %" PRIu32 " of participant %" PRIx64
           ", slot %" PRIu32 "\n",
           sample->sn, sample->size, sample->header_size, sample->writer, sample->source,
           sample->slot);
    print_hex("header", sample->header, sample->header_size);
    print_hex("data  ", sample->data, sample->size);
}

static uint64_t print_all(eddy_reader *reader, uint64_t most)
{
    struct eddy_sample sample;
    uint64_t count = 0;
    int result = EDDY_EAGAIN;
    while (count < most && (result = eddy_reader_take(reader, &sample)) == EDDY_OK) {
        print_sample(&sample);
        example_check(eddy_reader_release(reader, &sample), "eddy_reader_release");
        count++;
    }
    if (result != EDDY_EAGAIN)
        example_check(result, "eddy_reader_take");
    return count;
}

static void print_topic(const eddy_reader *reader)
{
    struct eddy_topic_stats stats;
    example_check(eddy_reader_stats(reader, &stats), "eddy_reader_stats");
    printf("%s: %" PRIu32 " writers, %" PRIu32 " readers, %" PRIu64 " samples published, %" PRIu32
           " slots in %" PRIu32 " extents, %" PRIu64 " bytes of shared memory\n",
           eddy_reader_flink(reader), stats.writers, stats.readers, stats.published, stats.slots,
           stats.extents, stats.shared_bytes);
}

/* A signal does not end a wait: so this looks whether it is time to stop, five times a second. */
static bool wait_for_sample(eddy_reader *reader, uint64_t end)
{
    int result = EDDY_ETIMEDOUT;
    while (!stopped && result == EDDY_ETIMEDOUT && eddy_now() < end) {
        uint64_t slice = eddy_deadline(200000000);
        result = eddy_reader_wait(reader, slice < end ? slice : end);
    }
    if (result != EDDY_ETIMEDOUT)
        example_check(result, "eddy_reader_wait");
    return result == EDDY_OK && !stopped;
}

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

int main(int argc, char **argv)
{
    struct example_options options = {.topic = NULL};
    example_parse(argc, argv, "Shows what goes over the topic whose flink is given.", &options);

    /* Best-effort: whoever only looks must not hold up those at work. */
    const struct eddy_reader_options best_effort = {.reliability = EDDY_BEST_EFFORT,
                                                    .history = UINT32_MAX};
    eddy_reader *reader = NULL;
    example_check(eddy_reader_attach(NULL, options.topic, &best_effort, &reader),
                  "eddy_reader_attach");
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    print_topic(reader);

    uint64_t end = example_end(&options), most = options.count != 0 ? options.count : UINT64_MAX;
    uint64_t count = 0;
    while (count < most && wait_for_sample(reader, end))
        count += print_all(reader, most - count);
    printf("%" PRIu64 " samples, %" PRIu64 " missed\n", count, eddy_reader_lost(reader));

    example_check(eddy_reader_close(reader), "eddy_reader_close");
    return 0;
}
