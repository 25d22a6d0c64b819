/* eddy_throughput.c - writers and readers of one Eddy topic at full speed, one sample at a time or in
 * groups.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <eddy/eddy.h>
#include <stdlib.h>

#define GROUP_MOST 64u

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *reader;
static size_t size, group = 1;

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

static void group_publish(uint64_t seq)
{
    struct eddy_loan loans[GROUP_MOST];
    size_t loaned, published;
    must(eddy_writer_loan_many(writer, size, loans, group, EDDY_FOREVER, &loaned));
    for (size_t i = 0; i < loaned; i++) {
        bench_fill(loans[i].data, size, seq + i);
    }
    for (size_t done = 0; done < loaned; done += published) {
        must(eddy_writer_publish_many(writer, loans + done, loaned - done, NULL, EDDY_FOREVER,
                                      &published));
    }
    stream_moved(loaned);
}

static bool nothing_there(int rc)
{
    if (rc == EDDY_EAGAIN) {
        rc = eddy_reader_wait(reader, eddy_deadline(100000000));
        if (rc != EDDY_ETIMEDOUT) {
            must(rc);
        }
        return true;
    }
    must(rc);
    return false;
}

static bool side_take(void)
{
    struct eddy_sample sample;
    if (nothing_there(eddy_reader_take(reader, &sample))) {
        return false;
    }
    bench_drain(sample.data, size);
    must(eddy_reader_release(reader, &sample));
    return true;
}

static bool group_take(void)
{
    struct eddy_sample samples[GROUP_MOST];
    size_t count;
    if (nothing_there(eddy_reader_take_many(reader, samples, group, &count))) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bench_drain(samples[i].data, size);
    }
    must(eddy_reader_release_many(reader, samples, count));
    stream_moved(count);
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
    static struct stream_transport transport = {
        .open = side_open,
        .publish = side_publish,
        .take = side_take,
        .close = side_close,
    };
    if (argc == 5) { /* WRITERS READERS SIZE GROUP */
        group = strtoul(argv[4], NULL, 10);
        if (group < 1 || group > GROUP_MOST) {
            bench_fail("%s: give 1 to %u samples at once", argv[4], GROUP_MOST);
        }
        transport.publish = group_publish;
        transport.take = group_take;
    }
    return stream_run(&transport, argc == 5 ? 4 : argc, argv);
}
