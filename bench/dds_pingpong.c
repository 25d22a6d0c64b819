/* dds_pingpong.c - ping-pong of two Cyclone DDS programs, over whatever transport CYCLONEDDS_URI
 * and LD_LIBRARY_PATH give them.
 *
 *   PROGRAM SIZE waitset|listener DOMAIN [shm]
 *
 * With `shm` it fails when Cyclone DDS does not use shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include <dds/dds.h>
#include <dds/ddsc/dds_loan_api.h>
#include <stdlib.h>
#include <string.h>

#include "pingpong.h"

static bool has_loans;
static dds_entity_t participant, writer, reader, waitset;
static void *buffer;

static dds_entity_t must(dds_entity_t rc, const char *what)
{
    if (rc < 0) {
        bench_fail("%s: %s", what, dds_strretcode(-rc));
    }
    return rc;
}

static void side_send(uint64_t seq)
{
    void *sample = buffer;
    if (has_loans) {
        must(dds_loan_sample(writer, &sample), "loan");
    }
    *(uint64_t *)sample = seq;
    must(dds_write(writer, sample), "write");
}

static bool side_take(uint64_t *seq)
{
    bool valid;
    do {
        void *sample[1] = {NULL};
        dds_sample_info_t info;
        if (dds_take(reader, sample, &info, 1, 1) <= 0) {
            return false;
        }
        valid = info.valid_data;
        *seq = valid ? *(uint64_t *)sample[0] : 0;
        dds_return_loan(reader, sample, 1);
    } while (!valid);
    return true;
}

static void side_wait(void)
{
    must(dds_waitset_wait(waitset, NULL, 0, DDS_INFINITY), "wait");
}

static void on_data(dds_entity_t from, void *arg)
{
    (void)from;
    (void)arg;
    answers_exchange();
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

static void waitset_open(void)
{
    waitset = must(dds_create_waitset(participant), "wait set");
    dds_entity_t condition = must(dds_create_readcondition(reader, DDS_ANY_STATE), "condition");
    must(dds_waitset_attach(waitset, condition, 0), "attach");
}

/* Nothing is sent before both sides are connected, so no listener is called before this is done. */
static void side_open(const struct answers_side *side)
{
    const dds_topic_descriptor_t *type = type_of(side->size);
    dds_qos_t *qos = qos_create();
    dds_listener_t *listener = side->listens ? dds_create_listener(NULL) : NULL;
    if (listener) {
        dds_lset_data_available(listener, on_data);
    }
    buffer = calloc(1, side->size);
    participant = must(dds_create_participant(side->domain, NULL, NULL), "participant");
    dds_entity_t ping = must(dds_create_topic(participant, type, "ping", qos, NULL), "topic");
    dds_entity_t pong = must(dds_create_topic(participant, type, "pong", qos, NULL), "topic");
    writer = must(dds_create_writer(participant, side->is_ping ? ping : pong, qos, NULL), "writer");
    has_loans = dds_is_loan_available(writer);
    reader = dds_create_reader(participant, side->is_ping ? pong : ping, qos, listener);
    must(reader, "reader");
    if (!listener) {
        waitset_open();
    }
    dds_delete_listener(listener);
    dds_delete_qos(qos);
    if (strcmp(side->way, "shm") == 0 && !dds_is_shared_memory_available(writer)) {
        bench_fail("Cyclone DDS does not use shared memory");
    }
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

static void side_close(void)
{
    dds_delete(participant);
}

int main(int argc, char **argv)
{
    static const struct answers_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .take = side_take,
        .wait = side_wait,
        .close = side_close,
    };
    return answers_run(&transport, argc, argv);
}
