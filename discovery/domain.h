/* domain.h - the inside of a domain handle: folder, registry, this participant.  (internal)
 *
 * `lock` guards opening and closing in this process; the data path never takes it.  Nobody waits for
 * another process with it: see eddy_directory_enter.
 * Fork: the child's copies are dead; eddy_domain_forked tells.  The child closes its copies of the
 * descriptors, so that the parent's locks go when the parent goes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_DOMAIN_INSIDE_H
#define EDDY_DOMAIN_INSIDE_H

#include "allocator/fork.h"
#include "allocator/life/kept.h"
#include "discovery/participant.h"

#include <eddy/domain.h>
#include <eddy/inspect.h>
#include <pthread.h>
#include <stdatomic.h>

struct eddy_domain {
    struct eddy_kept folder;
    struct eddy_registry *registry;
    uint64_t registry_device, registry_inode;
    int gate_fd; /* of the registry, while one joins or leaves; -1 */
    struct eddy_life life;
    uint64_t id; /* of this participant */
    uint32_t fork_count;
    atomic_bool leaves; /* from now on its files may go, which is no removal */
    char *dir;
    int64_t spin_ns; /* how long its waits look before they sleep: see allocator/wait/wait.h */
    pthread_mutex_t lock;
    pthread_cond_t name_free;       /* one of these has been given back: */
    struct eddy_name *names;        /* that this process has, or waits for: see directory.h */
    uint32_t handles;               /* open writers, readers and wait sets */
    struct eddy_watchman *watchman; /* while topics are watched: see watchman.h */
    void *topics;                   /* the transport's: see transport/topic/topic.c */
    struct eddy_gc_report swept;    /* what it found and cleared away when it joined */
    struct eddy_domain *next;
};

/* For calls that open or close. */
static inline bool eddy_domain_forked(const struct eddy_domain *domain)
{
    return domain->fork_count != eddy_fork_count;
}

/* The folder's descriptor, for this call; -1 with errno if it is not to be had. */
static inline int eddy_domain_folder(const struct eddy_domain *domain)
{
    return eddy_kept_fd(&domain->folder);
}

/* Opens the domain's own registry in `dir`, its folder.  EDDY_ENOENT: it is not there any more. */
int eddy_domain_registry(const struct eddy_domain *domain, int dir, int *fd);

/* Opens a folder after checking that it is ours.  `create` makes it and its parents. */
int eddy_folder_open(const char *dir, bool create, int *fd);

/* Splits the path of a file in two; both are to be freed. */
int eddy_folder_split(const char *path, char **dir, char **file);

/* True if nobody else takes part. */
bool eddy_domain_is_alone(const struct eddy_domain *domain);

static inline bool eddy_domain_knows_alive(const struct eddy_domain *domain, uint64_t id)
{
    return id == domain->id || eddy_participant_alive(eddy_domain_folder(domain), id);
}

/* What the transport does for each open domain when the process exits without closing it. */
extern void (*eddy_domain_at_exit)(struct eddy_domain *domain);

#endif
