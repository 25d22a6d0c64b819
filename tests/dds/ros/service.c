/* service.c - servers and clients: a request topic, a reply topic, and who belongs to whom.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "../pattern.h"
#include "node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dds_entity_t service_topic(struct ros_node *node, const char *prefix, const char *name,
                                  const char *suffix)
{
    char topic[2 * ROS_NAME], type[ROS_NAME];
    snprintf(topic, sizeof topic, "%s/%s%s", prefix, name, suffix);
    snprintf(type, sizeof type, "node::srv::dds_::Question_%s_", suffix);
    return ros_message_topic(node->participant, topic, type, false);
}

static dds_return_t service_open(struct ros_node *node, struct ros_service *service,
                                 const char *name, const char *profile, bool is_server)
{
    char id[64];
    static uint64_t count;
    dds_qos_t *qos = ros_profile(profile);
    dds_entity_t request = service_topic(node, "rq", name, "Request");
    dds_entity_t reply = service_topic(node, "rr", name, "Reply");
    memset(service, 0, sizeof *service);
    memcpy(&service->id, &node->guid, sizeof service->id);
    service->id += ++count;
    snprintf(id, sizeof id, "%s=%016" PRIx64 ";", is_server ? "serviceid" : "clientid",
             service->id);
    dds_qset_userdata(qos, id, strlen(id));
    service->writer = dds_create_writer(node->participant, is_server ? reply : request, qos, NULL);
    service->reader = dds_create_reader(node->participant, is_server ? request : reply, qos, NULL);
    dds_delete(request);
    dds_delete(reply);
    dds_delete_qos(qos);
    return service->writer < 0 ? service->writer : service->reader;
}

/* The id that the other end's user data carries under that name, or 0. */
static uint64_t id_of(dds_builtintopic_endpoint_t *endpoint, const char *name)
{
    void *value = NULL;
    size_t size = 0;
    uint64_t id = 0;
    if (endpoint == NULL)
        return 0;
    dds_qget_userdata(endpoint->qos, &value, &size);
    size_t length = strlen(name);
    if (size > length && strncmp(value, name, length) == 0)
        id = strtoull((const char *)value + length, NULL, 16); /* ends at the semicolon */
    dds_free(value);
    dds_builtintopic_free_endpoint(endpoint);
    return id;
}

#define OTHERS 64 /* endpoints that one can be matched with */

static bool has_reader_with(dds_entity_t writer, const char *name, uint64_t id)
{
    dds_instance_handle_t others[OTHERS];
    dds_return_t count = dds_get_matched_subscriptions(writer, others, OTHERS);
    for (dds_return_t i = 0; i < count; i++)
        if (id_of(dds_get_matched_subscription_data(writer, others[i]), name) == id)
            return true;
    return false;
}

/* A reply that comes before its reader is known would be lost, so it waits for it a moment. */
static bool reply_reader_is_there(const struct ros_service *server, dds_instance_handle_t asker)
{
    dds_time_t deadline = dds_time() + DDS_MSECS(100);
    uint64_t client = id_of(dds_get_matched_publication_data(server->reader, asker), "clientid=");
    if (client == 0)
        return false;
    while (!has_reader_with(server->writer, "clientid=", client)) {
        if (dds_time() >= deadline)
            return false;
        dds_sleepfor(DDS_MSECS(10)); /* as ROS 2 does; nothing tells a writer's matches otherwise */
    }
    return true;
}

static void answer(struct ros_service *server)
{
    struct ros_message message = {0};
    void *at = &message;
    dds_sample_info_t info;
    while (dds_take(server->reader, &at, &info, 1, 1) == 1) {
        if (!info.valid_data)
            continue;
        if (reply_reader_is_there(server, info.publication_handle) &&
            dds_write(server->writer, &message) == 0)
            atomic_fetch_add(&server->answered, 1);
        else
            atomic_fetch_add(&server->dropped, 1);
    }
    ros_message_free(&message);
}

static void *serve(void *arg)
{
    struct ros_node *node = arg;
    dds_attach_t ready[ROS_MAX + 8];
    while (!atomic_load(&node->ends)) {
        dds_return_t count = dds_waitset_wait(node->server_waitset, ready,
                                              sizeof ready / sizeof ready[0], DDS_INFINITY);
        for (dds_return_t i = 0; i < count; i++)
            if (ready[i] != 0)
                answer((struct ros_service *)ready[i]);
    }
    return NULL;
}

dds_return_t ros_servers_start(struct ros_node *node)
{
    node->server_waitset = dds_create_waitset(node->participant);
    node->server_wakeup = dds_create_guardcondition(node->participant);
    dds_return_t result = dds_waitset_attach(node->server_waitset, node->server_wakeup, 0);
    if (result < 0)
        return result;
    return pthread_create(&node->server_thread, NULL, serve, node) == 0 ? 0 : DDS_RETCODE_ERROR;
}

void ros_servers_stop(struct ros_node *node)
{
    atomic_store(&node->ends, true);
    dds_set_guardcondition(node->server_wakeup, true);
    pthread_join(node->server_thread, NULL);
}

dds_return_t ros_server_open(struct ros_node *node, struct ros_service *server, const char *name,
                             const char *profile)
{
    dds_return_t result = service_open(node, server, name, profile, true);
    if (result < 0)
        return result;
    dds_set_status_mask(server->reader, DDS_DATA_AVAILABLE_STATUS);
    return dds_waitset_attach(node->server_waitset, server->reader, (dds_attach_t)server);
}

dds_return_t ros_client_open(struct ros_node *node, struct ros_service *client, const char *name,
                             const char *profile)
{
    return service_open(node, client, name, profile, false);
}

/* Some server's request reader and reply writer are both matched. */
static bool server_is_there(const struct ros_service *client)
{
    dds_instance_handle_t others[OTHERS];
    dds_return_t count = dds_get_matched_publications(client->reader, others, OTHERS);
    for (dds_return_t i = 0; i < count; i++) {
        dds_builtintopic_endpoint_t *writer =
            dds_get_matched_publication_data(client->reader, others[i]);
        uint64_t server = id_of(writer, "serviceid=");
        if (server != 0 && has_reader_with(client->writer, "serviceid=", server))
            return true;
    }
    return false;
}

bool ros_client_ready(struct ros_service *client, dds_time_t deadline)
{
    dds_entity_t participant = dds_get_participant(client->reader);
    dds_entity_t waitset = dds_create_waitset(participant);
    bool is_there;
    dds_set_status_mask(client->writer, DDS_PUBLICATION_MATCHED_STATUS);
    dds_set_status_mask(client->reader, DDS_SUBSCRIPTION_MATCHED_STATUS);
    dds_waitset_attach(waitset, client->writer, 0);
    dds_waitset_attach(waitset, client->reader, 0);
    while (!(is_there = server_is_there(client)) && dds_time() < deadline) {
        dds_waitset_wait_until(waitset, NULL, 0, deadline);
        uint32_t status;
        dds_take_status(client->writer, &status, DDS_PUBLICATION_MATCHED_STATUS);
        dds_take_status(client->reader, &status, DDS_SUBSCRIPTION_MATCHED_STATUS);
    }
    dds_delete(waitset);
    return is_there;
}

/* Takes replies until that to question `sequence` is among them. */
static bool take_reply(const struct ros_service *client, uint64_t sequence)
{
    struct ros_message message = {0};
    void *at = &message;
    dds_sample_info_t info;
    bool found = false;
    while (!found && dds_take(client->reader, &at, &info, 1, 1) == 1)
        found = info.valid_data && message.client == client->id && message.sequence == sequence &&
                node_pattern_check(message.bytes, message.size, sequence);
    ros_message_free(&message);
    return found;
}

bool ros_client_call(struct ros_service *client, uint64_t sequence, size_t size,
                     dds_time_t deadline)
{
    struct ros_message question = {.client = client->id, .sequence = sequence};
    ros_message_resize(&question, size);
    node_pattern_write(question.bytes, size, sequence);
    bool came = false, is_sent = dds_write(client->writer, &question) == 0;
    ros_message_free(&question);
    if (!is_sent)
        return false;
    dds_entity_t waitset = dds_create_waitset(dds_get_participant(client->reader));
    dds_set_status_mask(client->reader, DDS_DATA_AVAILABLE_STATUS);
    dds_waitset_attach(waitset, client->reader, 0);
    while (!(came = take_reply(client, sequence)) && dds_time() < deadline)
        dds_waitset_wait_until(waitset, NULL, 0, deadline);
    dds_delete(waitset);
    return came;
}
