/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/sweep.h"

#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/whose.h"
#include "discovery/flink.h"
#include "discovery/kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEX "0123456789abcdef"

static int ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n > e && strcmp(name + n - e, end) == 0;
}

static bool is_temp(const char *name)
{
    size_t prefix = strlen(EDDY_TEMP_PREFIX);
    return strncmp(name, EDDY_TEMP_PREFIX, prefix) == 0 && strspn(name + prefix, HEX) == 16 &&
           name[prefix + 16] == 0;
}

/* <16 hex>.<16 hex>.export */
static bool is_export(const char *name)
{
    return strspn(name, HEX) == 16 && name[16] == '.' && strspn(name + 17, HEX) == 16 &&
           strcmp(name + 33, ".export") == 0;
}

uint64_t eddy_file_exporter(const char *name)
{
    return strtoull(name, NULL, 16); /* as far as the dot */
}

enum eddy_file_kind eddy_file_kind_of(const char *name)
{
    uint64_t magic;
    if (is_temp(name))
        return EDDY_FILE_TEMP;
    if (is_export(name))
        return EDDY_FILE_EXPORT;
    if (ends_with(name, EDDY_FLINK_SUFFIX))
        return EDDY_FILE_FLINK;
    return eddy_kind_of_file(name, &magic) ? EDDY_FILE_OBJECT : EDDY_FILE_FOREIGN;
}

/* Of what a flink leads to, and its nonce.  NULL: it is none, or of a kind that is not known, and may
 * lead to what a newer Eddy keeps. */
static const struct eddy_kind *kind_of_flink(int dir, const char *name, char id[EDDY_NONCE_TEXT])
{
    struct eddy_flink flink;
    if (eddy_flink_read_kind(dir, name, NULL, &flink) != EDDY_OK)
        return NULL;
    memcpy(id, flink.segment, EDDY_NONCE_TEXT);
    return eddy_kind_named(flink.kind);
}

/* By what it begins with.  A column, a region and a file that is being made may begin with anything:
 * their names are such as only Eddy makes. */
static bool has_content(int dir, const char *name)
{
    uint64_t magic = 0;
    char id[EDDY_NONCE_TEXT];
    switch (eddy_file_kind_of(name)) {
    case EDDY_FILE_FLINK:
        return kind_of_flink(dir, name, id);
    case EDDY_FILE_OBJECT:
        return eddy_kind_of_file(name, &magic) &&
               (magic == 0 || eddy_file_begins_with(dir, name, magic));
    case EDDY_FILE_TEMP:
    case EDDY_FILE_EXPORT:
        return true;
    case EDDY_FILE_FOREIGN:
        break;
    }
    return false;
}

bool eddy_file_may_go(int dir, const char *name, const struct stat *status)
{
    struct eddy_whose whose = eddy_whose_of(dir);
    bool is_socket = eddy_file_kind_of(name) == EDDY_FILE_EXPORT;
    return (is_socket ? S_ISSOCK(status->st_mode) : S_ISREG(status->st_mode)) &&
           eddy_whose_has(&whose, status) && has_content(dir, name);
}

/* True if the file that the flink leads to is there for good. */
static bool leads_to_kept(int dir, const struct eddy_kind *kind, const char *id)
{
    struct stat object;
    char file[64];
    eddy_kind_file(kind, id, file);
    return fstatat(dir, file, &object, AT_SYMLINK_NOFOLLOW) == 0 && eddy_file_is_kept(&object);
}

/* Members that the dead left, as the file of what they were on goes. */
static uint32_t count_dead(int dir, const char *name)
{
    uint64_t magic;
    const struct eddy_kind *kind = eddy_kind_of_file(name, &magic);
    char id[EDDY_NONCE_TEXT];
    if (!kind || !kind->count_dead || strcmp(name + EDDY_NONCE_TEXT - 1, kind->suffix) != 0)
        return 0;
    snprintf(id, sizeof id, "%.32s", name);
    return kind->count_dead(dir, id);
}

/* Unlinks the file and keeps it open: memory of many GiB takes its time to go, and nobody shall wait
 * for that.  -1: it stays. */
static int unlink_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (unlinkat(dir, name, 0) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Returns its descriptor if it went. */
static int sweep_file(int dir, const char *name, struct eddy_gc_report *report)
{
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (!eddy_file_may_go(dir, name, &status)) {
        report->files_refused++;
        return -1;
    }
    char id[EDDY_NONCE_TEXT];
    enum eddy_file_kind what = eddy_file_kind_of(name);
    const struct eddy_kind *kind = what == EDDY_FILE_FLINK ? kind_of_flink(dir, name, id) : NULL;
    if (kind ? leads_to_kept(dir, kind, id)
             : what == EDDY_FILE_OBJECT && eddy_file_is_kept(&status))
        return -1;
    report->members_reaped += count_dead(dir, name);
    EDDY_POINT("sweep:chosen");
    int fd = unlink_file(dir, name);
    if (fd < 0)
        return -1;
    report->files_removed++;
    if (kind)
        ++*eddy_kind_removed(kind, report);
    report->bytes_freed += (uint64_t)status.st_blocks * 512;
    return fd;
}

struct sweep {
    const struct eddy_sweep_turn *turn;
    struct eddy_gc_report *report;
    bool through;
};

static bool take_turn(int dir, const char *name, void *context)
{
    struct sweep *sweep = context;
    if (eddy_file_kind_of(name) == EDDY_FILE_FOREIGN)
        return true;
    sweep->through = sweep->turn->begin(sweep->turn->context);
    if (!sweep->through)
        return false;
    EDDY_POINT("sweep:locked");
    int fd = sweep_file(dir, name, sweep->report);
    sweep->turn->end(sweep->turn->context);
    EDDY_POINT("sweep:between");
    if (fd >= 0)
        close(fd);
    return true;
}

bool eddy_sweep_folder(int dir, const struct eddy_sweep_turn *turn, struct eddy_gc_report *report)
{
    struct sweep sweep = {turn, report, true};
    int error = eddy_file_list(dir, take_turn, &sweep);
    if (report->files_removed)
        eddy_log(EDDY_LOG_INFO, "cleared away %u files that nobody used any more",
                 report->files_removed);
    return !error && sweep.through;
}
