/* dds_pingpong.c - ping-pong of two Cyclone DDS programs, over whatever transport CYCLONEDDS_URI
 * and LD_LIBRARY_PATH give them.
 *
 *   PROGRAM SIZE waitset|listener DOMAIN [shm]
 *
 * With `shm` it fails when Cyclone DDS does not use shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"
#include "dds_side.h"

#include <dds/dds.h>
#include <dds/ddsc/dds_loan_api.h>
#include <stdlib.h>

#include "pingpong.h"

static bool has_loans;
static dds_entity_t participant, writer, reader, waitset;
static void *buffer;

static void side_send(uint64_t seq)
{
    void *sample = buffer;
    if (has_loans) {
        dds_side_must(dds_loan_sample(writer, &sample), "loan");
    }
    *(uint64_t *)sample = seq;
    dds_side_must(dds_write(writer, sample), "write");
}

static bool side_take(uint64_t *seq)
{
    return dds_side_take(reader, seq);
}

static void side_wait(void)
{
    dds_side_must(dds_waitset_wait(waitset, NULL, 0, DDS_INFINITY), "wait");
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

static void waitset_open(void)
{
    waitset = dds_side_must(dds_create_waitset(participant), "wait set");
    dds_entity_t condition =
        dds_side_must(dds_create_readcondition(reader, DDS_ANY_STATE), "condition");
    dds_side_must(dds_waitset_attach(waitset, condition, 0), "attach");
}

/* Nothing is sent before both sides are connected, so no listener is called before this is done. */
static void side_open(const struct answers_side *side)
{
    const dds_topic_descriptor_t *type = type_of(side->size);
    dds_qos_t *qos = dds_side_qos();
    dds_listener_t *listener = side->listens ? dds_create_listener(NULL) : NULL;
    if (listener) {
        dds_lset_data_available(listener, on_data);
    }
    buffer = calloc(1, side->size);
    participant = dds_side_must(dds_create_participant(side->domain, NULL, NULL), "participant");
    dds_entity_t ping =
        dds_side_must(dds_create_topic(participant, type, "ping", qos, NULL), "topic");
    dds_entity_t pong =
        dds_side_must(dds_create_topic(participant, type, "pong", qos, NULL), "topic");
    writer = dds_side_must(dds_create_writer(participant, side->is_ping ? ping : pong, qos, NULL),
                           "writer");
    has_loans = dds_is_loan_available(writer);
    reader = dds_create_reader(participant, side->is_ping ? pong : ping, qos, listener);
    dds_side_must(reader, "reader");
    if (!listener) {
        waitset_open();
    }
    dds_delete_listener(listener);
    dds_delete_qos(qos);
    dds_side_check(writer, side->way);
}

static void side_connect(void)
{
    dds_publication_matched_status_t readers = {0};
    dds_subscription_matched_status_t writers = {0};
    while (readers.current_count == 0 || writers.current_count == 0) {
        dds_sleepfor(DDS_MSECS(10));
        dds_side_must(dds_get_publication_matched_status(writer, &readers), "status");
        dds_side_must(dds_get_subscription_matched_status(reader, &writers), "status");
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
