/* qos.c - a quality of service in words; the words are in dds_node.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The place of the value of `name` among `choices`, which a NULL ends; 0 if nothing is said. */
static int choice_of(const struct node_command *command, const char *name,
                     const char *const choices[])
{
    const char *text = node_text(command, name, choices[0]);
    for (int i = 0; choices[i] != NULL; i++)
        if (strcmp(choices[i], text) == 0)
            return i;
    fprintf(stderr, "%s=%s: there is no such choice\n", name, text);
    exit(2);
}

/* Milliseconds as DDS counts time, or `otherwise`. */
static dds_duration_t duration_of(const struct node_command *command, const char *name,
                                  dds_duration_t otherwise)
{
    uint64_t none = UINT64_MAX, value = node_number(command, name, none);
    return value == none ? otherwise : DDS_MSECS((int64_t)value);
}

static int32_t limit_of(const struct node_command *command, const char *name)
{
    return (int32_t)node_number(command, name, (uint64_t)DDS_LENGTH_UNLIMITED);
}

static void set_durability(dds_qos_t *qos, const struct node_command *command, const char *depth)
{
    static const char *const kinds[] = {"volatile", "transient-local", "transient", "persistent",
                                        NULL};
    const char *kept = node_text(command, "service-depth", depth);
    int kind = choice_of(command, "durability", kinds);
    if (kind == 0)
        return;
    bool all = strcmp(kept, "keep-all") == 0;
    dds_qset_durability(qos, (dds_durability_kind_t)kind);
    dds_qset_durability_service(qos, 0, all ? DDS_HISTORY_KEEP_ALL : DDS_HISTORY_KEEP_LAST,
                                all ? DDS_LENGTH_UNLIMITED : (int32_t)strtol(kept, NULL, 10),
                                DDS_LENGTH_UNLIMITED, DDS_LENGTH_UNLIMITED, DDS_LENGTH_UNLIMITED);
}

/* Of names with commas between them. */
static void set_partitions(dds_qos_t *qos, const char *names)
{
    char copy[256], *rest = copy, *each;
    const char *list[32];
    uint32_t count = 0;
    snprintf(copy, sizeof copy, "%s", names);
    while ((each = strsep(&rest, ",")) != NULL && count < sizeof list / sizeof *list)
        list[count++] = each;
    dds_qset_partition(qos, count, list);
}

/* Liveliness, ownership, whom it is for, and in which order: what is left as it is by default. */
static void set_others(dds_qos_t *qos, const struct node_command *command)
{
    static const char *const alive[] = {"automatic", "manual-by-participant", "manual-by-topic",
                                        NULL};
    static const char *const ignored[] = {"none", "participant", "process", NULL};
    static const char *const owners[] = {"shared", "exclusive", NULL};
    static const char *const orders[] = {"reception", "source", NULL};
    const char *partition = node_text(command, "partition", NULL);
    dds_qset_liveliness(qos, (dds_liveliness_kind_t)choice_of(command, "liveliness", alive),
                        duration_of(command, "lease", DDS_INFINITY));
    dds_qset_ignorelocal(qos, (dds_ignorelocal_kind_t)choice_of(command, "ignorelocal", ignored));
    if (choice_of(command, "ownership", owners) != 0)
        dds_qset_ownership(qos, DDS_OWNERSHIP_EXCLUSIVE);
    dds_qset_ownership_strength(qos, (int32_t)node_number(command, "strength", 0));
    dds_qset_destination_order(qos,
                               (dds_destination_order_kind_t)choice_of(command, "order", orders));
    if (partition != NULL)
        set_partitions(qos, partition);
}

dds_qos_t *node_qos(const struct node_command *command)
{
    static const char *const kept[] = {"keep-last", "keep-all", NULL};
    dds_qos_t *qos = dds_create_qos();
    const char *depth = node_text(command, "depth", "1");
    bool reliable = strcmp(node_text(command, "reliability", "reliable"), "reliable") == 0;
    dds_qset_reliability(qos, reliable ? DDS_RELIABILITY_RELIABLE : DDS_RELIABILITY_BEST_EFFORT,
                         duration_of(command, "max-blocking", DDS_SECS(10)));
    dds_qset_history(qos, (dds_history_kind_t)choice_of(command, "history", kept),
                     (int32_t)node_number(command, "depth", 1));
    set_durability(qos, command, depth);
    dds_qset_deadline(qos, duration_of(command, "deadline", DDS_INFINITY));
    dds_qset_lifespan(qos, duration_of(command, "lifespan", DDS_INFINITY));
    dds_qset_latency_budget(qos, duration_of(command, "budget", 0));
    dds_qset_resource_limits(qos, limit_of(command, "max-samples"),
                             limit_of(command, "max-instances"),
                             limit_of(command, "max-per-instance"));
    set_others(qos, command);
    dds_qset_writer_data_lifecycle(qos, node_number(command, "autodispose", 1) != 0);
    return qos;
}
