/* answers.c - ping-pong of two DDS programs, by a listener or by a thread that waits in a wait set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIT      UINT64_MAX
#define SETTLE_US 300000

static const struct answers_transport *transport;
static struct answers_side side;
static struct bench_record record;
static uint64_t sent_at, slice_end;
static sem_t over; /* ping: the slice; pong: the run */
static volatile bool is_over;

static void set_over(void)
{
    is_over = true;
    sem_post(&over);
}

/* Ping: the answer is here; records the round trip and begins the next. */
static void ping_answered(uint64_t seq)
{
    uint64_t now = bench_ticks();
    bench_record_add(&record, now - sent_at);
    sent_at = now;
    if (now >= slice_end || bench_record_full(&record)) {
        set_over();
    } else {
        transport->send(seq + 1);
    }
}

static void pong_asked(uint64_t seq)
{
    if (seq == QUIT) {
        set_over();
    } else {
        transport->send(seq);
    }
}

void answers_exchange(void)
{
    uint64_t seq;
    while (transport->take(&seq)) {
        if (side.is_ping) {
            ping_answered(seq);
        } else {
            pong_asked(seq);
        }
    }
}

static void exchange_until_over(void)
{
    while (!is_over && !side.listens) {
        transport->wait();
        answers_exchange();
    }
    while (sem_wait(&over) != 0) {
    }
    is_over = false;
}

static void ping_slice(void *context, unsigned milliseconds)
{
    (void)context;
    sent_at = bench_ticks();
    slice_end = sent_at + bench_ticks_of(milliseconds);
    transport->send(1);
    exchange_until_over();
    bench_record_print_us(&record, 2);
}

int answers_run(const struct answers_transport *of, int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s SIZE waitset|listener DOMAIN [WAY]\n", argv[0]);
        return 2;
    }
    transport = of;
    side.size = bench_size(argv[1]);
    side.listens = strcmp(argv[2], "listener") == 0;
    side.domain = (unsigned)strtoul(argv[3], NULL, 10);
    side.way = argc > 4 ? argv[4] : "";
    sem_init(&over, 0, 0);
    bench_record_create(&record);
    pid_t child = bench_fork();
    side.is_ping = child != 0;
    bench_pin(!side.is_ping);
    transport->open(&side);
    transport->connect();
    if (side.is_ping) {
        /* Both sides know each other once each has heard the other say so; a pong that came late
         * would answer nothing, so it is given time. */
        usleep(SETTLE_US);
        bench_serve(ping_slice, NULL);
        transport->send(QUIT);
        waitpid(child, NULL, 0);
    } else {
        exchange_until_over();
    }
    transport->close();
    return 0;
}
