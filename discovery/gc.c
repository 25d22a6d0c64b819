/* Clearing away what the dead left, while others go on.  spec/topics.md, "Garbage"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/inspect.h>

#include "allocator/atomic.h"
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "discovery/directory.h"
#include "discovery/kind.h"
#include "discovery/reap.h"
#include "discovery/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEMP_AGE 60 /* seconds after which a half-made file is nobody's */

static bool leads_nowhere(int dir, const char *file, char id[EDDY_NONCE_TEXT])
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    bool dangling = false;
    char name[48];
    if (f && eddy_flink_read(dir, file, f) == EDDY_OK) {
        memcpy(id, f->segment, EDDY_NONCE_TEXT);
        snprintf(name, sizeof name, "%s.seg", id);
        dangling = faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    }
    free(f);
    return dangling;
}

/* The topic's segment, if somebody lives there. */
static struct eddy_segment *collect_topic(struct eddy_domain *d, const char *file,
                                          struct eddy_gc_report *report)
{
    struct eddy_segment *s = NULL;
    struct eddy_flink *f = calloc(1, sizeof *f);
    char id[EDDY_NONCE_TEXT];
    int error = f ? eddy_flink_read(eddy_domain_folder(d), file, f) : EDDY_ENOMEM;
    if (!error)
        error = eddy_segment_attach(eddy_domain_folder(d), f->segment, EDDY_USE_SHARE, &s);
    if (!error) {
        uint64_t bytes = eddy_segment_bytes(eddy_domain_folder(d), s->id, EDDY_SEATS_MAX);
        report->members_reaped += eddy_count_members(d, s).reaped;
        uint32_t removed = eddy_directory_close(d, file, s);
        report->topics_removed += removed > 0;
        report->files_removed += removed;
        report->bytes_freed += removed ? bytes : 0;
        if (removed)
            eddy_segment_detach(s);
        s = removed ? NULL : s;
    } else if (leads_nowhere(eddy_domain_folder(d), file, id)) {
        eddy_flink_withdraw(eddy_domain_folder(d), file, id);
        report->files_removed++;
        report->topics_removed++;
    } else {
        report->files_refused += error != EDDY_ENOENT;
    }
    free(f);
    return s;
}

/* A segment to which no flink leads, and whose maker is gone, is nobody's.  With a flink it is
 * looked at under the lock of its name: somebody may be joining.  The flink is looked for last, as
 * its maker sets it while it lives. */
static void collect_orphan(struct eddy_domain *d, const char *name, const struct stat *status,
                           struct eddy_gc_report *report)
{
    char id[EDDY_NONCE_TEXT], control[48];
    struct eddy_segment *s;
    snprintf(id, sizeof id, "%.32s", name);
    snprintf(control, sizeof control, "%s.seg", id);
    bool lost = faccessat(eddy_domain_folder(d), control, F_OK, AT_SYMLINK_NOFOLLOW) != 0,
         alone = false;
    if (!lost && eddy_segment_attach(eddy_domain_folder(d), id, EDDY_USE_SHARE, &s) == EDDY_OK) {
        alone = eddy_count_members(d, s).alive == 0 &&
                !eddy_domain_knows_alive(d, s->control->creator) &&
                !eddy_flink_leads_to(eddy_domain_folder(d), id);
        eddy_segment_detach(s);
    }
    if (lost) {
        report->bytes_freed += (uint64_t)status->st_blocks * 512;
        report->files_removed += unlinkat(eddy_domain_folder(d), name, 0) == 0;
    } else if (alone) {
        report->bytes_freed += eddy_segment_bytes(eddy_domain_folder(d), id, EDDY_SEATS_MAX);
        report->files_removed += eddy_segment_remove(eddy_domain_folder(d), id, EDDY_SEATS_MAX);
        /* Itself, if somebody took away another that leads to it. */
        report->files_removed += unlinkat(eddy_domain_folder(d), name, 0) == 0;
    }
}

static void collect_temp(struct eddy_domain *d, const char *name, const struct stat *status,
                         struct eddy_gc_report *report)
{
    if (status->st_mtime + TEMP_AGE < time(NULL))
        report->files_removed += unlinkat(eddy_domain_folder(d), name, 0) == 0;
}

/* False: the flink is a topic's, or cannot be read. */
static bool collect_object(struct eddy_domain *d, const char *file, struct eddy_gc_report *report)
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    const struct eddy_kind *kind = NULL;
    if (f && eddy_flink_read_kind(eddy_domain_folder(d), file, NULL, f) == EDDY_OK && *f->kind)
        kind = eddy_kind_named(f->kind);
    if (kind)
        kind->collect(d, file, f->segment, report);
    free(f);
    return kind;
}

/* What lives on is reaped without the name, which others may want. */
static void collect_flink(struct eddy_domain *d, const char *file, struct eddy_gc_report *report)
{
    struct eddy_name held;
    struct eddy_segment *living = NULL;
    if (eddy_directory_enter(d, eddy_flink_lock(file), &held) != EDDY_OK)
        return;
    if (!collect_object(d, file, report))
        living = collect_topic(d, file, report);
    eddy_directory_leave(d, &held);
    if (!living)
        return;
    (void)eddy_reap_topic(d, living);
    eddy_segment_detach(living);
}

/* First what flinks lead to: what is left then has none, and few files are left for which all flinks
 * have to be read. */
struct collection {
    struct eddy_domain *domain;
    struct eddy_gc_report *report;
    bool flinks;
};

static bool collect_file(int dir, const char *name, void *context)
{
    struct eddy_domain *d = ((struct collection *)context)->domain;
    struct eddy_gc_report *report = ((struct collection *)context)->report;
    enum eddy_file_kind kind = eddy_file_kind_of(name);
    struct stat status;
    if ((kind == EDDY_FILE_FLINK) != ((struct collection *)context)->flinks)
        return true;
    if (kind == EDDY_FILE_FOREIGN || fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return true;
    if (kind != EDDY_FILE_FLINK && !eddy_file_may_go(dir, name, &status)) {
        /* Unless it has just gone, or been put in place of another. */
        report->files_refused += faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        return true;
    }
    switch (kind) {
    case EDDY_FILE_FLINK:
        collect_flink(d, name, report);
        break;
    case EDDY_FILE_SEGMENT:
    case EDDY_FILE_EXTENT:
    case EDDY_FILE_COLUMN:
        collect_orphan(d, name, &status, report);
        break;
    case EDDY_FILE_OBJECT:
        eddy_kind_of_file(name)->collect(d, NULL, name, report);
        break;
    case EDDY_FILE_TEMP:
        collect_temp(d, name, &status, report);
        break;
    case EDDY_FILE_FOREIGN:
        break;
    }
    return true;
}

static bool folder_exists(const char *dir)
{
    struct stat status;
    char path[4096];
    if (!dir && eddy_default_dir(path, sizeof path) == EDDY_OK)
        dir = path;
    return !dir || lstat(dir, &status) == 0;
}

int eddy_gc(const char *dir, struct eddy_gc_report *report)
{
    EDDY_UNCANCELLED;
    struct eddy_gc_report done = {0};
    struct eddy_domain *d;
    if (!report)
        return eddy_fail(EDDY_EINVAL, "eddy_gc: no place for the report");
    if (!folder_exists(dir)) {
        *report = done;
        return EDDY_OK;
    }
    int error = eddy_domain_open(&(struct eddy_domain_options){.dir = dir, .name = "eddy gc"}, &d);
    if (error)
        return error;
    done = d->swept; /* if nobody else was there, joining cleared away everything */
    done.files_refused = 0;
    struct collection all = {d, &done, true};
    error = eddy_file_list(eddy_domain_folder(d), collect_file, &all);
    all.flinks = false;
    if (!error)
        error = eddy_file_list(eddy_domain_folder(d), collect_file, &all);
    if (!error)
        *report = done;
    eddy_domain_close(d);
    return error;
}
