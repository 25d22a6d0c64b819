/* topic.c - publishers and subscriptions with ROS 2's profiles of QoS.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "../pattern.h"
#include "node.h"

#include <string.h>

static const struct {
    const char *name;
    int32_t depth; /* 0: keeps everything */
    bool is_reliable, is_latched, ignores_own;
    dds_duration_t lifespan;
} profiles[] = {
    {"default", 10, true, false, false, 0},
    {"sensor", 5, false, false, false, 0},
    {"latched", 1, true, true, false, 0},
    {"latched-reader", 100, true, true, false, 0}, /* as tf2 reads /tf_static */
    {"rosout", 1000, true, true, false, DDS_SECS(10)},
    {"parameters", 1000, true, false, false, 0},
    {"graph", 1, true, true, false, 0},
    {"graph-reader", 0, true, true, true, 0},
};

dds_qos_t *ros_profile(const char *name)
{
    size_t i = 0, count = sizeof profiles / sizeof profiles[0];
    while (i < count && strcmp(profiles[i].name, name) != 0)
        i++;
    if (i == count)
        return NULL;
    dds_qos_t *qos = dds_create_qos();
    bool is_reliable = profiles[i].is_reliable, keeps_all = profiles[i].depth == 0;
    dds_history_kind_t history = keeps_all ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST;
    int32_t depth = keeps_all ? DDS_LENGTH_UNLIMITED : profiles[i].depth;
    dds_qset_writer_data_lifecycle(qos, false);
    dds_qset_history(qos, history, depth);
    dds_qset_reliability(qos, is_reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                         is_reliable ? DDS_INFINITY : 0);
    if (profiles[i].is_latched) {
        dds_qset_durability(qos, DDS_DURABILITY_TRANSIENT_LOCAL);
        dds_qset_durability_service(qos, 0, history, depth, DDS_LENGTH_UNLIMITED,
                                    DDS_LENGTH_UNLIMITED, DDS_LENGTH_UNLIMITED);
    }
    if (profiles[i].lifespan > 0)
        dds_qset_lifespan(qos, profiles[i].lifespan);
    if (profiles[i].ignores_own)
        dds_qset_ignorelocal(qos, DDS_IGNORELOCAL_PARTICIPANT);
    return qos;
}

static const char *type_of(bool is_fixed)
{
    return is_fixed ? "node::msg::dds_::Fixed_" : "node::msg::dds_::Message_";
}

dds_return_t ros_publisher_open(struct ros_node *node, struct ros_publisher *publisher,
                                const char *topic, const char *profile, bool is_fixed)
{
    dds_qos_t *qos = ros_profile(profile);
    if (qos == NULL)
        return DDS_RETCODE_BAD_PARAMETER;
    dds_entity_t on = ros_message_topic(node->participant, topic, type_of(is_fixed), is_fixed);
    *publisher = (struct ros_publisher){.writer = on};
    if (on > 0)
        publisher->writer = dds_create_writer(node->participant, on, qos, NULL);
    dds_delete(on);
    dds_delete_qos(qos);
    return publisher->writer;
}

dds_return_t ros_publish(struct ros_publisher *publisher, size_t size)
{
    struct ros_message *message = &publisher->message;
    message->number++;
    if (size > 0) {
        ros_message_resize(message, size);
        node_pattern_write(message->bytes, size, message->number);
    }
    return dds_write(publisher->writer, message);
}

dds_return_t ros_subscription_open(struct ros_node *node, struct ros_subscription *subscription,
                                   const char *topic, const char *profile, bool is_fixed)
{
    dds_qos_t *qos = ros_profile(profile);
    if (qos == NULL)
        return DDS_RETCODE_BAD_PARAMETER;
    dds_entity_t on = ros_message_topic(node->participant, topic, type_of(is_fixed), is_fixed);
    *subscription = (struct ros_subscription){.reader = on};
    if (on > 0)
        subscription->reader = dds_create_reader(node->participant, on, qos, NULL);
    dds_delete(on);
    dds_delete_qos(qos);
    if (subscription->reader < 0)
        return subscription->reader;
    subscription->waitset = dds_create_waitset(node->participant);
    dds_set_status_mask(subscription->reader, DDS_DATA_AVAILABLE_STATUS);
    return dds_waitset_attach(subscription->waitset, subscription->reader, 0);
}

static void count(struct ros_subscription *subscription, const struct ros_message *message)
{
    if (!node_pattern_check(message->bytes, message->size, message->number))
        subscription->bad++;
    if (subscription->valid++ == 0)
        subscription->first = message->number;
    else if (message->number <= subscription->last)
        subscription->repeated++;
    subscription->last = message->number;
}

void ros_subscription_take(struct ros_subscription *subscription, uint64_t wanted,
                           dds_time_t deadline)
{
    struct ros_message message = {0};
    void *at = &message;
    dds_sample_info_t info;
    for (;;) {
        while (dds_take(subscription->reader, &at, &info, 1, 1) == 1)
            if (info.valid_data)
                count(subscription, &message);
        if (subscription->valid >= wanted || dds_time() >= deadline)
            break;
        dds_waitset_wait_until(subscription->waitset, NULL, 0, deadline);
    }
    ros_message_free(&message);
}
