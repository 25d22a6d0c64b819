/* graph.c - who else is there: each participant says which nodes it has, everybody listens.
 *
 * The topic is ros_discovery_info.  Its writer keeps the last message for those who come later, its
 * reader keeps everything; a participant that has gone takes its nodes with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <string.h>

/* What the message's bytes are. */
struct said {
    dds_guid_t guid;
    uint64_t entities;
    char node[ROS_NAME];
};

static dds_entity_t graph_topic(struct ros_node *node)
{
    return ros_message_topic(node->participant, "ros_discovery_info",
                             "graph::msg::dds_::ParticipantEntitiesInfo_", false);
}

static dds_entity_t graph_reader(struct ros_node *node)
{
    dds_qos_t *qos = ros_profile("graph-reader");
    dds_entity_t topic = graph_topic(node);
    dds_entity_t reader = dds_create_reader(node->participant, topic, qos, NULL);
    dds_delete(topic);
    dds_delete_qos(qos);
    return reader;
}

static dds_entity_t graph_writer(struct ros_node *node)
{
    dds_qos_t *qos = ros_profile("graph");
    dds_entity_t topic = graph_topic(node);
    dds_entity_t writer = dds_create_writer(node->participant, topic, qos, NULL);
    dds_delete(topic);
    dds_delete_qos(qos);
    return writer;
}

/* With the lock held.  NULL: it is new, and there is no room. */
static struct ros_peer *peer_of(struct ros_node *node, const dds_guid_t *guid)
{
    struct ros_peer *unused = NULL;
    for (size_t i = 0; i < ROS_GRAPH; i++) {
        struct ros_peer *peer = &node->peers[i];
        if (memcmp(&peer->guid, guid, sizeof *guid) == 0)
            return peer;
        if (peer->node[0] == '\0' && unused == NULL)
            unused = peer;
    }
    if (unused != NULL)
        unused->guid = *guid;
    return unused;
}

static void learn(struct ros_node *node, const struct said *said)
{
    pthread_mutex_lock(&node->graph_lock);
    struct ros_peer *peer = peer_of(node, &said->guid);
    if (peer != NULL) {
        memcpy(peer->node, said->node, sizeof peer->node);
        peer->entities = said->entities;
    }
    pthread_cond_broadcast(&node->graph_changed);
    pthread_mutex_unlock(&node->graph_lock);
}

static void take_said(struct ros_node *node)
{
    struct ros_message message = {0};
    void *at = &message;
    dds_sample_info_t info;
    struct said said;
    while (dds_take(node->discovery_reader, &at, &info, 1, 1) == 1) {
        if (!info.valid_data || message.size != sizeof said)
            continue;
        memcpy(&said, message.bytes, sizeof said);
        learn(node, &said);
    }
    ros_message_free(&message);
}

static void take_gone(struct ros_node *node)
{
    void *sample = NULL;
    dds_sample_info_t info;
    while (dds_take(node->participant_reader, &sample, &info, 1, 1) == 1) {
        const dds_builtintopic_participant_t *participant = sample;
        if (info.instance_state != DDS_IST_ALIVE)
            learn(node, &(struct said){.guid = participant->key});
        dds_return_loan(node->participant_reader, &sample, 1);
        sample = NULL;
    }
}

static void *follow(void *arg)
{
    struct ros_node *node = arg;
    while (!atomic_load(&node->ends)) {
        dds_waitset_wait(node->graph_waitset, NULL, 0, DDS_INFINITY);
        take_said(node);
        take_gone(node);
    }
    return NULL;
}

dds_return_t ros_graph_join(struct ros_node *node)
{
    pthread_mutex_init(&node->graph_lock, NULL);
    pthread_cond_init(&node->graph_changed, NULL);
    dds_get_guid(node->participant, &node->guid);
    node->participant_reader =
        dds_create_reader(node->participant, DDS_BUILTIN_TOPIC_DCPSPARTICIPANT, NULL, NULL);
    node->discovery_publisher.writer = graph_writer(node);
    node->discovery_reader = graph_reader(node);
    node->graph_waitset = dds_create_waitset(node->participant);
    node->graph_wakeup = dds_create_guardcondition(node->participant);
    const dds_entity_t wakers[] = {node->participant_reader, node->discovery_reader,
                                   node->graph_wakeup};
    for (size_t i = 0; i < sizeof wakers / sizeof wakers[0]; i++) {
        dds_set_status_mask(wakers[i], DDS_DATA_AVAILABLE_STATUS); /* a condition has none */
        dds_return_t result = dds_waitset_attach(node->graph_waitset, wakers[i], 0);
        if (result < 0)
            return result;
    }
    if (node->discovery_publisher.writer < 0)
        return node->discovery_publisher.writer;
    return pthread_create(&node->graph_thread, NULL, follow, node) == 0 ? 0 : DDS_RETCODE_ERROR;
}

dds_return_t ros_graph_say(struct ros_node *node, const char *name)
{
    struct said said = {.guid = node->guid, .entities = node->entities};
    struct ros_message *message = &node->discovery_publisher.message;
    strncpy(said.node, name, sizeof said.node - 1);
    learn(node, &said); /* its reader leaves out what comes from here */
    ros_message_resize(message, sizeof said);
    memcpy(message->bytes, &said, sizeof said);
    message->number++;
    return dds_write(node->discovery_publisher.writer, message);
}

void ros_graph_leave(struct ros_node *node)
{
    atomic_store(&node->ends, true);
    dds_set_guardcondition(node->graph_wakeup, true);
    pthread_join(node->graph_thread, NULL);
    dds_delete(node->discovery_publisher.writer);
    dds_delete(node->discovery_reader);
    ros_message_free(&node->discovery_publisher.message);
}

static uint32_t known(const struct ros_node *node)
{
    uint32_t count = 0;
    for (size_t i = 0; i < ROS_GRAPH; i++)
        count += node->peers[i].node[0] != '\0';
    return count;
}

uint32_t ros_graph_wait(struct ros_node *node, uint32_t count, dds_time_t deadline)
{
    struct timespec until = {.tv_sec = deadline / DDS_NSECS_IN_SEC,
                             .tv_nsec = deadline % DDS_NSECS_IN_SEC};
    pthread_mutex_lock(&node->graph_lock);
    while (known(node) != count &&
           pthread_cond_timedwait(&node->graph_changed, &node->graph_lock, &until) == 0)
        continue;
    uint32_t now = known(node);
    pthread_mutex_unlock(&node->graph_lock);
    return now;
}
