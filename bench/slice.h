/* slice.h - what the benchmark programs share: a clock, a core of one's own, a record, and turns.
 *
 *   set up -> say "ready" -> a line "MILLISECONDS" comes in: one slice, one result -> end of input
 *
 * bench/run keeps several programs alive and gives them turns, so that each is measured between two
 * measurements of the floor.  A program is asleep while it has no turn.  Results are JSON objects,
 * one a line; a program that cannot go on prints {"error": "..."} and exits with 1.
 *
 * Threads: one.  Crash: the children of a program that is gone get SIGTERM from the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SLICE_H
#define BENCH_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#if defined(__x86_64__)
#include <x86intrin.h>

/* A few nanoseconds a reading, where clock_gettime costs twenty and more. */
static inline uint64_t bench_ticks(void)
{
    return __rdtsc();
}
#else
#include <time.h>

static inline uint64_t bench_ticks(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#endif

/* Measured against CLOCK_MONOTONIC at the first call, for 20 ms. */
double bench_ticks_per_ns(void);

/* So many milliseconds in ticks. */
uint64_t bench_ticks_of(unsigned milliseconds);

/* Moves this process to one core; with fewer cores than that, to one of those there are.  Where the
 * environment has BENCH_UNPINNED, it stays where it is. */
void bench_pin(unsigned core);

/* Prints {"error": ...} and exits with 1. */
noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "64", "4k", "1M" in bytes. */
size_t bench_size(const char *text);

/* fork whose child is told when its parent is gone. */
pid_t bench_fork(void);

/* Zeroed memory that children share. */
void *bench_share(size_t bytes);

/* Futex words between a program and its children. */
void bench_wake(_Atomic uint32_t *word);
void bench_sleep_while(_Atomic uint32_t *word, uint32_t value);

/* Round trips or batches of one slice, in ticks. */
struct bench_record {
    uint32_t *ticks;
    size_t count;
};
#define BENCH_RECORD_MAX (1u << 21)

void bench_record_create(struct bench_record *record);

static inline void bench_record_add(struct bench_record *record, uint64_t ticks)
{
    record->ticks[record->count++] = ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

static inline bool bench_record_full(const struct bench_record *record)
{
    return record->count == BENCH_RECORD_MAX;
}

struct bench_times {
    double p50_us, p99_us, mean_us;
    size_t n;
};

/* Drops the first tenth (it warms up), sorts the rest, and divides each time by `divisor`: 2 makes
 * one way out of a round trip.  The record is empty then. */
struct bench_times bench_record_times(struct bench_record *record, double divisor);

/* Prints them: {"p50_us", "p99_us", "samples_per_s", "n"}. */
void bench_record_print_us(struct bench_record *record, double divisor);

/* The same in nanoseconds: {"ns", "n"}, the median. */
void bench_record_print_ns(struct bench_record *record, double divisor);

/* Writes `bytes` of payload, and the sequence number into its first word; or reads all of it and
 * returns the first word.  Every transport's benchmark uses these two; `bytes` is a multiple of 8.
 */
void bench_fill(void *payload, size_t bytes, uint64_t seq);
uint64_t bench_drain(const void *payload, size_t bytes);

/* Says "ready" and calls `slice` for every turn, until the end of input. */
void bench_serve(void (*slice)(void *context, unsigned milliseconds), void *context);

#endif
