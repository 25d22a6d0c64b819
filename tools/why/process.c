/* process.c - see process.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/process.h"

#include "tools/place.h"
#include "tools/process.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_BYTES (1 << 20) /* the rest of a longer one is not looked at */

/* The file of a process in /proc, ended by a NUL; to be freed.  NULL: it cannot be read. */
static char *read_proc(int32_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    char *text = file != NULL ? malloc(FILE_BYTES) : NULL;
    size_t length = text != NULL ? fread(text, 1, FILE_BYTES - 1, file) : 0;
    bool failed = file == NULL || ferror(file);
    if (file != NULL)
        fclose(file);
    if (text == NULL || failed) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* --- which process it is --------------------------------------------------------------------- */

/* Its id in its own PID namespace; 0: not known. */
static int32_t own_pid(int32_t local)
{
    char *status = read_proc(local, "status");
    const char *ids = status != NULL ? strstr(status, "\nNSpid:") : NULL;
    int32_t own = 0;
    if (ids != NULL) {
        size_t length = strcspn(ids + 1, "\n") + 1;
        while (length > 0 && isdigit((unsigned char)ids[length - 1]))
            length--;
        own = (int32_t)strtol(ids + length, NULL, 10);
    }
    free(status);
    return own;
}

/* Whether the process was started by the name that discovery says. */
static bool has_name(int32_t local, const char *name)
{
    char *command = read_proc(local, "cmdline");
    bool same = command != NULL && strcmp(base_name(command), base_name(name)) == 0;
    free(command);
    return same;
}

/* A process of another PID namespace within this one: the only one with that id and name, else 0. */
static int32_t find_inside(const struct eddy_why_process *process)
{
    int32_t found = 0;
    size_t count = 0;
    DIR *proc = opendir("/proc");
    const struct dirent *entry = NULL;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        int32_t local = (int32_t)strtol(entry->d_name, NULL, 10);
        if (local <= 0 || !has_name(local, process->name) || own_pid(local) != process->pid)
            continue;
        found = local;
        count++;
    }
    if (proc != NULL)
        closedir(proc);
    return count == 1 ? found : 0;
}

static int32_t find_process(const struct eddy_why_process *process, bool is_near)
{
    if (process->pid <= 0)
        return 0;
    if (is_near && own_pid(process->pid) == process->pid && has_name(process->pid, process->name))
        return process->pid;
    return find_inside(process);
}

/* --- what it has loaded ---------------------------------------------------------------------- */

/* The path is DIR/registry, or the same of a file that was removed.  False: it is not. */
static bool see_registry(struct eddy_arena *arena, struct eddy_why_process *process, char *path)
{
    static const char file[] = "/registry", removed[] = " (deleted)";
    size_t length = strlen(path);
    bool is_removed =
        length > sizeof removed && strcmp(path + length - sizeof removed + 1, removed) == 0;
    if (is_removed)
        path[length -= sizeof removed - 1] = '\0';
    if (length < sizeof file || strcmp(path + length - sizeof file + 1, file) != 0)
        return false;
    path[length - sizeof file + 1] = '\0';
    process->dir = eddy_arena_text(arena, path);
    process->is_removed = is_removed;
    return true;
}

/* N of "libddsc...so.0.10.N". */
static int patch_of(const char *path)
{
    static const char version[] = ".so.0.10.";
    const char *at = strstr(base_name(path), version);
    return at != NULL ? (int)strtol(at + sizeof version - 1, NULL, 10) : -1;
}

/* True for "libddsc...so.N", N from 11 on. */
static bool is_newer(const char *path)
{
    static const char version[] = ".so.";
    const char *at = strstr(base_name(path), version);
    return at != NULL && strtol(at + sizeof version - 1, NULL, 10) >= 11;
}

/* Eddy's, if there are several. */
static void see_plugin(struct eddy_arena *arena, struct eddy_why_process *process, const char *path)
{
    if (process->is_our_plugin)
        return;
    process->is_our_plugin = strncmp(base_name(path), "libpsmx_eddy.so", 15) == 0;
    process->plugin = eddy_arena_text(arena, path);
    process->is_newer = true;
}

/* What the door leads to, if that is loaded, too. */
static void see_binding(struct eddy_arena *arena, struct eddy_why_process *process,
                        const char *path)
{
    bool is_door = strstr(path, EDDY_PLACE_DOOR) != NULL;
    process->has_door = process->has_door || is_door;
    if (process->binding == NULL || strstr(process->binding, EDDY_PLACE_DOOR) != NULL)
        process->binding = eddy_arena_text(arena, path);
}

static void see_mapping(struct eddy_arena *arena, struct eddy_why_process *process, char *line)
{
    unsigned long long inode = 0;
    unsigned device_major = 0, device_minor = 0;
    int path_at = 0;
    char shared = 0;
    if (sscanf(line, "%*s %*3c%c %*s %x:%x %llu %n", &shared, &device_major, &device_minor, &inode,
               &path_at) != 4 ||
        path_at == 0)
        return;
    char *path = line + path_at;
    const char *name = base_name(path);
    if (strncmp(name, "libiceoryx_binding_c.so", 23) == 0) {
        see_binding(arena, process, path);
    } else if (strncmp(name, "libiceoryx_posh", 15) == 0) {
        process->is_iceoryx = true;
    } else if (strncmp(name, "libddsc", 7) == 0 && process->cyclone == NULL) {
        process->cyclone = eddy_arena_text(arena, path);
        process->patch = patch_of(path);
        process->is_newer = process->is_newer || is_newer(path);
    } else if (strncmp(name, "libpsmx_", 8) == 0) {
        see_plugin(arena, process, path);
    } else if (shared == 's' && see_registry(arena, process, path)) {
        process->registry = inode;
        process->registry_device = makedev(device_major, device_minor);
    }
}

static bool see_mappings(struct eddy_arena *arena, struct eddy_why_process *process)
{
    char *maps = read_proc(process->local_pid, "maps");
    char *rest = NULL;
    if (maps == NULL)
        return false;
    for (char *line = strtok_r(maps, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        see_mapping(arena, process, line);
    free(maps);
    return true;
}

/* --- what it was told ------------------------------------------------------------------------ */

/* The value in an environment; "" if it is not there. */
static const char *value_in(const char *environment, size_t bytes, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = environment; at < environment + bytes; at += strlen(at) + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at + length + 1;
    return "";
}

static size_t environment_bytes(const char *environment)
{
    const char *at = environment;
    while (at < environment + FILE_BYTES - 1 && *at != '\0')
        at += strlen(at) + 1;
    return (size_t)(at - environment);
}

/* EDDY_DIR, or the default of its user. */
static const char *meant_dir(struct eddy_arena *arena, const struct eddy_why_process *process,
                             const char *named)
{
    char dir[64], real[PATH_MAX];
    snprintf(dir, sizeof dir, "/dev/shm/eddy-%" PRIu32, process->user);
    if (named[0] == '\0')
        named = dir;
    return eddy_arena_text(arena, realpath(named, real) != NULL ? real : named);
}

/* The environment that it started with. */
static void see_environment(struct eddy_arena *arena, struct eddy_why_process *process)
{
    char *environment = read_proc(process->local_pid, "environ");
    struct eddy_why_settings settings;
    if (environment == NULL)
        return;
    size_t bytes = environment_bytes(environment);
    const char *uri = value_in(environment, bytes, "CYCLONEDDS_URI");
    eddy_why_read_settings(uri, &settings);
    process->shared_memory = settings.shared_memory;
    process->redundant = settings.redundant;
    process->launched = strstr(uri, "<Prefix>EDDY.") != NULL ? EDDY_YES : EDDY_NO;
    process->meant_dir = meant_dir(arena, process, value_in(environment, bytes, "EDDY_DIR"));
    if (settings.locator[0] != '\0')
        process->locator = eddy_arena_text(arena, settings.locator);
    free(environment);
}

static void look_at(struct eddy_arena *arena, struct eddy_why_process *process, const char *host)
{
    char path[64];
    struct stat status;
    bool is_near = process->host[0] == '\0' || strcmp(process->host, host) == 0;
    process->local_pid = find_process(process, is_near);
    snprintf(path, sizeof path, "/proc/%d", process->local_pid);
    if (process->local_pid == 0 || stat(path, &status) != 0) {
        process->view = is_near ? EDDY_WHY_NOWHERE : EDDY_WHY_FAR;
        return;
    }
    process->user = status.st_uid;
    process->is_stopped = eddy_process_stopped(process->local_pid);
    if (!see_mappings(arena, process)) {
        process->view = EDDY_WHY_HIDDEN;
        return;
    }
    process->view = EDDY_WHY_IN_SIGHT;
    see_environment(arena, process);
}

/* --- who is not in DDS ----------------------------------------------------------------------- */

static bool is_discovered(const struct eddy_why_world *world, int32_t local)
{
    for (size_t i = 0; i < world->process_count; i++)
        if (world->processes[i].local_pid == local)
            return true;
    return false;
}

/* Waits for a daemon, although it was started for this folder. */
static bool is_waiting(const struct eddy_why_world *world, const struct eddy_why_process *stray)
{
    return !stray->is_removed && stray->launched == EDDY_YES && stray->shared_memory == EDDY_YES &&
           strcmp(stray->meant_dir, world->dir) == 0;
}

/* False: it is no concern of who looks at this folder. */
static bool see_stray(struct eddy_arena *arena, const struct eddy_why_world *world, int32_t local,
                      struct eddy_why_process *stray)
{
    char *command = read_proc(local, "cmdline");
    char path[64];
    struct stat status = {0};
    snprintf(path, sizeof path, "/proc/%d", local);
    (void)stat(path, &status);
    *stray = (struct eddy_why_process){
        .host = "", .pid = local, .local_pid = local, .user = status.st_uid, .patch = -1};
    bool is_stray = command != NULL && see_mappings(arena, stray) && stray->cyclone != NULL &&
                    (stray->is_removed ? strcmp(stray->dir, world->dir) == 0
                                       : stray->is_iceoryx && stray->dir == NULL);
    if (is_stray) {
        stray->name = eddy_arena_text(arena, command);
        stray->meant_dir = "";
        see_environment(arena, stray);
    }
    free(command);
    return is_stray && (stray->is_removed || is_waiting(world, stray));
}

static void find_strays(struct eddy_arena *arena, struct eddy_why_world *world)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry = NULL;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        int32_t local = (int32_t)strtol(entry->d_name, NULL, 10);
        struct eddy_why_process stray;
        if (local <= 0 || is_discovered(world, local) || !see_stray(arena, world, local, &stray))
            continue;
        world->strays =
            eddy_arena_grow(arena, world->strays, world->stray_count, sizeof world->strays[0]);
        world->strays[world->stray_count++] = stray;
    }
    if (proc != NULL)
        closedir(proc);
}

void eddy_why_look(struct eddy_arena *arena, struct eddy_why_world *world)
{
    char host[HOST_NAME_MAX + 1] = "";
    (void)gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < world->process_count; i++)
        look_at(arena, &world->processes[i], host);
    find_strays(arena, world);
}
