/* eddy_paced.c - a listener in a wait set of Eddy's own API, with a sample now and then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "paced.h"

#include <eddy/eddy.h>

#define MAX_WAIT UINT64_C(5000000000)

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *reader;
static eddy_waitset *waitset;

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static void side_open(bool listens, int argc, char **argv)
{
    static const struct eddy_topic_identity topic = {.name = "bench-paced"};
    (void)argc;
    (void)argv;
    must(eddy_domain_open(NULL, &domain));
    if (listens) {
        must(eddy_reader_open(domain, &topic, NULL, &reader));
        must(eddy_waitset_open(domain, &waitset));
        must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, NULL));
    } else {
        /* A listener that others keep from its core for long shall not end the run. */
        must(eddy_writer_open(domain, &topic, NULL, &writer));
    }
}

static void side_connect(void)
{
    while (writer && eddy_writer_readers(writer) == 0) {
    }
}

static void side_send(uint64_t at)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, 64, eddy_deadline(MAX_WAIT), &loan));
    bench_fill(loan.data, 64, at);
    must(eddy_writer_publish(writer, &loan, 64, eddy_deadline(MAX_WAIT)));
}

static void take_all(void)
{
    struct eddy_sample sample;
    int rc;
    while ((rc = eddy_reader_take(reader, &sample)) == EDDY_OK) {
        paced_took(bench_drain(sample.data, 64));
        must(eddy_reader_release(reader, &sample));
    }
    must(rc == EDDY_EAGAIN ? EDDY_OK : rc);
}

static void side_listen(void)
{
    void *ready;
    size_t count;
    while (!paced_is_over()) {
        must(eddy_waitset_wait(waitset, EDDY_FOREVER, &ready, 1, &count));
        take_all();
    }
}

static void side_close(void)
{
    must(eddy_waitset_close(waitset));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(int argc, char **argv)
{
    static const struct paced_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .listen = side_listen,
        .close = side_close,
    };
    return paced_run(&transport, argc, argv);
}
