/* writing.c - commands that write.
 *
 *   writer TOPIC TYPE [id=N] [QOS]     open one; says whether shm and loans are available
 *   write INDEX COUNT [size=BYTES] [keys=K] [key=K] [loan=1] [stamp=1] [age=MS] [pace=US]
 *      [acked=1]
 *                                      samples go round keys 0 to K-1 (or all are of one), each
 *                                      numbered by itself; with a source time by which record.h
 *                                      knows them again, or one MS old; waiting for PACE, or
 *                                      until it has been acknowledged, after each
 *   flood INDEX [size=BYTES] [loan=1]  write as fast as it goes, until `calm INDEX`
 *   dispose INDEX KEY, unregister INDEX KEY, writedispose INDEX KEY
 *   loans INDEX                        take out as many loans as there are, give them all back
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void node_open_writer(struct node *node, const struct node_command *command)
{
    struct node_writer *writer = &node->writers[node->writer_count];
    if (node->writer_count == NODE_MAX) {
        node_fail("too many writers");
        return;
    }
    *writer = (struct node_writer){.tag.writer = (uint32_t)node_number(command, "id", 1)};
    dds_entity_t topic = node_topic(node, command, &writer->type);
    if (!node_succeeded(topic, "dds_create_topic"))
        return;
    dds_qos_t *qos = node_qos(command);
    writer->entity = dds_create_writer(node->participant, topic, qos, NULL);
    dds_delete_qos(qos);
    if (!node_succeeded(writer->entity, "dds_create_writer"))
        return;
    writer->sample = calloc(1, writer->type->descriptor->m_size);
    if (writer->sample == NULL)
        abort();
    node->writer_count++;
    printf("ok shm=%d loan=%d\n", dds_is_shared_memory_available(writer->entity),
           dds_is_loan_available(writer->entity));
}

/* The tag of the next sample: keys take turns. */
static void tag_next(struct node_writer *writer, const struct node_command *command)
{
    uint64_t keys = node_number(command, "keys", 1);
    writer->tag.key = (int32_t)(writer->written % keys + node_number(command, "key", 0));
    writer->tag.number = (uint32_t)(writer->written / keys + 1);
    writer->written++;
}

static dds_return_t write_stamped(struct node_writer *writer, const struct node_command *command,
                                  const void *sample)
{
    uint64_t none = UINT64_MAX, age = node_number(command, "age", none);
    if (age == none && node_number(command, "stamp", 0) == 0)
        return dds_write(writer->entity, sample);
    dds_time_t time = dds_time() - (age == none ? 0 : DDS_MSECS((int64_t)age));
    return dds_write_ts(writer->entity, sample, node_record_stamp(time, writer->tag.number));
}

dds_return_t node_write_one(struct node_writer *writer, const struct node_command *command)
{
    void *sample = writer->sample;
    if (node_number(command, "loan", 0) != 0) {
        dds_return_t result = dds_loan_sample(writer->entity, &sample);
        if (result != 0)
            return result;
    }
    tag_next(writer, command);
    writer->type->fill(sample, &writer->tag, node_number(command, "size", 0));
    dds_return_t result = write_stamped(writer, command, sample);
    uint64_t pace = node_number(command, "pace", 0);
    if (pace > 0)
        dds_sleepfor(DDS_USECS((int64_t)pace));
    if (result == 0 && node_number(command, "acked", 0) != 0)
        result = dds_wait_for_acks(writer->entity, DDS_SECS(NODE_DEADLINE));
    return result;
}

dds_return_t node_answer(struct node_writer *writer, const struct node_tag *asked)
{
    writer->tag.number = asked->number;
    writer->tag.key = asked->key;
    writer->type->fill(writer->sample, &writer->tag, 0);
    return dds_write(writer->entity, writer->sample);
}

void node_write(struct node *node, const struct node_command *command)
{
    struct node_writer *writer = node_writer_at(node, command);
    uint64_t count = node_word_number(command, 2);
    for (uint64_t i = 0; i < count; i++)
        if (!node_succeeded(node_write_one(writer, command), "write"))
            return;
    printf("ok written=%" PRIu64 "\n", writer->written);
}

struct flood {
    struct node_writer *writer;
    struct node_command command;
    char line[1024]; /* the words of the command */
};

static void *flood(void *arg)
{
    struct flood *flood = arg;
    dds_return_t result = 0;
    while (result == 0 && !atomic_load(&flood->writer->calm))
        result = node_write_one(flood->writer, &flood->command);
    free(flood);
    return (void *)(intptr_t)result;
}

void node_flood(struct node *node, const struct node_command *command)
{
    struct node_writer *writer = node_writer_at(node, command);
    struct flood *start = calloc(1, sizeof *start);
    if (start == NULL)
        abort();
    start->writer = writer;
    start->command.count = command->count;
    char *at = start->line;
    for (int i = 0; i < command->count; i++) {
        start->command.words[i] = at;
        at = stpcpy(at, command->words[i]) + 1;
    }
    atomic_store(&writer->calm, false);
    writer->loans = node_number(command, "loan", 0) != 0;
    writer->is_flooding = pthread_create(&writer->thread, NULL, flood, start) == 0;
    puts(writer->is_flooding ? "ok" : "fail no thread");
}

dds_return_t node_end_flood(struct node_writer *writer)
{
    void *result = NULL;
    atomic_store(&writer->calm, true);
    pthread_join(writer->thread, &result);
    writer->is_flooding = false;
    return (dds_return_t)(intptr_t)result;
}

void node_calm(struct node *node, const struct node_command *command)
{
    struct node_writer *writer = node_writer_at(node, command);
    if (!writer->is_flooding) {
        node_fail("it does not flood");
        return;
    }
    if (node_succeeded(node_end_flood(writer), "flood"))
        printf("ok written=%" PRIu64 "\n", writer->written);
}

static void end_instance(struct node *node, const struct node_command *command,
                         dds_return_t (*end)(dds_entity_t, const void *))
{
    struct node_writer *writer = node_writer_at(node, command);
    struct node_tag tag = {.writer = writer->tag.writer,
                           .key = (int32_t)node_word_number(command, 2)};
    writer->type->fill(writer->sample, &tag, 0);
    if (node_succeeded(end(writer->entity, writer->sample), command->words[0]))
        puts("ok");
}

void node_dispose(struct node *node, const struct node_command *command)
{
    end_instance(node, command, dds_dispose);
}

void node_unregister(struct node *node, const struct node_command *command)
{
    end_instance(node, command, dds_unregister_instance);
}

void node_writedispose(struct node *node, const struct node_command *command)
{
    end_instance(node, command, dds_writedispose);
}

void node_loans(struct node *node, const struct node_command *command)
{
    struct node_writer *writer = node_writer_at(node, command);
    void *loans[64];
    int count = 0;
    while (count < 64 && dds_loan_sample(writer->entity, &loans[count]) == 0) {
        struct node_tag tag = {.writer = writer->tag.writer, .number = (uint32_t)count};
        writer->type->fill(loans[count], &tag, 0); /* a loan is memory that we may write to */
        count++;
    }
    for (int i = 0; i < count; i++)
        if (!node_succeeded(dds_return_loan(writer->entity, &loans[i], 1), "dds_return_loan"))
            return;
    printf("ok loans=%d\n", count);
}
