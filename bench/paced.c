/* paced.c - what a listener costs whose topic has a sample now and then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "paced.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_US  300000
#define ASLEEP_US  2000 /* after the last sample: longer than anybody looks */
#define PATIENCE_S 10

struct control {
    _Atomic uint32_t over;
    _Atomic size_t taken; /* in this part of the slice */
};

static const struct paced_transport *transport;
static struct control *control;
static struct bench_record record; /* the listener fills in the ticks, the writer prints them */
static uint64_t period;            /* ticks */
static clockid_t listener_cpu;

void paced_took(uint64_t at)
{
    uint64_t now = bench_ticks();
    size_t taken = atomic_load(&control->taken);
    if (taken < BENCH_RECORD_MAX) {
        record.ticks[taken] = now > at ? (uint32_t)(now - at) : 0;
    }
    atomic_store(&control->taken, taken + 1);
}

bool paced_is_over(void)
{
    return atomic_load(&control->over);
}

void paced_sleep_until_over(void)
{
    bench_sleep_while(&control->over, 0);
}

static void until_asleep(size_t sent)
{
    time_t deadline = time(NULL) + PATIENCE_S;
    while (atomic_load(&control->taken) < sent) {
        usleep(ASLEEP_US);
        if (time(NULL) > deadline) {
            bench_fail("%zu of %zu samples have come", atomic_load(&control->taken), sent);
        }
    }
    usleep(ASLEEP_US);
}

/* How many samples. */
static size_t pace(uint64_t ticks)
{
    size_t sent = 0;
    atomic_store(&control->taken, 0);
    for (uint64_t due = bench_ticks(), end = due + ticks; due < end && sent < BENCH_RECORD_MAX;
         due += period) {
        while (bench_ticks() < due) {
        }
        transport->send(bench_ticks());
        sent++;
    }
    until_asleep(sent);
    return sent;
}

static double listener_us(void)
{
    struct timespec t;
    if (clock_gettime(listener_cpu, &t) != 0) {
        bench_fail("the listener's processor time cannot be had");
    }
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void paced_slice(void *context, unsigned milliseconds)
{
    (void)context;
    uint64_t quarter = bench_ticks_of(milliseconds) / 4;
    pace(quarter);
    double before = listener_us();
    record.count = pace(3 * quarter);
    double cpu_us = (listener_us() - before) / (double)record.count;
    struct bench_times t = bench_record_times(&record, 1);
    printf("{\"cpu_us\": %.4f, \"p50_us\": %.4f, \"p99_us\": %.4f, \"n\": %zu}\n", cpu_us, t.p50_us,
           t.p99_us, t.n);
    fflush(stdout);
}

static void write_paced(pid_t listener)
{
    if (clock_getcpuclockid(listener, &listener_cpu) != 0) {
        bench_fail("the listener's processor time cannot be had");
    }
    usleep(SETTLE_US); /* a transport may have more to do at first */
    bench_serve(paced_slice, NULL);
    atomic_store(&control->over, 1);
    bench_wake(&control->over);
    transport->send(bench_ticks());
    waitpid(listener, NULL, 0);
}

int paced_run(const struct paced_transport *of, int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s PERIOD_US ...\n", argv[0]);
        return 2;
    }
    transport = of;
    period = (uint64_t)(strtod(argv[1], NULL) * 1e3 * bench_ticks_per_ns());
    control = bench_share(sizeof *control);
    bench_record_create(&record);
    pid_t child = bench_fork();
    bench_pin(child == 0);
    transport->open(child == 0, argc - 2, argv + 2);
    transport->connect();
    if (child == 0) {
        transport->listen();
    } else {
        write_paced(child);
    }
    transport->close();
    return 0;
}
