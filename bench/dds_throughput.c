/* dds_throughput.c - writers and readers of one Cyclone DDS topic at full speed; reliable, keeping
 * all, so that nothing is lost and a writer waits for a reader that is behind.
 *
 *   PROGRAM WRITERS READERS SIZE DOMAIN [shm]
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_side.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned reader_count;
static dds_domainid_t domain;
static const char *way;
static size_t size;
static dds_entity_t participant, entity, waitset;
static void *buffer;

static void waitset_open(void)
{
    waitset = dds_side_must(dds_create_waitset(participant), "wait set");
    dds_entity_t condition =
        dds_side_must(dds_create_readcondition(entity, DDS_ANY_STATE), "condition");
    dds_side_must(dds_waitset_attach(waitset, condition, 0), "attach");
}

static void side_open(bool is_writer, size_t bytes)
{
    dds_qos_t *qos = dds_side_qos();
    size = bytes;
    buffer = calloc(1, bytes);
    dds_qset_history(qos, DDS_HISTORY_KEEP_ALL, 0);
    participant = dds_side_join(domain);
    dds_entity_t topic = dds_side_must(
        dds_create_topic(participant, dds_side_type(bytes), "stream", qos, NULL), "topic");
    entity = is_writer ? dds_create_writer(participant, topic, qos, NULL)
                       : dds_create_reader(participant, topic, qos, NULL);
    dds_side_must(entity, "writer or reader");
    dds_delete_qos(qos);
    dds_side_check(entity, way);
    if (is_writer) {
        dds_side_await(entity, true, reader_count);
    } else {
        waitset_open();
    }
}

static void side_publish(uint64_t seq)
{
    void *sample = dds_side_loan(entity, buffer);
    bench_fill(sample, size, seq);
    dds_side_must(dds_write(entity, sample), "write");
}

static bool side_take(void)
{
    void *sample[1] = {NULL};
    dds_sample_info_t info;
    if (dds_take(entity, sample, &info, 1, 1) <= 0) {
        dds_waitset_wait(waitset, NULL, 0, DDS_MSECS(100));
        return false;
    }
    bool valid = info.valid_data;
    if (valid) {
        bench_drain(sample[0], size);
    }
    dds_return_loan(entity, sample, 1);
    return valid;
}

static void side_close(void)
{
    dds_delete(participant);
}

int main(int argc, char **argv)
{
    static const struct stream_transport transport = {
        .open = side_open,
        .publish = side_publish,
        .take = side_take,
        .close = side_close,
    };
    if (argc < 5) {
        fprintf(stderr, "usage: %s WRITERS READERS SIZE DOMAIN [shm]\n", argv[0]);
        return 2;
    }
    reader_count = (unsigned)strtoul(argv[2], NULL, 10);
    domain = (dds_domainid_t)strtoul(argv[4], NULL, 10);
    way = argc > 5 ? argv[5] : "";
    return stream_run(&transport, 4, argv);
}
