/* dds_paced.c - a listener of Cyclone DDS, with a sample now and then.
 *
 *   PROGRAM PERIOD_US DOMAIN [shm]
 *
 * With `shm` it fails when Cyclone DDS does not use shared memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"
#include "paced.h"

#include <dds/ddsc/dds_loan_api.h>
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
    participant = dds_side_must(dds_create_participant(domain, NULL, NULL), "participant");
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
    dds_publication_matched_status_t readers = {0};
    dds_subscription_matched_status_t writers = {0};
    while (readers.current_count + writers.current_count == 0) {
        dds_sleepfor(DDS_MSECS(10));
        if (writer) {
            dds_side_must(dds_get_publication_matched_status(writer, &readers), "status");
        } else {
            dds_side_must(dds_get_subscription_matched_status(reader, &writers), "status");
        }
    }
}

static void side_send(uint64_t at)
{
    void *sample = NULL;
    bench_Bytes64 copied = {.seq = at};
    if (dds_is_loan_available(writer)) {
        dds_side_must(dds_loan_sample(writer, &sample), "loan");
        *(uint64_t *)sample = at;
    }
    dds_side_must(dds_write(writer, sample ? sample : &copied), "write");
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
