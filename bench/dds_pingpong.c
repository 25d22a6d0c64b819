/* dds_pingpong.c - ping-pong of two Cyclone DDS programs, over whatever transport CYCLONEDDS_URI
 * and LD_LIBRARY_PATH give them.
 *
 *   PROGRAM SIZE waitset|listener DOMAIN [shm]
 *
 * With `shm` it fails when Cyclone DDS does not use shared memory.
 * Fixed-size types; through loans where the writer has them, else from a buffer.  Only the first
 * word is written and read: what is measured is the transport.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "slice.h"

#include <dds/dds.h>
#include <dds/ddsc/dds_loan_api.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "pingpong.h"

#define QUIT UINT64_MAX

static bool is_ping, has_loans;
static dds_entity_t participant, writer, reader, waitset;
static void *buffer;
static struct bench_record record;
static uint64_t sent_at, slice_end;
static sem_t over; /* ping: the slice; pong: the run */
static volatile bool is_over;

static dds_entity_t must(dds_entity_t rc, const char *what)
{
    if (rc < 0) {
        bench_fail("%s: %s", what, dds_strretcode(-rc));
    }
    return rc;
}

static void send_sample(uint64_t seq)
{
    void *sample = buffer;
    if (has_loans) {
        must(dds_loan_sample(writer, &sample), "loan");
    }
    *(uint64_t *)sample = seq;
    must(dds_write(writer, sample), "write");
}

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
        send_sample(seq + 1);
    }
}

static void pong_asked(uint64_t seq)
{
    if (seq == QUIT) {
        set_over();
    } else {
        send_sample(seq);
    }
}

/* Takes all there is and answers each. */
static void exchange(dds_entity_t from)
{
    for (;;) {
        void *sample[1] = {NULL};
        dds_sample_info_t info;
        if (dds_take(from, sample, &info, 1, 1) <= 0) {
            return;
        }
        bool valid = info.valid_data;
        uint64_t seq = valid ? *(uint64_t *)sample[0] : 0;
        dds_return_loan(from, sample, 1);
        if (valid && is_ping) {
            ping_answered(seq);
        } else if (valid) {
            pong_asked(seq);
        }
    }
}

static void on_data(dds_entity_t from, void *arg)
{
    (void)arg;
    exchange(from);
}

static void exchange_until_over(void)
{
    while (!is_over && waitset) {
        if (dds_waitset_wait(waitset, NULL, 0, DDS_INFINITY) > 0) {
            exchange(reader);
        }
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
    send_sample(1);
    exchange_until_over();
    bench_record_print_us(&record, 2);
}

static const dds_topic_descriptor_t *type_of(size_t size)
{
    static const dds_topic_descriptor_t *const types[] = {
        &bench_Bytes64_desc, &bench_KiB1_desc, &bench_KiB64_desc,
        &bench_MiB1_desc,    &bench_MiB4_desc, &bench_MiB16_desc,
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i]->m_size == size) {
            return types[i];
        }
    }
    bench_fail("no type of %zu bytes", size);
}

static dds_qos_t *qos_create(void)
{
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_SECS(10));
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 16);
    dds_qset_durability(qos, DDS_DURABILITY_VOLATILE);
    return qos;
}

static void side_open(const dds_topic_descriptor_t *type, bool listens, dds_domainid_t domain)
{
    dds_qos_t *qos = qos_create();
    dds_listener_t *listener = listens ? dds_create_listener(NULL) : NULL;
    if (listens) {
        dds_lset_data_available(listener, on_data);
    }
    participant = must(dds_create_participant(domain, NULL, NULL), "participant");
    dds_entity_t ping = must(dds_create_topic(participant, type, "ping", qos, NULL), "topic");
    dds_entity_t pong = must(dds_create_topic(participant, type, "pong", qos, NULL), "topic");
    writer = must(dds_create_writer(participant, is_ping ? ping : pong, qos, NULL), "writer");
    has_loans = dds_is_loan_available(writer);
    reader = dds_create_reader(participant, is_ping ? pong : ping, qos, listener);
    must(reader, "reader");
    if (!listens) {
        waitset = must(dds_create_waitset(participant), "wait set");
        dds_entity_t condition = must(dds_create_readcondition(reader, DDS_ANY_STATE), "condition");
        must(dds_waitset_attach(waitset, condition, 0), "attach");
    }
    dds_delete_listener(listener);
    dds_delete_qos(qos);
}

static void side_connect(void)
{
    dds_publication_matched_status_t readers = {0};
    dds_subscription_matched_status_t writers = {0};
    while (readers.current_count == 0 || writers.current_count == 0) {
        dds_sleepfor(DDS_MSECS(10));
        must(dds_get_publication_matched_status(writer, &readers), "status");
        must(dds_get_subscription_matched_status(reader, &writers), "status");
    }
}

/* Both sides know each other once each has heard the other say so; a pong that came late would
 * answer nothing, so it is given time. */
static void settle(void)
{
    dds_sleepfor(DDS_MSECS(300));
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s SIZE waitset|listener DOMAIN [shm]\n", argv[0]);
        return 2;
    }
    const dds_topic_descriptor_t *type = type_of(bench_size(argv[1]));
    buffer = calloc(1, type->m_size);
    sem_init(&over, 0, 0);
    bench_record_create(&record);
    pid_t child = bench_fork();
    is_ping = child != 0;
    bench_pin(!is_ping);
    side_open(type, strcmp(argv[2], "listener") == 0, (dds_domainid_t)strtoul(argv[3], NULL, 10));
    if (argc > 4 && !dds_is_shared_memory_available(writer)) {
        bench_fail("Cyclone DDS does not use shared memory");
    }
    side_connect();
    if (is_ping) {
        settle();
        bench_serve(ping_slice, NULL);
        send_sample(QUIT);
        waitpid(child, NULL, 0);
    } else {
        exchange_until_over();
    }
    dds_delete(participant);
    return 0;
}
