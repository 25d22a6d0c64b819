/* dds_paced.c - a listener of Cyclone DDS, with a sample now and then.
 *
 *   PROGRAM PERIOD_US DOMAIN [shm]
 *
 * With `shm` it fails when Cyclone DDS does not use shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"
#include "paced.h"

#include <stdlib.h>

#include "pingpong.h"

static dds_entity_t participant, writer, reader;

static void on_data(dds_entity_t from, void *arg)
{
    uint64_t at;
    (void)arg;
    while (dds_side_take(from, &at)) {
        paced_took(at);
    }
}

static void reader_open(dds_entity_t topic, const dds_qos_t *qos)
{
    dds_listener_t *listener = dds_create_listener(NULL);
    dds_lset_data_available(listener, on_data);
    reader = dds_side_must(dds_create_reader(participant, topic, qos, listener), "reader");
    dds_delete_listener(listener);
}

static void side_open(bool listens, int argc, char **argv)
{
    dds_qos_t *qos = dds_side_qos();
    dds_domainid_t domain = argc > 0 ? (dds_domainid_t)strtoul(argv[0], NULL, 10) : 0;
    participant = dds_side_join(domain);
    dds_entity_t topic = dds_side_must(
        dds_create_topic(participant, &bench_Bytes64_desc, "paced", qos, NULL), "topic");
    if (listens) {
        reader_open(topic, qos);
    } else {
        writer = dds_side_must(dds_create_writer(participant, topic, qos, NULL), "writer");
    }
    dds_delete_qos(qos);
    dds_side_check(listens ? reader : writer, argc > 1 ? argv[1] : "");
}

static void side_connect(void)
{
    dds_side_await(writer ? writer : reader, writer != 0, 1);
}

static void side_send(uint64_t at)
{
    static bench_Bytes64 copied;
    uint64_t *sample = dds_side_loan(writer, &copied);
    *sample = at;
    dds_side_must(dds_write(writer, sample), "write");
}

static void side_close(void)
{
    dds_delete(participant);
}

int main(int argc, char **argv)
{
    static const struct paced_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .listen = paced_sleep_until_over,
        .close = side_close,
    };
    return paced_run(&transport, argc, argv);
}
