/* command.c - the node's main: reads commands, and does those that are neither writing nor reading.
 *
 *   join DOMAIN|default           become a participant; what is opened later belongs to the last
 *   matched w|r INDEX COUNT       wait until writer or reader INDEX has exactly COUNT others
 *   leave                         delete the participants and all they have
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dds_entity_t node_topic(struct node *node, const struct node_command *command,
                        const struct node_type **type)
{
    *type = node_type_named(node_word(command, 2));
    if (*type == NULL) {
        fprintf(stderr, "%s: no such type\n", node_word(command, 2));
        exit(2);
    }
    return dds_create_topic(node->participant, (*type)->descriptor, node_word(command, 1), NULL,
                            NULL);
}

struct node_writer *node_writer_at(struct node *node, const struct node_command *command)
{
    uint64_t index = node_word_number(command, 1);
    if (index < node->writer_count)
        return &node->writers[index];
    fprintf(stderr, "%s: there is no such writer\n", command->words[0]);
    exit(2);
}

struct node_reader *node_reader_at(struct node *node, const struct node_command *command)
{
    uint64_t index = node_word_number(command, 1);
    if (index < node->reader_count)
        return &node->readers[index];
    fprintf(stderr, "%s: there is no such reader\n", command->words[0]);
    exit(2);
}

static void node_join(struct node *node, const struct node_command *command)
{
    if (node->participant_count == NODE_MAX) {
        node_fail("too many participants");
        return;
    }
    bool is_default = strcmp(node_word(command, 1), "default") == 0;
    node->participant = dds_create_participant(
        is_default ? DDS_DOMAIN_DEFAULT : (dds_domainid_t)node_word_number(command, 1), NULL, NULL);
    if (!node_succeeded(node->participant, "dds_create_participant"))
        return;
    node->participants[node->participant_count++] = node->participant;
    puts("ok");
}

/* Who floods goes on while its writer is deleted; but what is on loan must not be written any more. */
static void end_floods(struct node *node, bool of_loans_alone)
{
    for (uint32_t i = 0; i < node->writer_count; i++)
        if (node->writers[i].is_flooding && (node->writers[i].loans || !of_loans_alone))
            (void)node_end_flood(&node->writers[i]);
}

/* DDS calls no listener of theirs any more once they are deleted. */
static dds_return_t leave(struct node *node)
{
    dds_return_t result = DDS_RETCODE_OK;
    end_floods(node, true);
    for (uint32_t i = 0; i < node->participant_count && result == DDS_RETCODE_OK; i++)
        result = dds_delete(node->participants[i]);
    end_floods(node, false);
    for (uint32_t i = 0; i < node->reader_count; i++)
        node_record_destroy(node->readers[i].record);
    memset(node, 0, sizeof *node);
    return result;
}

static void node_leave(struct node *node, const struct node_command *command)
{
    (void)command;
    if (node_succeeded(leave(node), "dds_delete"))
        puts("ok");
}

static void node_matched(struct node *node, const struct node_command *command)
{
    bool is_writer = false;
    struct node_command rest = node_about(command, &is_writer);
    dds_entity_t entity =
        is_writer ? node_writer_at(node, &rest)->entity : node_reader_at(node, &rest)->entity;
    uint64_t wanted = node_word_number(&rest, 2);
    /* No wait set: its status mask would have to be set, and for that Cyclone DDS 0.10 waits, with
     * the entity locked, for a listener that is running and may need the entity. */
    dds_time_t deadline = dds_time() + DDS_SECS(NODE_DEADLINE);
    uint32_t now;
    while ((now = node_matched_now(entity, is_writer)) != wanted && dds_time() < deadline)
        dds_sleepfor(DDS_MSECS(1));
    if (now == wanted)
        puts("ok");
    else
        node_fail("matched %u, not %u", now, (unsigned)wanted);
}

static const struct {
    const char *name;
    void (*run)(struct node *node, const struct node_command *command);
} commands[] = {{"join", node_join},
                {"leave", node_leave},
                {"matched", node_matched},
                {"writer", node_open_writer},
                {"reader", node_open_reader},
                {"write", node_write},
                {"flood", node_flood},
                {"calm", node_calm},
                {"dispose", node_dispose},
                {"unregister", node_unregister},
                {"loans", node_loans},
                {"take", node_take},
                {"hold", node_hold},
                {"events", node_events},
                {"instances", node_instances},
                {"writedispose", node_writedispose},
                {"acks", node_acks},
                {"status", node_status},
                {"await", node_await},
                {"record", node_record},
                {"log", node_log},
                {"lookup", node_lookup},
                {"call", node_call},
                {"assert", node_assert},
                {"remove", node_remove},
                {"vanish", node_vanish}};

static void run(struct node *node, char *line)
{
    struct node_command command = node_command_in(line);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0] && command.count > 0; i++) {
        if (strcmp(commands[i].name, command.words[0]) == 0) {
            commands[i].run(node, &command);
            return;
        }
    }
    node_fail("no such command");
}

int main(void)
{
    static struct node node;
    char line[1024];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL)
        run(&node, line);
    return leave(&node) == DDS_RETCODE_OK ? 0 : 1;
}
