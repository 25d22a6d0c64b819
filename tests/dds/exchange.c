/* exchange.c - commands about how readers and writers stand to each other.
 *
 *   acks INDEX [seconds=N]         whether all that was written has been acknowledged (acks=1)
 *   status w|r INDEX               who has matched, and what has been noticed
 *   await INDEX COUNT [quiet=MS] [seconds=N]
 *                                  wait until COUNT samples have arrived (or so long), and then
 *                                  until none has for MS; the reader needs listen=...
 *   record INDEX [read=1] [query=even] [plain=1]
 *                                  take (read) all there is into the reader's record
 *   log INDEX                      the record (record.h)
 *   lookup INDEX KEY               whether the reader knows the instance
 *   call INDEX COUNT [seconds=N]   write a sample and wait for the answer on reader INDEX, COUNT
 *                                  times, N seconds each at most
 *   assert INDEX                   say that the writer is alive
 *   remove w|r INDEX               delete it
 *   vanish                         exit, with nothing deleted
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

void node_acks(struct node *node, const struct node_command *command)
{
    uint64_t seconds = node_number(command, "seconds", NODE_DEADLINE);
    dds_return_t result =
        dds_wait_for_acks(node_writer_at(node, command)->entity, DDS_SECS((int64_t)seconds));
    if (result == DDS_RETCODE_TIMEOUT || node_succeeded(result, "dds_wait_for_acks"))
        printf("ok acks=%d\n", result == DDS_RETCODE_OK);
}

static void writer_status(dds_entity_t entity)
{
    dds_publication_matched_status_t matched = {0};
    dds_offered_incompatible_qos_status_t refused = {0};
    dds_offered_deadline_missed_status_t late = {0};
    dds_liveliness_lost_status_t lost = {0};
    dds_get_publication_matched_status(entity, &matched);
    dds_get_offered_incompatible_qos_status(entity, &refused);
    dds_get_offered_deadline_missed_status(entity, &late);
    dds_get_liveliness_lost_status(entity, &lost);
    printf("ok matched=%" PRIu32 " ever=%" PRIu32 " refused=%" PRIu32 " policy=%" PRIu32
           " late=%" PRIu32 " lost=%" PRIu32 "\n",
           matched.current_count, matched.total_count, refused.total_count, refused.last_policy_id,
           late.total_count, lost.total_count);
}

static void reader_status(dds_entity_t entity)
{
    dds_subscription_matched_status_t matched = {0};
    dds_requested_incompatible_qos_status_t refused = {0};
    dds_requested_deadline_missed_status_t late = {0};
    dds_liveliness_changed_status_t alive = {0};
    dds_sample_rejected_status_t rejected = {0};
    dds_get_subscription_matched_status(entity, &matched);
    dds_get_requested_incompatible_qos_status(entity, &refused);
    dds_get_requested_deadline_missed_status(entity, &late);
    dds_get_liveliness_changed_status(entity, &alive);
    dds_get_sample_rejected_status(entity, &rejected);
    printf("ok matched=%" PRIu32 " ever=%" PRIu32 " refused=%" PRIu32 " policy=%" PRIu32
           " late=%" PRIu32 " alive=%" PRIu32 " dead=%" PRIu32 " rejected=%" PRIu32 "\n",
           matched.current_count, matched.total_count, refused.total_count, refused.last_policy_id,
           late.total_count, alive.alive_count, alive.not_alive_count, rejected.total_count);
}

void node_status(struct node *node, const struct node_command *command)
{
    bool is_writer = false;
    struct node_command rest = node_about(command, &is_writer);
    if (is_writer)
        writer_status(node_writer_at(node, &rest)->entity);
    else
        reader_status(node_reader_at(node, &rest)->entity);
}

void node_await(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    uint64_t wanted = node_word_number(command, 2);
    dds_duration_t quiet = DDS_MSECS((int64_t)node_number(command, "quiet", 0));
    dds_time_t start = dds_time();
    dds_duration_t patience = DDS_SECS((int64_t)node_number(command, "seconds", NODE_DEADLINE));
    bool all = node_arrivals_wait(reader, wanted, start + patience);
    uint64_t count = UINT64_MAX;
    dds_time_t last;
    do {
        pthread_mutex_lock(&reader->lock);
        count = reader->arrivals;
        last = reader->last_arrival;
        pthread_mutex_unlock(&reader->lock);
    } while (node_arrivals_wait(reader, count + 1, (last > start ? last : start) + quiet));
    printf("ok arrivals=%" PRIu64 " all=%d\n", count, all);
}

static bool is_even(const void *sample, const struct node_type *type)
{
    struct node_tag tag = {0};
    type->check(sample, &tag);
    return tag.number % 2 == 0;
}

bool node_filter_even(const void *sample, void *type)
{
    return is_even(sample, type);
}

/* A query condition's function is given nothing but the sample: one type at a time. */
static const struct node_type *queried;

static bool query_even(const void *sample)
{
    return is_even(sample, queried);
}

/* Takes or reads one batch; how many there were. */
static int record_batch(struct node_reader *reader, dds_entity_t from, bool read, bool plain)
{
    void *samples[BATCH] = {NULL};
    dds_sample_info_t infos[BATCH];
    int count = read ? dds_read(from, samples, infos, BATCH, BATCH)
                     : dds_take(from, samples, infos, BATCH, BATCH);
    pthread_mutex_lock(&reader->lock);
    for (int i = 0; i < count; i++)
        node_record_add(reader->record, samples[i], &infos[i], plain);
    pthread_mutex_unlock(&reader->lock);
    if (count > 0)
        dds_return_loan(from, samples, count);
    return count;
}

void node_record_all(struct node_reader *reader)
{
    while (record_batch(reader, reader->entity, false, true) > 0)
        continue;
}

void node_record(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    bool read = node_number(command, "read", 0) != 0, plain = node_number(command, "plain", 0) != 0;
    bool query = strcmp(node_text(command, "query", ""), "even") == 0;
    dds_entity_t from = reader->entity;
    queried = reader->type;
    if (query)
        from = dds_create_querycondition(reader->entity, DDS_ANY_STATE, query_even);
    if (!node_succeeded(from, "dds_create_querycondition"))
        return;
    int count = 0, batch = 0;
    do {
        batch = record_batch(reader, from, read, plain);
        count += batch > 0 ? batch : 0;
    } while (batch > 0 && !read);
    if (query)
        dds_delete(from);
    if (node_succeeded(batch, "take"))
        printf("ok taken=%d\n", count);
}

void node_log(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    fputs("ok", stdout);
    pthread_mutex_lock(&reader->lock);
    node_record_print(reader->record, stdout);
    pthread_mutex_unlock(&reader->lock);
    putchar('\n');
}

void node_lookup(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    struct node_tag tag = {.writer = 1, .key = (int32_t)node_word_number(command, 2)};
    void *sample = calloc(1, reader->type->descriptor->m_size);
    if (sample == NULL)
        abort();
    reader->type->fill(sample, &tag, 0);
    printf("ok found=%d\n", dds_lookup_instance(reader->entity, sample) != DDS_HANDLE_NIL);
    dds_sample_free(sample, reader->type->descriptor, DDS_FREE_ALL);
}

void node_call(struct node *node, const struct node_command *command)
{
    struct node_writer *writer = node_writer_at(node, command);
    struct node_reader *reader = node_reader_at(node, command);
    uint64_t count = node_word_number(command, 2), answered = 0;
    dds_duration_t patience = DDS_SECS((int64_t)node_number(command, "seconds", 2));
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(&reader->lock);
        uint64_t before = reader->arrivals;
        pthread_mutex_unlock(&reader->lock);
        if (!node_succeeded(node_write_one(writer, command), "write"))
            return;
        answered += node_arrivals_wait(reader, before + 1, dds_time() + patience);
    }
    printf("ok answered=%" PRIu64 "\n", answered);
}

void node_assert(struct node *node, const struct node_command *command)
{
    if (node_succeeded(dds_assert_liveliness(node_writer_at(node, command)->entity), "assert"))
        puts("ok");
}

void node_remove(struct node *node, const struct node_command *command)
{
    bool is_writer = false;
    struct node_command rest = node_about(command, &is_writer);
    dds_entity_t entity =
        is_writer ? node_writer_at(node, &rest)->entity : node_reader_at(node, &rest)->entity;
    if (node_succeeded(dds_delete(entity), "dds_delete"))
        puts("ok");
}

void node_vanish(struct node *node, const struct node_command *command)
{
    (void)node;
    (void)command;
    puts("ok");
    fflush(stdout);
    exit(0);
}
