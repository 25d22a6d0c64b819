/* eddy_throughput.c - writers and readers of one Eddy topic at full speed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <eddy/eddy.h>

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *reader;
static size_t size;

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static void side_open(bool is_writer, size_t bytes)
{
    struct eddy_topic_identity topic = {.name = "bench-throughput"};
    size = bytes;
    must(eddy_domain_open(NULL, &domain));
    if (is_writer) {
        must(eddy_writer_open(domain, &topic, NULL, &writer));
    } else {
        must(eddy_reader_open(domain, &topic, NULL, &reader));
    }
}

static void side_publish(uint64_t seq)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, size, EDDY_FOREVER, &loan));
    bench_fill(loan.data, size, seq);
    must(eddy_writer_publish(writer, &loan, size, EDDY_FOREVER));
}

static bool side_take(void)
{
    struct eddy_sample sample;
    int rc = eddy_reader_take(reader, &sample);
    if (rc == EDDY_EAGAIN) {
        rc = eddy_reader_wait(reader, eddy_deadline(100000000));
        if (rc != EDDY_ETIMEDOUT) {
            must(rc);
        }
        return false;
    }
    must(rc);
    bench_drain(sample.data, size);
    must(eddy_reader_release(reader, &sample));
    return true;
}

static void side_close(void)
{
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(int argc, char **argv)
{
    static const struct stream_transport transport = {
        .open = side_open,
        .publish = side_publish,
        .take = side_take,
        .close = side_close,
    };
    return stream_run(&transport, argc, argv);
}
