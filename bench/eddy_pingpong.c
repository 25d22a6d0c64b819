/* eddy_pingpong.c - ping-pong through Eddy's own API, with reliable readers.
 *
 * Modes: spin polls with take; wait sleeps when spinning does not pay (the default of a reader);
 * sleep never spins; waitset sleeps in a wait set; fd polls on a wait set's descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <eddy/eddy.h>
#include <poll.h>
#include <string.h>

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *reader;
static eddy_waitset *waitset;
static struct eddy_sample sample;
static size_t size;
static bool polls;
static int fd = -1;

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static void side_open(const struct pair_side *side)
{
    struct eddy_topic_identity ping = {.name = "bench-ping"}, pong = {.name = "bench-pong"};
    struct eddy_reader_options options = {.spin_ns = strcmp(side->mode, "wait") == 0 ? 0 : -1};
    size = side->size;
    polls = strcmp(side->mode, "spin") == 0;
    must(eddy_domain_open(NULL, &domain));
    must(eddy_writer_open(domain, side->is_ping ? &ping : &pong, NULL, &writer));
    must(eddy_reader_open(domain, side->is_ping ? &pong : &ping, &options, &reader));
    bool by_fd = strcmp(side->mode, "fd") == 0;
    if (by_fd || strcmp(side->mode, "waitset") == 0) {
        must(eddy_waitset_open(domain, &waitset));
        must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader));
    }
    if (by_fd) {
        must(eddy_waitset_fd(waitset, &fd));
    }
}

static void side_connect(void)
{
    while (eddy_writer_readers(writer) == 0) {
    }
}

static void side_send(uint64_t seq)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, size, EDDY_FOREVER, &loan));
    bench_fill(loan.data, size, seq);
    must(eddy_writer_publish(writer, &loan, size, EDDY_FOREVER));
}

/* As an event loop does. */
static void side_poll(void)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    void *ready;
    size_t count;
    int rc;
    while ((rc = eddy_waitset_wait(waitset, EDDY_POLL, &ready, 1, &count)) == EDDY_EAGAIN) {
        poll(&wanted, 1, -1);
    }
    must(rc);
}

static void side_sleep(void)
{
    void *ready;
    size_t count;
    if (fd >= 0) {
        side_poll();
    } else if (waitset) {
        must(eddy_waitset_wait(waitset, EDDY_FOREVER, &ready, 1, &count));
    } else {
        must(eddy_reader_wait(reader, EDDY_FOREVER));
    }
}

static uint64_t side_receive(void)
{
    int rc;
    while ((rc = eddy_reader_take(reader, &sample)) == EDDY_EAGAIN) {
        if (!polls) {
            side_sleep();
        }
    }
    must(rc);
    return bench_drain(sample.data, size);
}

static void side_release(void)
{
    must(eddy_reader_release(reader, &sample));
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
    static const struct pair_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .receive = side_receive,
        .release = side_release,
        .close = side_close,
    };
    return pair_run(&transport, argc, argv);
}
