/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cgroup.h"

#include "allocator/atomic.h"

#include <eddy/domain.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_LIMIT (1ull << 60) /* version 1 says "none" by a number beyond this */
#define KEEP_MAX (64ull << 20)
#define KEEP_MIN (1ull << 20)

#define ALLOWANCE_MAX  (16ull << 20)
#define ALLOWANCE_TIME 50000000u   /* ns */
#define NO_LIMIT_TIME  1000000000u /* ns: that there is none seldom changes */

/* Where the memory of this process is counted. */
struct group {
    bool first_version;
    char path[PATH_MAX];  /* as the kernel tells it */
    char mount[PATH_MAX]; /* "": not found */
    char inner[PATH_MAX]; /* of the hierarchy: what is mounted there */
};

/* --- finding it ------------------------------------------------------------------------------ */

/* True if a list with commas has it. */
static bool lists(const char *list, const char *wanted)
{
    size_t length = strlen(wanted);
    for (const char *at = list; (at = strstr(at, wanted)) != NULL; at += length)
        if ((at == list || at[-1] == ',') && strchr(",\n", at[length]) != NULL)
            return true;
    return false;
}

/* "4:memory:/a/b", or "0::/a/b" of version 2.  Where memory is counted by version 1, that has it. */
static bool read_path(const char *file, struct group *group)
{
    char line[PATH_MAX + 128];
    bool found = false;
    FILE *list = fopen(file, "re");
    while (list && fgets(line, sizeof line, list)) {
        char *controllers = strchr(line, ':'),
             *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        bool first = lists(controllers + 1, "memory");
        if (!first && (controllers[1] || found))
            continue;
        found = true;
        group->first_version = first;
        snprintf(group->path, sizeof group->path, "%.*s", PATH_MAX - 1, path);
        if (first)
            break;
    }
    if (list)
        fclose(list);
    return found;
}

/* Blanks and the like are told as \040. */
static void unescape(char *text)
{
    char *to = text;
    for (; *text; text++) {
        unsigned code;
        if (text[0] == '\\' && sscanf(text + 1, "%3o", &code) == 1 && strlen(text) >= 4) {
            *to++ = (char)code;
            text += 3;
        } else {
            *to++ = *text;
        }
    }
    *to = 0;
}

/* "31 27 0:26 <inner> <mount> rw - cgroup cgroup rw,memory" */
static bool is_mount(char *line, const struct group *group, char **inner, char **mount)
{
    char *fields[5], *rest = line;
    for (int i = 0; i < 5; i++)
        if (!(fields[i] = strtok_r(i ? NULL : line, " ", &rest)))
            return false;
    char *kind = strstr(rest, "- ");
    if (!kind)
        return false;
    kind += 2;
    char *options = strchr(kind, ' ');
    options = options ? strchr(options + 1, ' ') : NULL;
    *inner = fields[3];
    *mount = fields[4];
    unescape(*inner);
    unescape(*mount);
    if (group->first_version)
        return strncmp(kind, "cgroup ", 7) == 0 && options && lists(options + 1, "memory");
    return strncmp(kind, "cgroup2 ", 8) == 0;
}

static bool read_mount(const char *file, const char *root, struct group *group)
{
    char line[2 * PATH_MAX], *inner, *mount;
    bool found = false;
    FILE *list = fopen(file, "re");
    while (list && !found && fgets(line, sizeof line, list)) {
        found = is_mount(line, group, &inner, &mount);
        if (found) {
            snprintf(group->inner, sizeof group->inner, "%.*s", PATH_MAX - 1, inner);
            snprintf(group->mount, sizeof group->mount, "%.*s%.*s", PATH_MAX / 2, root,
                     PATH_MAX / 2 - 1, mount);
        }
    }
    if (list)
        fclose(list);
    return found;
}

/* --- asking it ------------------------------------------------------------------------------- */

/* Of a file with one number.  False: there is none, or it says "max". */
static bool read_number(const char *dir, const char *name, uint64_t *number)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "re");
    bool read = file && fscanf(file, "%" SCNu64, number) == 1;
    if (file)
        fclose(file);
    return read;
}

/* Pages of files on disks, which the kernel drops when memory is short.  Those of tmpfs do not count
 * here. */
static uint64_t droppable(const char *dir, bool first_version)
{
    char path[PATH_MAX + 64], name[64];
    const char *prefix = first_version ? "total_" : "";
    uint64_t sum = 0, number;
    snprintf(path, sizeof path, "%s/memory.stat", dir);
    FILE *file = fopen(path, "re");
    while (file && fscanf(file, "%63s %" SCNu64, name, &number) == 2) {
        const char *what = strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : "";
        if (strcmp(what, "active_file") == 0 || strcmp(what, "inactive_file") == 0)
            sum += number;
    }
    if (file)
        fclose(file);
    return sum;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t room_of(const char *dir, bool first_version)
{
    uint64_t limit = UINT64_MAX, number, used;
    if (read_number(dir, first_version ? "memory.limit_in_bytes" : "memory.max", &number))
        limit = number;
    if (!first_version && read_number(dir, "memory.high", &number))
        limit = least(limit, number); /* beyond, all of the group is slowed down */
    if (limit >= NO_LIMIT ||
        !read_number(dir, first_version ? "memory.usage_in_bytes" : "memory.current", &used))
        return UINT64_MAX;
    uint64_t dropped = least(droppable(dir, first_version), used);
    uint64_t kept = least(limit / 16, KEEP_MAX);
    kept = kept < KEEP_MIN ? least(limit / 4, KEEP_MIN) : kept;
    uint64_t taken = used - dropped + kept;
    return taken < limit ? limit - taken : 0;
}

uint64_t eddy_cgroup_room(const char *cgroup, const char *mountinfo, const char *root)
{
    struct group *group = calloc(1, sizeof *group);
    char *dir = malloc(2 * PATH_MAX);
    uint64_t room = UINT64_MAX;
    if (group && dir && read_path(cgroup, group) && read_mount(mountinfo, root, group)) {
        /* In a container the path may begin above what is mounted: then that is its own group. */
        size_t inner = strcmp(group->inner, "/") == 0 ? 0 : strlen(group->inner);
        bool inside = strncmp(group->path, group->inner, inner) == 0 &&
                      (group->path[inner] == '/' || group->path[inner] == 0) &&
                      strncmp(group->path, "/..", 3) != 0;
        size_t mount = strlen(group->mount);
        snprintf(dir, 2 * PATH_MAX, "%s%s", group->mount, inside ? group->path + inner : "");
        for (size_t end = strlen(dir); end >= mount && end > 0; end--)
            if (end == mount || dir[end] == 0 || dir[end] == '/') {
                dir[end] = 0;
                room = least(room, room_of(dir, group->first_version));
            }
    }
    free(dir);
    free(group);
    return room;
}

/* --- an allowance for small amounts ----------------------------------------------------------- */

static _Atomic uint64_t allowance, allowed_until;

static bool spend(uint64_t bytes)
{
    /* Relaxed, all: it is about how often to ask. */
    uint64_t left = eddy_load_relaxed(&allowance);
    while (left >= bytes)
        if (eddy_cas_relaxed(&allowance, &left, left - bytes))
            return true;
    return false;
}

bool eddy_cgroup_allows(uint64_t bytes)
{
    uint64_t now = eddy_now();
    if (now < eddy_load_relaxed(&allowed_until) && spend(bytes))
        return true;
    uint64_t room = eddy_cgroup_room("/proc/self/cgroup", "/proc/self/mountinfo", "");
    if (bytes > room)
        return false;
    bool limited = room < UINT64_MAX;
    eddy_store_relaxed(&allowance,
                       limited ? least((room - bytes) / 64, ALLOWANCE_MAX) : UINT64_MAX);
    eddy_store_relaxed(&allowed_until, now + (limited ? ALLOWANCE_TIME : NO_LIMIT_TIME));
    return true;
}
