/* slice.c - turns, clock and record of the benchmark programs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "slice.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double bench_ticks_per_ns(void)
{
    static double rate;
    if (rate == 0) {
        double start = monotonic_ns(), now;
        uint64_t ticks = bench_ticks();
        do {
            now = monotonic_ns();
        } while (now - start < 20e6);
        rate = (double)(bench_ticks() - ticks) / (now - start);
    }
    return rate;
}

uint64_t bench_ticks_of(unsigned milliseconds)
{
    return (uint64_t)(milliseconds * 1e6 * bench_ticks_per_ns());
}

void bench_pin(unsigned core)
{
    cpu_set_t set;
    if (getenv("BENCH_UNPINNED")) {
        return;
    }
    CPU_ZERO(&set);
    CPU_SET(core % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        bench_fail("cannot move to core %u", core);
    }
}

void bench_fail(const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    for (char *c = message; *c; c++) {
        if (*c == '"' || *c == '\\' || *c < ' ') {
            *c = '\'';
        }
    }
    printf("{\"error\": \"%s\"}\n", message);
    fflush(stdout);
    _exit(1);
}

size_t bench_size(const char *text)
{
    char *end;
    size_t number = strtoul(text, &end, 10);
    size_t size = number * (*end == 'k' ? 1024 : *end == 'M' ? 1048576 : 1);
    if (size == 0 || size % 8 != 0 || (*end != 0 && size == number)) {
        bench_fail("%s is no size: give a multiple of 8, or a number with k or M behind it", text);
    }
    return size;
}

pid_t bench_fork(void)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0) {
        bench_fail("cannot fork");
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) {
            _exit(1);
        }
    }
    return child;
}

void *bench_share(size_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        bench_fail("no memory for %zu bytes", bytes);
    }
    return memory;
}

void bench_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void bench_sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value) {
        syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
    }
}

void bench_record_create(struct bench_record *record)
{
    size_t bytes = BENCH_RECORD_MAX * sizeof *record->ticks;
    record->ticks = bench_share(bytes);
    record->count = 0;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Leaves out the warm-up; the count of what is left, sorted, at *ticks. */
static size_t settle(struct bench_record *record, uint32_t **ticks)
{
    size_t warm_up = record->count / 10, count = record->count - warm_up;
    if (count == 0) {
        bench_fail("nothing was exchanged");
    }
    *ticks = record->ticks + warm_up;
    qsort(*ticks, count, sizeof **ticks, ascending);
    record->count = 0;
    return count;
}

struct bench_times bench_record_times(struct bench_record *record, double divisor)
{
    uint32_t *ticks;
    size_t n = settle(record, &ticks);
    double scale = 1e3 * divisor * bench_ticks_per_ns(), sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += ticks[i];
    }
    return (struct bench_times){.p50_us = ticks[n / 2] / scale,
                                .p99_us = ticks[n * 99 / 100] / scale,
                                .mean_us = sum / (double)n / scale,
                                .n = n};
}

void bench_record_print_us(struct bench_record *record, double divisor)
{
    struct bench_times t = bench_record_times(record, divisor);
    printf("{\"p50_us\": %.4f, \"p99_us\": %.4f, \"samples_per_s\": %.0f, \"n\": %zu}\n", t.p50_us,
           t.p99_us, 1e6 / t.mean_us, t.n);
    fflush(stdout);
}

void bench_record_print_ns(struct bench_record *record, double divisor)
{
    uint32_t *ticks;
    size_t n = settle(record, &ticks);
    size_t half = n / 2;
    printf("{\"ns\": %.2f, \"n\": %zu}\n", ticks[half] / (divisor * bench_ticks_per_ns()), n);
    fflush(stdout);
}

void bench_fill(void *payload, size_t bytes, uint64_t seq)
{
    uint64_t *word = payload;
    for (size_t i = 1; i < bytes / 8; i++) {
        word[i] = seq + i;
    }
    word[0] = seq;
}

uint64_t bench_drain(const void *payload, size_t bytes)
{
    const uint64_t *word = payload;
    uint64_t mixed = 0;
    for (size_t i = 0; i < bytes / 8; i++) {
        mixed ^= word[i];
    }
    __asm__ __volatile__("" : : "r"(mixed)); /* else the compiler leaves the loop out */
    return word[0];
}

void bench_serve(void (*slice)(void *context, unsigned milliseconds), void *context)
{
    char line[32];
    bench_ticks_per_ns();
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        slice(context, (unsigned)strtoul(line, NULL, 10));
    }
}
