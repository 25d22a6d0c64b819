/* member.c - see member.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/member.h"

#include "tools/plugin.h"
#include "tools/process.h"
#include "tools/why/judge.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCOPE "EDDY.%u" /* of a DDS domain, as `eddy run` sets it */

/* --- from folders ---------------------------------------------------------------------------- */

struct list {
    struct eddy_why_member *members;
    size_t count;
};

/* Who meets has the same; how the plug-in keeps its samples apart is nothing to those who look. */
static const char *scope_shown(struct eddy_arena *arena, const char *scope, bool *is_of_plugin)
{
    struct eddy_plugin_scope parts;
    *is_of_plugin = eddy_plugin_read(scope, &parts);
    size_t bytes = *is_of_plugin ? parts.meeting : strlen(scope);
    char *shown = eddy_arena_take(arena, bytes + 1, 1);
    snprintf(shown, bytes + 1, "%s", scope);
    return shown;
}

static void add_topic(struct eddy_arena *arena, const char *dir,
                      const struct eddy_topic_report *topic, struct list *list)
{
    const char *name = eddy_arena_text(arena, topic->name);
    const char *type = eddy_arena_text(arena, topic->type);
    const char *whole = eddy_arena_text(arena, topic->scope);
    bool is_of_plugin = false;
    const char *scope = scope_shown(arena, whole, &is_of_plugin);
    for (size_t i = 0; i < topic->member_count; i++) {
        list->members = eddy_arena_grow(arena, list->members, list->count, sizeof list->members[0]);
        list->members[list->count++] =
            (struct eddy_why_member){.dir = dir,
                                     .scope = scope,
                                     .whole = whole,
                                     .is_of_plugin = is_of_plugin,
                                     .topic = name,
                                     .type = type,
                                     .info = topic->members[i],
                                     .shared_bytes = topic->stats.shared_bytes,
                                     .limit_bytes = topic->stats.limit_bytes};
    }
}

static int add_folder(struct eddy_arena *arena, const char *dir, struct list *list)
{
    eddy_snapshot *snapshot = NULL;
    int error = eddy_snapshot_take(dir, &snapshot);
    for (size_t i = 0; error == 0 && i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (topic->error == 0)
            add_topic(arena, dir, topic, list);
    }
    eddy_snapshot_free(snapshot);
    return error;
}

void eddy_why_remember(struct eddy_arena *arena, const char *dir, struct eddy_why_past *past)
{
    struct list list = {0};
    (void)add_folder(arena, dir, &list);
    *past = (struct eddy_why_past){.members = list.members, .count = list.count};
}

static void close_folder(struct eddy_why_world *world, const char *dir)
{
    for (size_t i = 0; i < world->process_count; i++)
        if (world->processes[i].dir != NULL && strcmp(world->processes[i].dir, dir) == 0)
            world->processes[i].is_closed = true;
}

/* Whether the registry that a process has open is the one that a path leads to from here. */
static bool leads_to(const char *dir, const struct eddy_why_process *process, bool same_path)
{
    char path[PATH_MAX];
    struct stat status;
    int length = snprintf(path, sizeof path, "%s/registry", dir);
    return length < (int)sizeof path && stat(path, &status) == 0 &&
           status.st_ino == process->registry &&
           (same_path || status.st_dev == process->registry_device);
}

/* A process in another mount namespace names its folder otherwise than we do; it is the world's if
 * it has the same registry, and closed to us if no path leads there. */
static void name_folder(const struct eddy_why_world *world, struct eddy_why_process *process)
{
    if (process->dir == NULL || process->is_removed)
        return;
    if (leads_to(world->dir, process, strcmp(world->dir, process->dir) == 0))
        process->dir = world->dir;
    else if (!leads_to(process->dir, process, true))
        process->is_closed = true;
}

static void add_process_folder(struct eddy_arena *arena, struct eddy_why_world *world, size_t index,
                               struct list *list)
{
    struct eddy_why_process *process = &world->processes[index];
    bool is_known = process->dir == NULL || process->is_closed || process->is_removed ||
                    strcmp(process->dir, world->dir) == 0;
    for (size_t i = 0; !is_known && i < index; i++)
        is_known =
            world->processes[i].dir != NULL && strcmp(world->processes[i].dir, process->dir) == 0;
    if (!is_known && add_folder(arena, process->dir, list) != 0)
        close_folder(world, process->dir);
}

static void add_folders(struct eddy_arena *arena, struct eddy_why_world *world)
{
    struct list list = {0};
    for (size_t i = 0; i < world->process_count; i++)
        name_folder(world, &world->processes[i]);
    if (add_folder(arena, world->dir, &list) != 0)
        close_folder(world, world->dir);
    for (size_t i = 0; i < world->process_count; i++)
        add_process_folder(arena, world, i, &list);
    world->members = list.members;
    world->member_count = list.count;
}

/* --- whose they are -------------------------------------------------------------------------- */

/* A member shows its program's name, cut; discovery what the program was started by. */
static bool is_program(const struct eddy_member_info *info, const char *started_by)
{
    const char *slash = strrchr(started_by, '/');
    return strncmp(info->name, slash != NULL ? slash + 1 : started_by, sizeof info->name - 1) == 0;
}

/* The plug-in has topics of Eddy for each partition. */
static bool is_partition_of(const struct eddy_why_member *member,
                            const struct eddy_why_endpoint *endpoint)
{
    struct eddy_plugin_scope parts;
    const struct eddy_why_qos *qos = &endpoint->qos;
    if (!eddy_plugin_read(member->whole, &parts))
        return false;
    bool is = qos->partition_count == 0 && parts.partition[0] == '\0';
    for (uint32_t i = 0; !is && i < qos->partition_count; i++)
        is = strcmp(parts.partition, qos->partitions[i]) == 0;
    return is;
}

/* What is known of a process tells which of the two ways into Eddy it has. */
static bool is_kind_of(const struct eddy_why_member *member,
                       const struct eddy_why_endpoint *endpoint)
{
    const struct eddy_why_process *process = endpoint->process;
    if (process->view == EDDY_WHY_IN_SIGHT && process->is_newer != member->is_of_plugin)
        return false;
    return member->is_of_plugin ? is_partition_of(member, endpoint)
                                : strcmp(member->type, endpoint->type) == 0;
}

static bool is_of(const struct eddy_why_member *member, const struct eddy_why_endpoint *endpoint)
{
    const struct eddy_why_process *process = endpoint->process;
    bool elsewhere =
        process->dir != NULL && (process->is_removed || strcmp(process->dir, member->dir) != 0);
    return !member->is_taken && !elsewhere && member->info.is_writer == endpoint->is_writer &&
           member->info.pid == process->pid && is_program(&member->info, process->name) &&
           strcmp(member->topic, endpoint->topic) == 0 && is_kind_of(member, endpoint);
}

static struct eddy_why_member *find_member(const struct eddy_why_world *world,
                                           const struct eddy_why_endpoint *endpoint,
                                           enum eddy_member_state state)
{
    for (size_t i = 0; i < world->member_count; i++)
        if (world->members[i].info.state == state && is_of(&world->members[i], endpoint))
            return &world->members[i];
    return NULL;
}

/* In a folder that we may not look into, all are in Eddy that may be. */
static struct eddy_why_member *presume(struct eddy_arena *arena, const struct eddy_why_world *world,
                                       const struct eddy_why_endpoint *endpoint)
{
    struct eddy_why_member *member = eddy_arena_take(arena, 1, sizeof *member);
    char scope[32];
    snprintf(scope, sizeof scope, SCOPE, world->domain);
    bool is_newer = endpoint->process->is_newer;
    const char *shown = is_newer ? "psmx" : eddy_arena_text(arena, scope);
    *member = (struct eddy_why_member){.dir = endpoint->process->dir,
                                       .scope = shown,
                                       .whole = shown,
                                       .is_of_plugin = is_newer,
                                       .topic = endpoint->topic,
                                       .type = endpoint->type,
                                       .is_presumed = true};
    return member;
}

/* Both are of one reader of Cyclone DDS 11, or of several that share them: of each process one for
 * writers that wait and one for all others. */
static bool are_twins(const struct eddy_why_member *a, const struct eddy_why_member *b)
{
    struct eddy_plugin_scope of_a, of_b;
    return !a->info.is_writer && !b->info.is_writer && a->info.pid == b->info.pid &&
           a->info.state == b->info.state && strcmp(a->dir, b->dir) == 0 &&
           strcmp(a->topic, b->topic) == 0 && strcmp(a->scope, b->scope) == 0 &&
           strcmp(a->whole, b->whole) != 0 && eddy_plugin_read(a->whole, &of_a) &&
           eddy_plugin_read(b->whole, &of_b) && strcmp(of_a.partition, of_b.partition) == 0;
}

static const struct eddy_why_member *twin_of(const struct eddy_why_world *world,
                                             const struct eddy_why_member *member)
{
    for (size_t i = 0; i < world->member_count; i++) {
        if (are_twins(member, &world->members[i]))
            return &world->members[i];
    }
    return NULL;
}

/* A writer in several partitions has a member for each. */
static void take_others(const struct eddy_why_world *world,
                        const struct eddy_why_endpoint *endpoint)
{
    const struct eddy_why_member *own = endpoint->member;
    struct eddy_plugin_scope of_own, parts;
    for (uint32_t i = 0; i < endpoint->qos.partition_count; i++) {
        const char *partition = endpoint->qos.partitions[i];
        bool is_done =
            eddy_plugin_read(own->whole, &of_own) && strcmp(of_own.partition, partition) == 0;
        for (size_t k = 0; !is_done && k < world->member_count; k++) {
            struct eddy_why_member *other = &world->members[k];
            is_done = other->info.state == own->info.state && is_of(other, endpoint) &&
                      eddy_plugin_read(other->whole, &parts) &&
                      strcmp(parts.partition, partition) == 0;
            other->is_taken = other->is_taken || is_done;
        }
    }
}

static void give_member(struct eddy_arena *arena, const struct eddy_why_world *world,
                        struct eddy_why_endpoint *endpoint)
{
    const struct eddy_why_process *process = endpoint->process;
    if (process->pid == 0 || !eddy_why_may_share(world, endpoint))
        return;
    struct eddy_why_member *member = find_member(world, endpoint, EDDY_MEMBER_ALIVE);
    if (member == NULL)
        member = find_member(world, endpoint, EDDY_MEMBER_DEAD);
    if (member == NULL && process->is_closed && !process->is_removed)
        member = presume(arena, world, endpoint);
    if (member == NULL)
        return;
    endpoint->member = member;
    if (member->is_of_plugin && !endpoint->is_writer) {
        endpoint->second = twin_of(world, member);
        return;
    }
    member->is_taken = true;
    if (member->is_of_plugin && !member->is_presumed)
        take_others(world, endpoint);
}

/* Ids of processes repeat on other hosts: those that are certainly on this one choose first. */
static void give_members(struct eddy_arena *arena, struct eddy_why_world *world)
{
    for (size_t i = 0; i < world->endpoint_count; i++)
        if (world->endpoints[i].process->local_pid != 0)
            give_member(arena, world, &world->endpoints[i]);
    for (size_t i = 0; i < world->endpoint_count; i++)
        if (world->endpoints[i].process->local_pid == 0)
            give_member(arena, world, &world->endpoints[i]);
}

/* --- processes ------------------------------------------------------------------------------- */

static const struct eddy_why_process *find_process(const struct eddy_why_world *world,
                                                   const uint8_t participant[16])
{
    static const struct eddy_why_process unknown = {.host = "", .name = "", .patch = -1};
    for (size_t i = 0; i < world->process_count; i++)
        if (memcmp(world->processes[i].participant, participant, 16) == 0)
            return &world->processes[i];
    return &unknown;
}

static bool was_there(const struct eddy_why_past *past, const struct eddy_why_member *member)
{
    for (size_t i = 0; i < past->count; i++) {
        const struct eddy_why_member *other = &past->members[i];
        if (other->info.seat == member->info.seat && other->info.pid == member->info.pid &&
            other->info.is_writer == member->info.is_writer &&
            strcmp(other->topic, member->topic) == 0 && strcmp(other->scope, member->scope) == 0)
            return true;
    }
    return false;
}

static const struct eddy_why_process *process_of(struct eddy_arena *arena,
                                                 const struct eddy_why_member *member)
{
    struct eddy_why_process *process = eddy_arena_take(arena, 1, sizeof *process);
    *process = (struct eddy_why_process){.host = "",
                                         .name = eddy_arena_text(arena, member->info.name),
                                         .pid = member->info.pid,
                                         .is_cyclone = true,
                                         .is_newer = member->is_of_plugin,
                                         .patch = -1,
                                         .is_stopped = eddy_process_stopped(member->info.pid)};
    return process;
}

static bool is_in_domain(const struct eddy_why_world *world, const struct eddy_why_member *member)
{
    struct eddy_plugin_scope parts;
    char scope[32];
    if (eddy_plugin_read(member->whole, &parts))
        return parts.number ==
               eddy_plugin_number(parts.instance, parts.instance_length, world->domain);
    snprintf(scope, sizeof scope, SCOPE, world->domain);
    return strcmp(member->scope, scope) == 0;
}

static bool is_given(const struct eddy_why_world *world, const struct eddy_why_member *member)
{
    bool is = member->is_taken;
    for (size_t i = 0; !is && i < world->endpoint_count; i++) {
        const struct eddy_why_endpoint *endpoint = &world->endpoints[i];
        is = endpoint->member == member || endpoint->second == member ||
             /* Readers share theirs, and may have more than these. */
             (member->is_of_plugin && !member->info.is_writer && endpoint->member != NULL &&
              is_of(member, endpoint));
    }
    return is;
}

static void add_undiscovered(struct eddy_arena *arena, const struct eddy_why_past *past,
                             struct eddy_why_world *world)
{
    for (size_t i = 0; i < world->member_count; i++) {
        struct eddy_why_member *member = &world->members[i];
        if (is_given(world, member) || !is_in_domain(world, member) ||
            member->info.state == EDDY_MEMBER_LEAVING || !was_there(past, member))
            continue;
        world->endpoints = eddy_arena_grow(arena, world->endpoints, world->endpoint_count,
                                           sizeof world->endpoints[0]);
        world->endpoints[world->endpoint_count++] =
            (struct eddy_why_endpoint){.is_writer = member->info.is_writer,
                                       .topic = member->topic,
                                       .type = member->type,
                                       .process = process_of(arena, member),
                                       .member = member,
                                       .second = twin_of(world, member)};
    }
}

void eddy_why_join(struct eddy_arena *arena, const struct eddy_why_past *past,
                   struct eddy_why_world *world)
{
    add_folders(arena, world);
    for (size_t i = 0; i < world->endpoint_count; i++)
        world->endpoints[i].process = find_process(world, world->endpoints[i].participant);
    give_members(arena, world);
    add_undiscovered(arena, past, world);
}
