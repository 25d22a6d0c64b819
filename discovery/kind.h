/* kind.h - what flinks lead to: topics, slots segments, rings, regions.  (internal)
 *
 * One of a kind is a file, <nonce><suffix>, perhaps others of the same nonce, and a flink with the
 * line `kind: <name>` (a topic's has none).  Clearing away and looking in need no more than this of
 * a kind.  Topics are always there; the module of another kind registers it before main.
 *
 * A file with the sticky bit is kept: it stays though nobody uses it (eddy_region_disown).
 *
 * Threads: registering happens before main.
 * Crash:   see each kind.
 *                                                 spec/topics.md, "Garbage" and "Looking in"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_KIND_H
#define EDDY_KIND_H

#include "allocator/name.h"
#include "allocator/segment/segment.h"
#include "discovery/domain.h"
#include "discovery/flink.h"

#include <eddy/inspect.h>
#include <sys/stat.h>

/* Whence one looks at a folder without taking part. */
struct eddy_view {
    int dir;
    struct eddy_registry *registry; /* NULL: nobody has ever been here */
    const char *path;
};

/* Where something was found. */
struct eddy_found {
    const char *file; /* the flink's */
    const struct eddy_flink *flink;
    int error; /* why the flink cannot be read; then it counts as a topic's */
};

struct eddy_kind {
    const char *name;   /* in flinks; "": of topics */
    const char *suffix; /* of its file, with the dot */
    uint64_t magic;     /* that its file begins with; 0: with whatever the user put there */
    /* True for the name of another file of one; then the same of that.  NULL: there are none. */
    bool (*part)(const char *file, uint64_t *magic);
    size_t removed; /* where in a report of gc those that went with their flinks are counted */
    /* Removes one, with its flink (NULL: none is known), if all who used it are dead, and counts what
     * went.  The flink's lock is held, if there is one.  True: somebody lives there, and what its
     * dead hold is to be taken back (`reap`), which does not need the name. */
    bool (*collect)(struct eddy_domain *domain, const char *flink, const char *id,
                    struct eddy_gc_report *report);
    void (*reap)(struct eddy_domain *domain, const char *id);
    /* How many members the dead have left there, in a folder that nobody uses; NULL: it does not
     * say. */
    uint32_t (*count_dead)(int dir, const char *id);
    /* Adds one to a snapshot.  False: no memory. */
    bool (*tell)(const struct eddy_view *view, const struct eddy_found *found,
                 struct eddy_snapshot *snapshot);
    /* For eddy_object_tell: all but kind, name, flink and the file's sizes, which are there. */
    int (*look)(const struct eddy_view *view, const char *id, struct eddy_object_report *report);
    struct eddy_kind *next;
};

extern struct eddy_kind eddy_topic_kind;

void eddy_kind_register(struct eddy_kind *kind);
/* NULL: there is no such kind. */
const struct eddy_kind *eddy_kind_named(const char *name);
/* By the name of a file, and what it begins with; NULL: it is of no kind. */
const struct eddy_kind *eddy_kind_of_file(const char *file, uint64_t *magic);

/* The count that `removed` says. */
static inline uint32_t *eddy_kind_removed(const struct eddy_kind *kind,
                                          struct eddy_gc_report *report)
{
    return (uint32_t *)(void *)((char *)report + kind->removed);
}

/* `tell` of all kinds but topics. */
bool eddy_object_tell(const struct eddy_view *view, const struct eddy_found *found,
                      struct eddy_snapshot *snapshot);

/* Adds a member to a report.  False: no memory. */
bool eddy_object_add_member(struct eddy_object_report *report,
                            const struct eddy_object_member *member);
/* Fills in state, pid and name of a participant. */
void eddy_view_name(const struct eddy_view *view, uint64_t id, struct eddy_object_member *member);

static inline bool eddy_file_is_kept(const struct stat *status)
{
    return status->st_mode & S_ISVTX;
}

/* --- the file of one, by its nonce ------------------------------------------------------------- */

void eddy_kind_file(const struct eddy_kind *kind, const char *id, char file[64]);
/* The nonce behind a flink.  As eddy_flink_read_kind. */
int eddy_kind_find(const struct eddy_kind *kind, int dir, const char *flink,
                   char id[EDDY_NONCE_TEXT]);
/* Shared memory that it takes. */
uint64_t eddy_kind_bytes(const struct eddy_kind *kind, int dir, const char *id);
/* Announces `id` under a flink: EDDY_EEXIST if there is one. */
int eddy_kind_announce(const struct eddy_kind *kind, int dir, const char *flink, const char *id);
/* Withdraws the flink (may be NULL) if it leads to `id`, and removes the file.  Mappings stay. */
bool eddy_kind_remove(const struct eddy_kind *kind, int dir, const char *flink, const char *id);
/* Removes and counts. */
void eddy_kind_collect(const struct eddy_kind *kind, int dir, const char *flink, const char *id,
                       struct eddy_gc_report *report);

/* --- names of rings and regions --------------------------------------------------------------- */

#define EDDY_KIND_NAME_MAX   EDDY_PLAIN_NAME_MAX
#define EDDY_KIND_FLINK_ROOM 96u

/* The flink of `name`: <name>.<kind>.flink; "/x" is "x".  EDDY_EINVAL: no name. */
int eddy_kind_flink(const struct eddy_kind *kind, const char *name,
                    char file[EDDY_KIND_FLINK_ROOM]);

#endif
