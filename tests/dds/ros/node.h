/* node.h - a program that does on Cyclone DDS what a ROS 2 node does, one line at a time.
 *
 * It knows nothing of Eddy, and has no ROS: topics, services, the graph of nodes and the way to the
 * end are those of ROS 2's layer for Cyclone DDS, with its QoS.  Each line on its standard input is
 * a command, each answer is one line: "ok" and what there is to say as name=value, or "fail" and
 * why.  The commands are in command.c.
 *
 * Threads: commands run on one thread, one more follows the graph, one answers requests.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ROS_NODE_H
#define ROS_NODE_H

#include "message.h"

#include <dds/ddsc/dds_loan_api.h>
#include <pthread.h>
#include <stdatomic.h>

#define ROS_MAX      16  /* publishers, subscriptions, servers and clients each */
#define ROS_GRAPH    64  /* participants that a node can know */
#define ROS_NAME     128 /* bytes of a name, with its end */
#define ROS_DEADLINE 30  /* seconds, for whatever is waited for */

struct ros_publisher {
    dds_entity_t writer;
    struct ros_message message; /* the last one published */
};

struct ros_subscription {
    dds_entity_t reader, waitset;
    uint64_t valid, bad, repeated, first, last;
};

/* The two topics of a service, seen from either end: a server reads requests and writes replies. */
struct ros_service {
    dds_entity_t writer, reader;
    uint64_t
        id; /* the same in the user data of both, so that the others see what belongs together */
    atomic_uint_least64_t answered, dropped; /* dropped: whoever asked cannot be reached */
};

/* What one participant last said of itself. */
struct ros_peer {
    dds_guid_t guid;
    char node[ROS_NAME]; /* empty: it has none, or has gone */
    uint64_t entities;
};

struct ros_node {
    char name[ROS_NAME];
    dds_entity_t participant;
    dds_time_t began;
    atomic_bool ends;

    /* The graph: what this node says of itself, and what the others have said. */
    struct ros_publisher discovery_publisher;
    dds_entity_t discovery_reader, participant_reader, graph_waitset, graph_wakeup;
    dds_guid_t guid;
    uint64_t entities;
    pthread_t graph_thread;
    pthread_mutex_t graph_lock;
    pthread_cond_t graph_changed;
    struct ros_peer peers[ROS_GRAPH]; /* under the lock */

    pthread_t server_thread;
    dds_entity_t server_waitset, server_wakeup;

    struct ros_publisher rosout, parameter_events;
    struct ros_service parameters[6];
    uint32_t publisher_count, subscription_count, server_count, client_count;
    struct ros_publisher publishers[ROS_MAX];
    struct ros_subscription subscriptions[ROS_MAX];
    struct ros_service servers[ROS_MAX], clients[ROS_MAX];
};

/* One of ROS 2's profiles of QoS by its name; NULL: there is none.  "graph-reader" is that of those
 * who follow the graph: it keeps everything, and so stays off shared memory. */
dds_qos_t *ros_profile(const char *name);

/* topic.c.  Each returns an error of DDS, or 0 or more. */
dds_return_t ros_publisher_open(struct ros_node *node, struct ros_publisher *publisher,
                                const char *topic, const char *profile, bool is_fixed);
dds_return_t ros_publish(struct ros_publisher *publisher, size_t size);
dds_return_t ros_subscription_open(struct ros_node *node, struct ros_subscription *subscription,
                                   const char *topic, const char *profile, bool is_fixed);
/* Takes until it has got `wanted` messages altogether or the time is over, and what else there is. */
void ros_subscription_take(struct ros_subscription *subscription, uint64_t wanted,
                           dds_time_t deadline);

/* graph.c.  `ros_graph_say` tells the others what this node is; it is called whenever that changes. */
dds_return_t ros_graph_join(struct ros_node *node);
dds_return_t ros_graph_say(struct ros_node *node, const char *name);
void ros_graph_leave(struct ros_node *node);
/* Waits until exactly `count` nodes are known, itself among them; how many are. */
uint32_t ros_graph_wait(struct ros_node *node, uint32_t count, dds_time_t deadline);

/* service.c */
dds_return_t ros_servers_start(struct ros_node *node);
void ros_servers_stop(struct ros_node *node);
dds_return_t ros_server_open(struct ros_node *node, struct ros_service *server, const char *name,
                             const char *profile);
dds_return_t ros_client_open(struct ros_node *node, struct ros_service *client, const char *name,
                             const char *profile);
/* True as soon as a server's both ends are matched. */
bool ros_client_ready(struct ros_service *client, dds_time_t deadline);
/* Asks one question; true: the reply came, and is the right one. */
bool ros_client_call(struct ros_service *client, uint64_t sequence, size_t size,
                     dds_time_t deadline);

#endif
