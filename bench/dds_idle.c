/* dds_idle.c - idle readers of Cyclone DDS, each with a listener and a topic of its own.
 *
 *   PROGRAM LISTENERS DOMAIN
 *
 * Through Eddy, one thread waits for all of them.  Cyclone DDS has threads of its own, which are
 * not counted: they send and await what keeps programs known to each other on the network.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"
#include "idle.h"

#include <stdio.h>
#include <stdlib.h>

#include "pingpong.h"

static dds_entity_t participant;

static void on_data(dds_entity_t reader, void *arg)
{
    uint64_t first;
    (void)arg;
    while (dds_side_take(reader, &first)) {
    }
}

static void reader_open(unsigned number, const dds_qos_t *qos, const dds_listener_t *listener)
{
    char name[32];
    snprintf(name, sizeof name, "idle%u", number);
    dds_entity_t topic =
        dds_side_must(dds_create_topic(participant, &bench_Bytes64_desc, name, qos, NULL), "topic");
    dds_entity_t reader =
        dds_side_must(dds_create_reader(participant, topic, qos, listener), "reader");
    dds_side_check(reader, "shm");
}

static void all_open(unsigned listeners, int argc, char **argv)
{
    dds_qos_t *qos = dds_side_qos();
    dds_listener_t *listener = dds_create_listener(NULL);
    dds_domainid_t domain = argc > 0 ? (dds_domainid_t)strtoul(argv[0], NULL, 10) : 0;
    dds_lset_data_available(listener, on_data);
    participant = dds_side_join(domain);
    for (unsigned i = 0; i < listeners; i++) {
        reader_open(i, qos, listener);
    }
    dds_delete_listener(listener);
    dds_delete_qos(qos);
}

int main(int argc, char **argv)
{
    struct idle_transport transport = {.open = all_open};
    transport.thread = dds_side_is_newer() ? "eddy-psmx" : "eddy-listener";
    return idle_run(&transport, argc, argv);
}
