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
#include <stdlib.h>

static dds_entity_t participant, writer, reader, waitset;
static void *buffer;

static void side_send(uint64_t seq)
{
    void *sample = dds_side_loan(writer, buffer);
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
    const dds_topic_descriptor_t *type = dds_side_type(side->size);
    dds_qos_t *qos = dds_side_qos();
    dds_listener_t *listener = side->listens ? dds_create_listener(NULL) : NULL;
    if (listener) {
        dds_lset_data_available(listener, on_data);
    }
    buffer = calloc(1, side->size);
    participant = dds_side_join(side->domain);
    dds_entity_t ping =
        dds_side_must(dds_create_topic(participant, type, "ping", qos, NULL), "topic");
    dds_entity_t pong =
        dds_side_must(dds_create_topic(participant, type, "pong", qos, NULL), "topic");
    writer = dds_side_must(dds_create_writer(participant, side->is_ping ? ping : pong, qos, NULL),
                           "writer");
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
    dds_side_await(writer, true, 1);
    dds_side_await(reader, false, 1);
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
