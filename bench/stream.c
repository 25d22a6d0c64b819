/* stream.c - how much goes through: writers that never pause, readers that lose nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SIDE 64u

struct counter {
    _Alignas(128) _Atomic uint64_t samples;
};

struct control {
    _Alignas(128) _Atomic uint32_t turn; /* slices begun */
    _Alignas(128) _Atomic uint32_t stop; /* writers: the slice is over */
    _Alignas(128) _Atomic uint32_t open; /* processes that are set up */
    _Alignas(128) _Atomic uint32_t quit;
    struct counter published[MAX_SIDE], taken[MAX_SIDE];
};

struct stream {
    const struct stream_transport *transport;
    unsigned writers, readers;
    size_t size;
    struct control *control;
    clockid_t clocks[2 * MAX_SIDE]; /* processor time of each process */
    unsigned processes;
};

static uint64_t moved = 1;

void stream_moved(uint64_t samples)
{
    moved = samples;
}

static void count_moved(struct counter *counter)
{
    /* relaxed: one process counts, another only looks. */
    uint64_t samples = atomic_load_explicit(&counter->samples, memory_order_relaxed);
    atomic_store_explicit(&counter->samples, samples + moved, memory_order_relaxed);
}

static uint64_t total(const struct counter *counters, unsigned count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += atomic_load(&counters[i].samples);
    }
    return sum;
}

static void write_all(struct stream *stream, unsigned index)
{
    struct control *control = stream->control;
    uint64_t seq = 0;
    for (uint32_t turn = 0;; turn++) {
        bench_sleep_while(&control->turn, turn);
        if (atomic_load(&control->quit)) {
            return;
        }
        while (!atomic_load_explicit(&control->stop, memory_order_relaxed)) {
            stream->transport->publish(seq);
            seq += moved;
            count_moved(&control->published[index]);
        }
        atomic_fetch_add(&control->open, 1);
    }
}

static void read_all(struct stream *stream, unsigned index)
{
    while (!atomic_load_explicit(&stream->control->quit, memory_order_relaxed)) {
        if (stream->transport->take()) {
            count_moved(&stream->control->taken[index]);
        }
    }
}

static void side_start(struct stream *stream, bool is_writer, unsigned index)
{
    pid_t child = bench_fork();
    if (child != 0) {
        if (clock_getcpuclockid(child, &stream->clocks[stream->processes++]) != 0) {
            bench_fail("the processor time of a process cannot be had");
        }
        return;
    }
    stream->transport->open(is_writer, stream->size);
    bench_pin(2 * index + !is_writer); /* only now: see pair.c */
    atomic_fetch_add(&stream->control->open, 1);
    if (is_writer) {
        write_all(stream, index);
    } else {
        read_all(stream, index);
    }
    stream->transport->close();
    exit(0);
}

/* Waits until `count` processes have said so in control->open, and starts the count again. */
static void gather(struct control *control, uint32_t count)
{
    while (atomic_load(&control->open) != count) {
        usleep(1000);
    }
    atomic_store(&control->open, 0);
}

/* Of all processes. */
static double cpu_us(const struct stream *stream)
{
    double sum = 0;
    for (unsigned i = 0; i < stream->processes; i++) {
        struct timespec t = {0};
        clock_gettime(stream->clocks[i], &t);
        sum += (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
    }
    return sum;
}

static void stream_slice(void *context, unsigned milliseconds)
{
    struct stream *stream = context;
    struct control *control = stream->control;
    atomic_store(&control->stop, 0);
    atomic_fetch_add(&control->turn, 1);
    bench_wake(&control->turn);
    usleep(milliseconds * 100); /* warms up for a tenth */
    uint64_t published = total(control->published, stream->writers);
    uint64_t taken = total(control->taken, stream->readers);
    double cpu = cpu_us(stream);
    uint64_t before = bench_ticks();
    usleep(milliseconds * 900);
    cpu = cpu_us(stream) - cpu;
    published = total(control->published, stream->writers) - published;
    taken = total(control->taken, stream->readers) - taken;
    double seconds = (double)(bench_ticks() - before) / bench_ticks_per_ns() / 1e9;
    atomic_store(&control->stop, 1);
    gather(control, stream->writers);
    double rate = (double)published / seconds;
    printf("{\"samples_per_s\": %.0f, \"bytes_per_s\": %.0f, \"taken_per_s\": %.0f, "
           "\"cpu_us\": %.4f}\n",
           rate, rate * (double)stream->size, (double)taken / seconds,
           published > 0 ? cpu / (double)published : 0);
    fflush(stdout);
}

unsigned stream_side(const char *text)
{
    unsigned long count = strtoul(text, NULL, 10);
    if (count < 1 || count > MAX_SIDE) {
        bench_fail("%s: give 1 to %u writers and readers", text, MAX_SIDE);
    }
    return (unsigned)count;
}

int stream_run(const struct stream_transport *transport, int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s WRITERS READERS SIZE\n", argv[0]);
        return 2;
    }
    struct stream stream = {.transport = transport};
    stream.writers = stream_side(argv[1]);
    stream.readers = stream_side(argv[2]);
    stream.size = bench_size(argv[3]);
    stream.control = bench_share(sizeof *stream.control);
    for (unsigned i = 0; i < stream.readers; i++) {
        side_start(&stream, false, i);
    }
    gather(stream.control, stream.readers); /* readers first: nothing is published to nobody */
    for (unsigned i = 0; i < stream.writers; i++) {
        side_start(&stream, true, i);
    }
    gather(stream.control, stream.writers);
    bench_serve(stream_slice, &stream);
    atomic_store(&stream.control->quit, 1);
    atomic_fetch_add(&stream.control->turn, 1);
    bench_wake(&stream.control->turn);
    while (wait(NULL) > 0) {
    }
    return 0;
}
