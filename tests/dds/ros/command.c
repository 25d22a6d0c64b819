/* command.c - the node's main: reads commands and runs them.
 *
 *   node NAME DOMAIN             become a node, with all that every node has; says ms
 *   nodes COUNT                  wait until the graph has exactly COUNT nodes; says ms since `node`
 *   publisher TOPIC PROFILE [fixed]
 *   subscription TOPIC PROFILE [fixed]    both say whether they may use shared memory
 *   matched p|s INDEX COUNT      wait until it has exactly COUNT others
 *   publish INDEX|rosout COUNT [SIZE]
 *   receive INDEX COUNT [SECONDS]  take until COUNT messages have come altogether, or time is over
 *   server NAME PROFILE
 *   client NAME PROFILE
 *   call INDEX COUNT             wait for a server, and ask it at once; COUNT questions
 *   parameters NODE COUNT        be a client of each of the six parameter services of another node
 *   end                          take everything down in ROS 2's order; says ms
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "../words.h"
#include "node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const parameter_services[] = {
    "describe_parameters", "get_parameter_types", "get_parameters",
    "list_parameters",     "set_parameters",      "set_parameters_atomically"};

static uint64_t number_or(const struct node_command *command, int index, uint64_t otherwise)
{
    return index < command->count ? node_word_number(command, index) : otherwise;
}

static uint32_t index_below(const struct node_command *command, int at, uint32_t count)
{
    uint64_t index = node_word_number(command, at);
    if (index < count)
        return (uint32_t)index;
    fprintf(stderr, "%s: there is no number %" PRIu64 "\n", command->words[0], index);
    exit(2);
}

/* The place of one more. */
static uint32_t next_below_max(const struct node_command *command, uint32_t *count)
{
    if (*count < ROS_MAX)
        return (*count)++;
    fprintf(stderr, "%s: there are %d already\n", command->words[0], ROS_MAX);
    exit(2);
}

static dds_time_t deadline_in(uint64_t seconds)
{
    return dds_time() + DDS_SECS((int64_t)seconds);
}

static int64_t ms_since(dds_time_t then)
{
    return (dds_time() - then) / DDS_NSECS_IN_MSEC;
}

/* Every change of what a node has is told to the others. */
static bool changed(struct ros_node *node, dds_return_t result, const char *what)
{
    node->entities++;
    return node_succeeded(result, what) && node_succeeded(ros_graph_say(node, node->name), "graph");
}

static bool open_parameters(struct ros_node *node)
{
    for (size_t i = 0; i < 6; i++) {
        char name[2 * ROS_NAME];
        snprintf(name, sizeof name, "%s/%s", node->name, parameter_services[i]);
        dds_return_t result = ros_server_open(node, &node->parameters[i], name, "parameters");
        if (!changed(node, result, name))
            return false;
    }
    return true;
}

static void run_node(struct ros_node *node, const struct node_command *command)
{
    dds_time_t began = dds_time();
    *node = (struct ros_node){.began = began};
    snprintf(node->name, sizeof node->name, "%s", node_word(command, 1));
    node->participant =
        dds_create_participant((dds_domainid_t)node_word_number(command, 2), NULL, NULL);
    if (!node_succeeded(node->participant, "participant") ||
        !node_succeeded(ros_graph_join(node), "graph") ||
        !node_succeeded(ros_graph_say(node, node->name), "graph") ||
        !node_succeeded(ros_servers_start(node), "servers"))
        return;
    dds_return_t rosout = ros_publisher_open(node, &node->rosout, "rt/rosout", "rosout", false);
    if (!changed(node, rosout, "rosout"))
        return;
    dds_return_t events = ros_publisher_open(node, &node->parameter_events, "rt/parameter_events",
                                             "parameters", false);
    if (!changed(node, events, "parameter events") || !open_parameters(node))
        return;
    printf("ok ms=%" PRId64 "\n", ms_since(began));
}

static void run_nodes(struct ros_node *node, const struct node_command *command)
{
    uint32_t count = (uint32_t)node_word_number(command, 1);
    uint32_t found = ros_graph_wait(node, count, deadline_in(number_or(command, 2, ROS_DEADLINE)));
    if (found == count)
        printf("ok ms=%" PRId64 "\n", ms_since(node->began));
    else
        node_fail("nodes: %" PRIu32 ", not %" PRIu32, found, count);
}

static bool is_fixed(const struct node_command *command)
{
    return command->count > 3 && strcmp(command->words[3], "fixed") == 0;
}

static void run_publisher(struct ros_node *node, const struct node_command *command)
{
    struct ros_publisher *publisher =
        &node->publishers[next_below_max(command, &node->publisher_count)];
    dds_return_t result = ros_publisher_open(node, publisher, node_word(command, 1),
                                             node_word(command, 2), is_fixed(command));
    if (changed(node, result, "publisher"))
        printf("ok shm=%d\n", dds_is_shared_memory_available(publisher->writer));
}

static void run_subscription(struct ros_node *node, const struct node_command *command)
{
    struct ros_subscription *subscription =
        &node->subscriptions[next_below_max(command, &node->subscription_count)];
    dds_return_t result = ros_subscription_open(node, subscription, node_word(command, 1),
                                                node_word(command, 2), is_fixed(command));
    if (changed(node, result, "subscription"))
        printf("ok shm=%d\n", dds_is_shared_memory_available(subscription->reader));
}

static void run_matched(struct ros_node *node, const struct node_command *command)
{
    bool is_writer = strcmp(node_word(command, 1), "p") == 0;
    dds_entity_t entity =
        is_writer ? node->publishers[index_below(command, 2, node->publisher_count)].writer
                  : node->subscriptions[index_below(command, 2, node->subscription_count)].reader;
    dds_entity_t waitset = dds_create_waitset(node->participant);
    uint32_t wanted = (uint32_t)node_word_number(command, 3), now;
    dds_time_t deadline = deadline_in(ROS_DEADLINE);
    dds_set_status_mask(entity, is_writer ? DDS_PUBLICATION_MATCHED_STATUS
                                          : DDS_SUBSCRIPTION_MATCHED_STATUS);
    dds_waitset_attach(waitset, entity, 0);
    while ((now = node_matched_now(entity, is_writer)) != wanted && dds_time() < deadline)
        dds_waitset_wait_until(waitset, NULL, 0, deadline);
    dds_delete(waitset);
    dds_set_status_mask(entity,
                        is_writer ? DDS_PUBLICATION_MATCHED_STATUS : DDS_DATA_AVAILABLE_STATUS);
    if (now == wanted)
        puts("ok");
    else
        node_fail("matched %" PRIu32 ", not %" PRIu32, now, wanted);
}

static void run_publish(struct ros_node *node, const struct node_command *command)
{
    struct ros_publisher *publisher =
        strcmp(node_word(command, 1), "rosout") == 0
            ? &node->rosout
            : &node->publishers[index_below(command, 1, node->publisher_count)];
    uint64_t count = node_word_number(command, 2), size = number_or(command, 3, 0);
    for (uint64_t i = 0; i < count; i++)
        if (!node_succeeded(ros_publish(publisher, size), "publish"))
            return;
    printf("ok number=%" PRIu64 "\n", publisher->message.number);
}

static void run_receive(struct ros_node *node, const struct node_command *command)
{
    struct ros_subscription *subscription =
        &node->subscriptions[index_below(command, 1, node->subscription_count)];
    uint64_t wanted = node_word_number(command, 2);
    ros_subscription_take(subscription, wanted, deadline_in(number_or(command, 3, ROS_DEADLINE)));
    printf("ok valid=%" PRIu64 " bad=%" PRIu64 " repeated=%" PRIu64 " first=%" PRIu64
           " last=%" PRIu64 "\n",
           subscription->valid, subscription->bad, subscription->repeated, subscription->first,
           subscription->last);
}

static void run_server(struct ros_node *node, const struct node_command *command)
{
    struct ros_service *server = &node->servers[next_below_max(command, &node->server_count)];
    dds_return_t result =
        ros_server_open(node, server, node_word(command, 1), node_word(command, 2));
    if (changed(node, result, "server"))
        printf("ok shm=%d\n", dds_is_shared_memory_available(server->reader));
}

static void run_client(struct ros_node *node, const struct node_command *command)
{
    struct ros_service *client = &node->clients[next_below_max(command, &node->client_count)];
    dds_return_t result =
        ros_client_open(node, client, node_word(command, 1), node_word(command, 2));
    if (changed(node, result, "client"))
        printf("ok shm=%d\n", dds_is_shared_memory_available(client->reader));
}

/* How many questions a server that was waited for has answered. */
static uint64_t call(struct ros_service *client, uint64_t count)
{
    uint64_t answered = 0;
    if (!ros_client_ready(client, deadline_in(ROS_DEADLINE)))
        return 0;
    for (uint64_t sequence = 1; sequence <= count; sequence++)
        answered += ros_client_call(client, sequence, 100, deadline_in(2));
    return answered;
}

static void run_call(struct ros_node *node, const struct node_command *command)
{
    struct ros_service *client = &node->clients[index_below(command, 1, node->client_count)];
    printf("ok answered=%" PRIu64 "\n", call(client, node_word_number(command, 2)));
}

static void run_parameters(struct ros_node *node, const struct node_command *command)
{
    uint64_t answered = 0, count = node_word_number(command, 2);
    for (size_t i = 0; i < 6; i++) {
        char name[2 * ROS_NAME];
        struct ros_service client;
        snprintf(name, sizeof name, "%s/%s", node_word(command, 1), parameter_services[i]);
        if (!changed(node, ros_client_open(node, &client, name, "parameters"), name))
            return;
        answered += call(&client, count);
        dds_delete(client.writer);
        dds_delete(client.reader);
    }
    printf("ok answered=%" PRIu64 "\n", answered);
}

static void delete_publisher(struct ros_node *node, struct ros_publisher *publisher)
{
    ros_graph_say(node, node->name);
    dds_delete(publisher->writer);
    ros_message_free(&publisher->message);
}

static void delete_services(struct ros_node *node, struct ros_service *services, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ros_graph_say(node, node->name);
        dds_delete(services[i].reader);
        dds_delete(services[i].writer);
    }
}

static void run_end(struct ros_node *node, const struct node_command *command)
{
    dds_time_t began = dds_time();
    (void)command;
    ros_servers_stop(node);
    for (uint32_t i = 0; i < node->publisher_count; i++)
        delete_publisher(node, &node->publishers[i]);
    for (uint32_t i = 0; i < node->subscription_count; i++) {
        ros_graph_say(node, node->name);
        dds_delete(node->subscriptions[i].reader);
    }
    delete_services(node, node->clients, node->client_count);
    delete_services(node, node->servers, node->server_count);
    delete_services(node, node->parameters, 6);
    delete_publisher(node, &node->parameter_events);
    delete_publisher(node, &node->rosout);
    ros_graph_say(node, "");
    ros_graph_leave(node);
    dds_return_t result = dds_delete(node->participant);
    node->participant = 0;
    if (node_succeeded(result, "delete"))
        printf("ok ms=%" PRId64 "\n", ms_since(began));
}

static const struct {
    const char *name;
    void (*run)(struct ros_node *node, const struct node_command *command);
} commands[] = {{"node", run_node},
                {"nodes", run_nodes},
                {"publisher", run_publisher},
                {"subscription", run_subscription},
                {"matched", run_matched},
                {"publish", run_publish},
                {"receive", run_receive},
                {"server", run_server},
                {"client", run_client},
                {"call", run_call},
                {"parameters", run_parameters},
                {"end", run_end}};

static void run(struct ros_node *node, char *line)
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
    static struct ros_node node;
    char line[1024];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL)
        run(&node, line);
    if (node.participant > 0)
        run_end(&node, NULL);
    return 0;
}
