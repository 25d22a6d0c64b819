/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/sweep.h"

#include "allocator/atomic.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/whose.h"
#include "discovery/flink.h"
#include "discovery/kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n > e && strcmp(name + n - e, end) == 0;
}

static bool is_temp(const char *name)
{
    size_t prefix = strlen(EDDY_TEMP_PREFIX);
    return strncmp(name, EDDY_TEMP_PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == 16 && name[prefix + 16] == 0;
}

enum eddy_file_kind eddy_file_kind_of(const char *name)
{
    if (is_temp(name))
        return EDDY_FILE_TEMP;
    if (ends_with(name, ".flink"))
        return EDDY_FILE_FLINK;
    if (eddy_kind_of_file(name))
        return EDDY_FILE_OBJECT;
    switch (eddy_segment_part(name)) {
    case EDDY_PART_CONTROL:
        return EDDY_FILE_SEGMENT;
    case EDDY_PART_EXTENT:
        return EDDY_FILE_EXTENT;
    case EDDY_PART_COLUMN:
        return EDDY_FILE_COLUMN;
    case EDDY_PART_NONE:
        break;
    }
    return EDDY_FILE_FOREIGN;
}

/* A flink of a kind that is not known may lead to what a newer Eddy keeps. */
static bool is_known(int dir, const char *name)
{
    struct eddy_flink flink;
    return eddy_flink_read_kind(dir, name, NULL, &flink) == EDDY_OK &&
           (!*flink.kind || eddy_kind_named(flink.kind));
}

/* By what it begins with.  A column, a region and a file that is being made may begin with anything:
 * their names are such as only Eddy makes. */
static bool has_content(int dir, const char *name)
{
    const struct eddy_kind *kind = eddy_kind_of_file(name);
    switch (eddy_file_kind_of(name)) {
    case EDDY_FILE_SEGMENT:
        return eddy_file_begins_with(dir, name, EDDY_MAGIC_CONTROL);
    case EDDY_FILE_EXTENT:
        return eddy_file_begins_with(dir, name, EDDY_MAGIC_EXTENT);
    case EDDY_FILE_OBJECT:
        return kind->magic == 0 || eddy_file_begins_with(dir, name, kind->magic);
    case EDDY_FILE_FLINK:
        return is_known(dir, name);
    case EDDY_FILE_COLUMN:
    case EDDY_FILE_TEMP:
        return true;
    case EDDY_FILE_FOREIGN:
        break;
    }
    return false;
}

bool eddy_file_may_go(int dir, const char *name, const struct stat *status)
{
    struct eddy_whose whose = eddy_whose_of(dir);
    return S_ISREG(status->st_mode) && eddy_whose_has(&whose, status) && has_content(dir, name);
}

/* What a flink leads to, or the file itself, is there for good. */
static bool is_kept(int dir, const char *name, const struct stat *status)
{
    struct eddy_flink flink;
    struct stat object;
    char file[64];
    if (eddy_file_kind_of(name) == EDDY_FILE_OBJECT)
        return eddy_file_is_kept(status);
    if (eddy_file_kind_of(name) != EDDY_FILE_FLINK ||
        eddy_flink_read_kind(dir, name, NULL, &flink) != EDDY_OK || !eddy_kind_named(flink.kind))
        return false;
    eddy_kind_file(eddy_kind_named(flink.kind), flink.segment, file);
    return fstatat(dir, file, &object, AT_SYMLINK_NOFOLLOW) == 0 && eddy_file_is_kept(&object);
}

/* A flink of a topic, rather than of something else. */
static bool is_topic(int dir, const char *name)
{
    struct eddy_flink flink;
    return eddy_file_kind_of(name) == EDDY_FILE_FLINK &&
           eddy_flink_read(dir, name, &flink) == EDDY_OK;
}

/* Seats that the dead left taken. */
static uint32_t count_seats(int dir, const char *name)
{
    struct eddy_segment *s;
    char id[EDDY_NONCE_TEXT];
    uint32_t taken = 0;
    snprintf(id, sizeof id, "%.32s", name);
    if (eddy_segment_attach(dir, id, EDDY_USE_LOOK, &s) != EDDY_OK)
        return 0;
    /* Relaxed: who is dead has dropped its lock, and we have looked at all locks. */
    for (uint32_t i = 0; i < eddy_seats_bound(&s->control->reader_high); i++)
        taken += eddy_load_relaxed(&s->readers[i].owner) != 0;
    for (uint32_t i = 0; i < eddy_seats_bound(&s->control->writer_high); i++)
        taken += eddy_load_relaxed(&s->writers[i].owner) != 0;
    eddy_segment_detach(s);
    return taken;
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
    if (is_kept(dir, name, &status))
        return -1;
    bool flink = eddy_file_kind_of(name) == EDDY_FILE_FLINK, topic = is_topic(dir, name);
    if (eddy_file_kind_of(name) == EDDY_FILE_SEGMENT)
        report->members_reaped += count_seats(dir, name);
    EDDY_POINT("sweep:chosen");
    int fd = unlink_file(dir, name);
    if (fd < 0)
        return -1;
    report->files_removed++;
    report->topics_removed += topic;
    report->objects_removed += flink && !topic;
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
