/* dds_node.h - a DDS program that does what it is told, one line at a time.
 *
 * It knows nothing of Eddy.  Each line on its standard input is a command, each answer is one line:
 * "ok" and what there is to say as name=value, or "fail" and why.  The commands are in command.c,
 * writing.c and reading.c.
 *
 * Threads: commands run on one thread; each writer that floods has one more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DDS_NODE_H
#define DDS_NODE_H

#include "type.h"

#include <dds/dds.h>
#include <dds/ddsc/dds_loan_api.h>
#include <pthread.h>
#include <stdatomic.h>

#define NODE_MAX      8    /* writers and readers each */
#define NODE_MANY     4096 /* sources (writer and key) or instances that a reader can tell apart */
#define NODE_WORDS    16   /* in a command */
#define NODE_DEADLINE 30   /* seconds, for whatever is waited for */

struct node_writer {
    dds_entity_t entity;
    const struct node_type *type;
    struct node_tag tag; /* of the last sample written */
    uint64_t written;
    void *sample;
    bool is_flooding;
    atomic_bool calm; /* tells the flooding thread to end */
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
};

struct node {
    dds_entity_t participant;
    uint32_t writer_count, reader_count;
    struct node_writer writers[NODE_MAX];
    struct node_reader readers[NODE_MAX];
};

struct node_command {
    int count;
    char *words[NODE_WORDS]; /* the first is the name of the command */
};

/* The value of name=value in a command, or `otherwise`. */
const char *node_text(const struct node_command *command, const char *name, const char *otherwise);
uint64_t node_number(const struct node_command *command, const char *name, uint64_t otherwise);

/* The word at `index`, as it is and as a number; exits if it is missing. */
const char *node_word(const struct node_command *command, int index);
uint64_t node_word_number(const struct node_command *command, int index);

/* Prints "fail ..." with what DDS says, and returns false; true if the result is no error. */
bool node_succeeded(dds_return_t result, const char *call);
void node_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A quality of service as the command words it: reliability=reliable|best-effort
 * durability=volatile|transient-local depth=N history=keep-last|keep-all. */
dds_qos_t *node_qos(const struct node_command *command);
dds_entity_t node_topic(struct node *node, const struct node_command *command,
                        const struct node_type **type);

struct node_writer *node_writer_at(struct node *node, const struct node_command *command);
struct node_reader *node_reader_at(struct node *node, const struct node_command *command);

/* writing.c */
void node_open_writer(struct node *node, const struct node_command *command);
void node_write(struct node *node, const struct node_command *command);
void node_flood(struct node *node, const struct node_command *command);
void node_calm(struct node *node, const struct node_command *command);
void node_dispose(struct node *node, const struct node_command *command);
void node_unregister(struct node *node, const struct node_command *command);
void node_loans(struct node *node, const struct node_command *command);

/* reading.c */
void node_open_reader(struct node *node, const struct node_command *command);
void node_take(struct node *node, const struct node_command *command);
void node_hold(struct node *node, const struct node_command *command);
void node_events(struct node *node, const struct node_command *command);
void node_instances(struct node *node, const struct node_command *command);

#endif
