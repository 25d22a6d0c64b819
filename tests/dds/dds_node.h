/* dds_node.h - a DDS program that does what it is told, one line at a time.
 *
 * It knows nothing of Eddy.  Each line on its standard input is a command, each answer is one line:
 * "ok" and what there is to say as name=value, or "fail" and why.  The commands are in command.c,
 * writing.c and reading.c.
 *
 * Threads: commands run on one thread; each writer that floods has one more.  Readers that listen
 * do so on threads of DDS; what they share with commands is under the reader's lock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DDS_NODE_H
#define DDS_NODE_H

#include "record.h"
#include "type.h"
#include "words.h"

#include <dds/dds.h>
#include <dds/ddsc/dds_loan_api.h>
#include <pthread.h>
#include <stdatomic.h>

#define NODE_MAX      16   /* writers and readers each */
#define NODE_MANY     4096 /* sources (writer and key) or instances that a reader can tell apart */
#define NODE_DEADLINE 30   /* seconds, for whatever is waited for */

struct node_writer {
    dds_entity_t entity;
    const struct node_type *type;
    struct node_tag tag; /* of the last sample written */
    uint64_t written;
    void *sample;
    bool is_flooding, loans; /* loans: the flooding thread writes them in place */
    atomic_bool calm;        /* tells the flooding thread to end */
    pthread_t thread;
};

struct node_source {
    struct node_tag last; /* number 0: none yet */
    uint64_t valid, lost;
};

struct node_instance {
    dds_instance_handle_t handle;
    dds_instance_state_t state;
    int32_t key;
};

struct node_reader {
    dds_entity_t entity, condition, waitset;
    const struct node_type *type;
    uint64_t valid, invalid, repeated, bad;
    uint32_t first, last; /* number of the first and the last sample */
    uint32_t source_count, forgotten, instance_count;
    struct node_source sources[NODE_MANY];
    struct node_instance instances[NODE_MANY];
    /* Of a reader that listens: */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    uint64_t arrivals; /* how often DDS has said that there is something */
    dds_time_t last_arrival;
    dds_duration_t delay;        /* spent in the listener, each time */
    bool takes;                  /* the listener takes what there is into the record */
    struct node_writer *answers; /* NULL: what comes is not answered */
    struct node_record *record;
};

struct node {
    dds_entity_t participants[NODE_MAX], participant; /* the last one that has joined */
    uint32_t participant_count;
    uint32_t writer_count, reader_count;
    struct node_writer writers[NODE_MAX];
    struct node_reader readers[NODE_MAX];
};

/* A quality of service as the command words it; durations are in milliseconds:
 * reliability=reliable|best-effort max-blocking=MS history=keep-last|keep-all depth=N
 * durability=volatile|transient-local service-depth=N|keep-all (that of history unless it is said)
 * deadline=MS lifespan=MS budget=MS liveliness=automatic|manual-by-participant|manual-by-topic
 * lease=MS ignorelocal=none|participant|process ownership=shared|exclusive strength=N
 * order=reception|source partition=NAME,... max-samples=N max-instances=N max-per-instance=N
 * autodispose=0|1. */
dds_qos_t *node_qos(const struct node_command *command);
dds_entity_t node_topic(struct node *node, const struct node_command *command,
                        const struct node_type **type);

struct node_writer *node_writer_at(struct node *node, const struct node_command *command);
struct node_reader *node_reader_at(struct node *node, const struct node_command *command);

/* writing.c */
void node_open_writer(struct node *node, const struct node_command *command);
dds_return_t node_write_one(struct node_writer *writer, const struct node_command *command);
dds_return_t node_answer(struct node_writer *writer, const struct node_tag *asked);
void node_write(struct node *node, const struct node_command *command);
/* Ends the thread that floods; what its last write returned. */
dds_return_t node_end_flood(struct node_writer *writer);
void node_flood(struct node *node, const struct node_command *command);
void node_calm(struct node *node, const struct node_command *command);
void node_dispose(struct node *node, const struct node_command *command);
void node_unregister(struct node *node, const struct node_command *command);
void node_writedispose(struct node *node, const struct node_command *command);
void node_loans(struct node *node, const struct node_command *command);

/* reading.c */
void node_open_reader(struct node *node, const struct node_command *command);
void node_take(struct node *node, const struct node_command *command);
void node_hold(struct node *node, const struct node_command *command);
void node_events(struct node *node, const struct node_command *command);
void node_instances(struct node *node, const struct node_command *command);
/* False: fewer than `count` had arrived when the deadline came. */
bool node_arrivals_wait(struct node_reader *reader, uint64_t count, dds_time_t deadline);

/* exchange.c */
void node_acks(struct node *node, const struct node_command *command);
void node_status(struct node *node, const struct node_command *command);
void node_await(struct node *node, const struct node_command *command);
void node_record(struct node *node, const struct node_command *command);
void node_log(struct node *node, const struct node_command *command);
void node_lookup(struct node *node, const struct node_command *command);
void node_call(struct node *node, const struct node_command *command);
void node_assert(struct node *node, const struct node_command *command);
void node_remove(struct node *node, const struct node_command *command);
void node_vanish(struct node *node, const struct node_command *command);
void node_record_all(struct node_reader *reader);
/* Whether the sample's number is even: a content filter; the argument is the sample's type. */
bool node_filter_even(const void *sample, void *type);

#endif
