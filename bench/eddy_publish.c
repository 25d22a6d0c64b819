/* eddy_publish.c - loan and publish through Eddy, with reliable readers that keep up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "batches.h"

#include <eddy/eddy.h>
#include <stdlib.h>

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader **readers;
static unsigned reader_count;
static size_t size;

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static void all_open(unsigned count, size_t bytes)
{
    struct eddy_topic_identity topic = {.name = "bench-publish"};
    reader_count = count;
    size = bytes;
    readers = calloc(count + 1, sizeof(eddy_reader *));
    must(eddy_domain_open(NULL, &domain));
    must(eddy_writer_open(domain, &topic, NULL, &writer));
    for (unsigned i = 0; i < count; i++) {
        must(eddy_reader_open(domain, &topic, NULL, &readers[i]));
    }
}

static void all_publish(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct eddy_loan loan;
        must(eddy_writer_loan(writer, size, EDDY_FOREVER, &loan));
        *(uint64_t *)loan.data = i;
        must(eddy_writer_publish(writer, &loan, size, EDDY_FOREVER));
    }
}

static void all_drain(unsigned count)
{
    for (unsigned r = 0; r < reader_count; r++) {
        for (unsigned i = 0; i < count; i++) {
            struct eddy_sample sample;
            must(eddy_reader_take(readers[r], &sample));
            if (*(const uint64_t *)sample.data != i) {
                bench_fail("reader %u lost sample %u", r, i);
            }
            must(eddy_reader_release(readers[r], &sample));
        }
    }
}

static void all_close(void)
{
    for (unsigned i = 0; i < reader_count; i++) {
        must(eddy_reader_close(readers[i]));
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    free(readers);
}

int main(int argc, char **argv)
{
    static const struct batches_transport transport = {
        .open = all_open,
        .publish = all_publish,
        .drain = all_drain,
        .close = all_close,
    };
    return batches_run(&transport, argc, argv);
}
