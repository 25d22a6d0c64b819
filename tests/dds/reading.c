/* reading.c - commands that read.
 *
 *   reader TOPIC TYPE [listen=count|take|answer] [delay=US] [filter=even] [QOS]
 *                               open one; says whether shared memory is available.  It counts what
 *                               arrives, or takes it at once into its record (exchange.c), or
 *                               answers with a sample of the last writer, and spends DELAY in its
 *                               listener each time
 *   take INDEX COUNT [from=ID]  take until COUNT valid samples have come (from one writer)
 *   hold INDEX COUNT [seconds=N]  wait until the reader's cache has COUNT samples, leave them there
 *   events INDEX COUNT          take until COUNT samples without data have come (disposed ...)
 *   instances INDEX             each instance's key and its state
 *
 * take and events take what else there is, too, and answer: valid, invalid (without data), lost
 * (left out, by the numbers of each writer and key), repeated (or late), bad (payload), sources
 * (writers and keys heard so far), first and last (number).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool node_arrivals_wait(struct node_reader *reader, uint64_t count, dds_time_t deadline)
{
    struct timespec until = {.tv_sec = deadline / DDS_NSECS_IN_SEC,
                             .tv_nsec = deadline % DDS_NSECS_IN_SEC};
    int result = 0;
    pthread_mutex_lock(&reader->lock);
    while (reader->arrivals < count && result == 0)
        result = pthread_cond_timedwait(&reader->arrived, &reader->lock, &until);
    bool enough = reader->arrivals >= count;
    pthread_mutex_unlock(&reader->lock);
    return enough;
}

static void answer_all(struct node_reader *reader)
{
    void *samples[] = {NULL};
    dds_sample_info_t info;
    while (dds_take(reader->entity, samples, &info, 1, 1) == 1) {
        struct node_tag tag = {0};
        reader->type->check(samples[0], &tag);
        if (info.valid_data)
            node_answer(reader->answers, &tag);
        dds_return_loan(reader->entity, samples, 1);
    }
}

static void on_data(dds_entity_t entity, void *arg)
{
    struct node_reader *reader = arg;
    pthread_mutex_lock(&reader->lock);
    reader->entity = entity; /* dds_create_reader may not have returned yet */
    reader->arrivals++;
    reader->last_arrival = dds_time();
    pthread_cond_broadcast(&reader->arrived);
    pthread_mutex_unlock(&reader->lock);
    if (reader->answers != NULL)
        answer_all(reader);
    else if (reader->takes)
        node_record_all(reader);
    if (reader->delay > 0)
        dds_sleepfor(reader->delay);
}

/* NULL: it does not listen. */
static dds_listener_t *listener_of(struct node *node, struct node_reader *reader,
                                   const struct node_command *command)
{
    const char *how = node_text(command, "listen", NULL);
    if (how == NULL)
        return NULL;
    reader->takes = strcmp(how, "take") == 0;
    if (strcmp(how, "answer") == 0 && node->writer_count > 0)
        reader->answers = &node->writers[node->writer_count - 1];
    reader->delay = DDS_USECS((int64_t)node_number(command, "delay", 0));
    dds_listener_t *listener = dds_create_listener(reader);
    dds_lset_data_available(listener, on_data);
    return listener;
}

static dds_entity_t reader_of(struct node *node, struct node_reader *reader,
                              const struct node_command *command)
{
    dds_entity_t topic = node_topic(node, command, &reader->type);
    if (topic < 0)
        return topic;
    if (strcmp(node_text(command, "filter", ""), "even") == 0)
        dds_set_topic_filter_and_arg(topic, node_filter_even, (void *)(uintptr_t)reader->type);
    reader->record = node_record_create(reader->type);
    dds_qos_t *qos = node_qos(command);
    dds_listener_t *listener = listener_of(node, reader, command);
    reader->entity = dds_create_reader(node->participant, topic, qos, listener);
    dds_delete_listener(listener);
    dds_delete_qos(qos);
    return reader->entity;
}

void node_open_reader(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = &node->readers[node->reader_count];
    if (node->reader_count == NODE_MAX) {
        node_fail("too many readers");
        return;
    }
    memset(reader, 0, sizeof *reader);
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->arrived, NULL);
    if (!node_succeeded(reader_of(node, reader, command), "dds_create_reader"))
        return;
    reader->condition = dds_create_readcondition(reader->entity, DDS_ANY_STATE);
    reader->waitset = dds_create_waitset(node->participant);
    if (!node_succeeded(dds_waitset_attach(reader->waitset, reader->condition, 0), "wait set"))
        return;
    node->reader_count++;
    printf("ok shm=%d\n", dds_is_shared_memory_available(reader->entity));
}

static struct node_source *source_of(struct node_reader *reader, uint32_t id, int32_t key)
{
    for (uint32_t i = 0; i < reader->source_count; i++)
        if (reader->sources[i].last.writer == id && reader->sources[i].last.key == key)
            return &reader->sources[i];
    if (reader->source_count == NODE_MANY) { /* one of long ago makes room */
        struct node_source *oldest = &reader->sources[reader->forgotten++ % NODE_MANY];
        *oldest = (struct node_source){.last = {.writer = id, .key = key}};
        return oldest;
    }
    reader->sources[reader->source_count] =
        (struct node_source){.last = {.writer = id, .key = key}};
    return &reader->sources[reader->source_count++];
}

static void count_valid(struct node_reader *reader, const void *sample, struct node_tag *tag)
{
    if (!reader->type->check(sample, tag))
        reader->bad++;
    if (reader->valid++ == 0)
        reader->first = tag->number;
    reader->last = tag->number;
    if (tag->number == 0)
        return; /* too small to say who wrote it */
    struct node_source *source = source_of(reader, tag->writer, tag->key);
    source->valid++;
    if (source->last.number != 0 && tag->number <= source->last.number)
        reader->repeated++;
    else if (source->last.number != 0)
        source->lost += tag->number - source->last.number - 1;
    source->last = *tag;
}

static void note_instance(struct node_reader *reader, const dds_sample_info_t *info,
                          const struct node_tag *tag)
{
    uint32_t i = 0;
    while (i < reader->instance_count && reader->instances[i].handle != info->instance_handle)
        i++;
    if (i == NODE_MANY)
        return;
    if (i == reader->instance_count)
        reader->instances[reader->instance_count++] =
            (struct node_instance){.handle = info->instance_handle, .key = -1};
    reader->instances[i].state = info->instance_state;
    if (info->valid_data)
        reader->instances[i].key = tag->key;
}

/* One sample; false: there is none, or it cannot be taken. */
static bool take_one(struct node_reader *reader)
{
    void *samples[] = {NULL};
    dds_sample_info_t info;
    struct node_tag tag = {0};
    if (dds_take(reader->entity, samples, &info, 1, 1) != 1)
        return false;
    if (info.valid_data)
        count_valid(reader, samples[0], &tag);
    else
        reader->invalid++;
    note_instance(reader, &info, &tag);
    dds_return_loan(reader->entity, samples, 1);
    return true;
}

static uint64_t lost_of(const struct node_reader *reader)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < reader->source_count; i++)
        lost += reader->sources[i].lost;
    return lost;
}

static void take_until(struct node_reader *reader, const uint64_t *counter, uint64_t wanted,
                       uint64_t seconds)
{
    dds_time_t deadline = dds_time() + DDS_SECS((int64_t)seconds);
    while (*counter < wanted && dds_time() < deadline)
        if (!take_one(reader))
            dds_waitset_wait_until(reader->waitset, NULL, 0, deadline);
    while (take_one(reader) && dds_time() < deadline)
        continue; /* what came beyond what was asked for counts too */
    printf("%s valid=%" PRIu64 " invalid=%" PRIu64 " lost=%" PRIu64 " repeated=%" PRIu64
           " bad=%" PRIu64 " sources=%" PRIu32 " first=%" PRIu32 " last=%" PRIu32 "\n",
           *counter >= wanted ? "ok" : "fail", reader->valid, reader->invalid, lost_of(reader),
           reader->repeated, reader->bad, reader->source_count, reader->first, reader->last);
}

void node_take(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    uint64_t from = node_number(command, "from", UINT64_MAX);
    const uint64_t *counter =
        from <= UINT32_MAX ? &source_of(reader, (uint32_t)from, 0)->valid : &reader->valid;
    take_until(reader, counter, node_word_number(command, 2),
               node_number(command, "seconds", NODE_DEADLINE));
}

void node_events(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    take_until(reader, &reader->invalid, node_word_number(command, 2),
               node_number(command, "seconds", NODE_DEADLINE));
}

void node_hold(struct node *node, const struct node_command *command)
{
    struct node_reader *reader = node_reader_at(node, command);
    int wanted = (int)node_word_number(command, 2), count = 0;
    uint64_t seconds = node_number(command, "seconds", NODE_DEADLINE);
    dds_time_t deadline = dds_time() + DDS_SECS((int64_t)seconds);
    dds_entity_t waitset = dds_create_waitset(node->participant);
    dds_entity_t fresh = dds_create_readcondition(reader->entity, DDS_NOT_READ_SAMPLE_STATE);
    dds_waitset_attach(waitset, fresh, 0);
    while (count < wanted && dds_time() < deadline) {
        void *samples[] = {NULL};
        dds_sample_info_t info;
        if (dds_read_mask(reader->entity, samples, &info, 1, 1, DDS_NOT_READ_SAMPLE_STATE) == 1) {
            count += info.valid_data;
            dds_return_loan(reader->entity, samples, 1);
        } else {
            dds_waitset_wait_until(waitset, NULL, 0, deadline);
        }
    }
    dds_delete(waitset);
    dds_delete(fresh);
    printf("%s held=%d\n", count >= wanted ? "ok" : "fail", count);
}

void node_instances(struct node *node, const struct node_command *command)
{
    const struct node_reader *reader = node_reader_at(node, command);
    printf("ok");
    for (uint32_t i = 0; i < reader->instance_count; i++) {
        const struct node_instance *instance = &reader->instances[i];
        printf(" %" PRId32 "=%s", instance->key,
               instance->state == DDS_IST_ALIVE                ? "alive"
               : instance->state == DDS_IST_NOT_ALIVE_DISPOSED ? "disposed"
                                                               : "no-writers");
    }
    putchar('\n');
}
