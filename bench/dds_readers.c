/* dds_readers.c - how long until each of many Cyclone DDS programs has a sample, and what it costs
 * them.
 *
 *   PROGRAM READERS SIZE DOMAIN [shm]
 *
 * One writer on core 0, which sends the next sample once all have had the last one; each reader is a
 * process with a listener, all of them on core 1.  {"p50_us", "p99_us"}: until the last reader has
 * it; {"cpu_us"}: processor time of all readers together, for each sample.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"
#include "slice.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_READERS 64u
#define SETTLE_US   500000
#define PATIENCE_MS 10000 /* for all to have a sample */

struct control {
    _Alignas(128) _Atomic uint64_t taken; /* samples, of all readers */
    _Alignas(128) _Atomic uint32_t quit;
};

static struct control *control;
static unsigned reader_count;
static size_t size;
static const char *way;
static dds_domainid_t domain;
static dds_entity_t participant, writer;
static void *buffer;
static struct bench_record record;
static clockid_t clocks[MAX_READERS];

static void on_data(dds_entity_t from, void *arg)
{
    uint64_t first;
    (void)arg;
    while (dds_side_take(from, &first)) {
        atomic_fetch_add(&control->taken, 1);
    }
}

static dds_entity_t topic_open(const dds_qos_t *qos)
{
    participant = dds_side_join(domain);
    return dds_side_must(dds_create_topic(participant, dds_side_type(size), "readers", qos, NULL),
                         "topic");
}

static void listen_until_over(void)
{
    dds_qos_t *qos = dds_side_qos();
    dds_listener_t *listener = dds_create_listener(NULL);
    dds_lset_data_available(listener, on_data);
    bench_pin(1);
    dds_entity_t topic = topic_open(qos);
    dds_entity_t reader = dds_create_reader(participant, topic, qos, listener);
    dds_side_check(dds_side_must(reader, "reader"), way);
    dds_delete_listener(listener);
    dds_delete_qos(qos);
    bench_sleep_while(&control->quit, 0);
    dds_delete(participant);
    exit(0);
}

static void reader_start(unsigned index)
{
    pid_t child = bench_fork();
    if (child == 0) {
        listen_until_over();
    }
    if (clock_getcpuclockid(child, &clocks[index]) != 0) {
        bench_fail("a reader's processor time cannot be had");
    }
}

static double readers_us(void)
{
    double sum = 0;
    for (unsigned i = 0; i < reader_count; i++) {
        struct timespec t = {0};
        clock_gettime(clocks[i], &t);
        sum += (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
    }
    return sum;
}

/* One sample, to all. */
static void send_one(uint64_t seq)
{
    uint64_t all = atomic_load(&control->taken) + reader_count, begin = bench_ticks();
    uint64_t deadline = begin + bench_ticks_of(PATIENCE_MS);
    uint64_t *sample = dds_side_loan(writer, buffer);
    *sample = seq;
    dds_side_must(dds_write(writer, sample), "write");
    while (atomic_load_explicit(&control->taken, memory_order_acquire) < all) {
        if (bench_ticks() > deadline) {
            bench_fail("not all readers have had a sample");
        }
    }
    bench_record_add(&record, bench_ticks() - begin);
}

static void readers_slice(void *context, unsigned milliseconds)
{
    uint64_t *seq = context, end = bench_ticks() + bench_ticks_of(milliseconds), sent = 0;
    double cpu = readers_us();
    while (sent == 0 || (bench_ticks() < end && !bench_record_full(&record))) {
        send_one(++*seq);
        sent++;
    }
    cpu = (readers_us() - cpu) / (double)sent;
    struct bench_times t = bench_record_times(&record, 1);
    printf("{\"p50_us\": %.4f, \"p99_us\": %.4f, \"cpu_us\": %.4f, \"n\": %zu}\n", t.p50_us,
           t.p99_us, cpu, t.n);
    fflush(stdout);
}

static void writer_open(void)
{
    dds_qos_t *qos = dds_side_qos();
    dds_entity_t topic = topic_open(qos);
    buffer = calloc(1, size);
    writer = dds_side_must(dds_create_writer(participant, topic, qos, NULL), "writer");
    dds_side_check(writer, way);
    dds_delete_qos(qos);
    dds_side_await(writer, true, reader_count);
    usleep(SETTLE_US); /* the readers may hear of us a little later */
}

int main(int argc, char **argv)
{
    uint64_t seq = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: %s READERS SIZE DOMAIN [shm]\n", argv[0]);
        return 2;
    }
    reader_count = (unsigned)strtoul(argv[1], NULL, 10);
    size = bench_size(argv[2]);
    domain = (dds_domainid_t)strtoul(argv[3], NULL, 10);
    way = argc > 4 ? argv[4] : "";
    if (reader_count < 1 || reader_count > MAX_READERS) {
        bench_fail("%s: give 1 to %u readers", argv[1], MAX_READERS);
    }
    control = bench_share(sizeof *control);
    bench_record_create(&record);
    for (unsigned i = 0; i < reader_count; i++) {
        reader_start(i);
    }
    bench_pin(0);
    writer_open();
    bench_serve(readers_slice, &seq);
    atomic_store(&control->quit, 1);
    bench_wake(&control->quit);
    while (wait(NULL) > 0) {
    }
    dds_delete(participant);
    return 0;
}
