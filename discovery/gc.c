/* Clearing away what the dead left, while others go on.  spec/topics.md, "Garbage"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/inspect.h>

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "discovery/directory.h"
#include "discovery/kind.h"
#include "discovery/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEMP_AGE 60 /* seconds after which a half-made file is nobody's */

/* What it leads to lives on, and its dead are reaped without the name, which others may want. */
static void collect_flink(struct eddy_domain *d, const char *file, struct eddy_gc_report *report)
{
    struct eddy_name held;
    struct eddy_flink *f = calloc(1, sizeof *f);
    const struct eddy_kind *kind = NULL;
    bool lives = false;
    if (!f || eddy_directory_enter(d, eddy_flink_lock(file), &held) != EDDY_OK) {
        free(f);
        return;
    }
    int error = eddy_flink_read_kind(eddy_domain_folder(d), file, NULL, f);
    if (!error)
        kind = eddy_kind_named(f->kind);
    if (kind)
        lives = kind->collect(d, file, f->segment, report);
    else
        report->files_refused += error != EDDY_ENOENT;
    eddy_directory_leave(d, &held);
    if (lives)
        kind->reap(d, f->segment);
    free(f);
}

static bool is_there(int dir, const char *file)
{
    return faccessat(dir, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of one without the file that a flink would lead to nothing is in use. */
static void collect_object(struct eddy_domain *d, const char *name, const struct stat *status,
                           struct eddy_gc_report *report)
{
    uint64_t magic;
    const struct eddy_kind *kind = eddy_kind_of_file(name, &magic);
    char id[EDDY_NONCE_TEXT], file[64];
    snprintf(id, sizeof id, "%.32s", name);
    eddy_kind_file(kind, id, file);
    if (is_there(eddy_domain_folder(d), file))
        (void)kind->collect(d, NULL, id, report);
    if (!is_there(eddy_domain_folder(d), file) && unlinkat(eddy_domain_folder(d), name, 0) == 0) {
        report->bytes_freed += (uint64_t)status->st_blocks * 512;
        report->files_removed++;
    }
}

static void collect_temp(struct eddy_domain *d, const char *name, const struct stat *status,
                         struct eddy_gc_report *report)
{
    if (status->st_mtime + TEMP_AGE < time(NULL))
        report->files_removed += unlinkat(eddy_domain_folder(d), name, 0) == 0;
}

/* A name that comes never again, so who has it and lives is asked of the kernel, and that is all. */
static void collect_export(struct eddy_domain *d, const char *name, struct eddy_gc_report *report)
{
    if (!eddy_domain_knows_alive(d, eddy_file_exporter(name)))
        report->files_removed += unlinkat(eddy_domain_folder(d), name, 0) == 0;
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
        report->files_refused += is_there(dir, name);
        return true;
    }
    switch (kind) {
    case EDDY_FILE_FLINK:
        collect_flink(d, name, report);
        break;
    case EDDY_FILE_OBJECT:
        collect_object(d, name, &status, report);
        break;
    case EDDY_FILE_TEMP:
        collect_temp(d, name, &status, report);
        break;
    case EDDY_FILE_EXPORT:
        collect_export(d, name, report);
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
