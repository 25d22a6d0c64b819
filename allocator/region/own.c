/* Whose a region is: a lock that goes with its owner, however that one ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/point.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <unistd.h>

static pthread_mutex_t owned_lock = PTHREAD_MUTEX_INITIALIZER;
static struct eddy_region *owned;

/* --- fork: a child that kept the descriptor would keep the lock of a dead parent -------------- */

static void before_fork(void)
{
    pthread_mutex_lock(&owned_lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&owned_lock);
}

static void after_fork_in_child(void)
{
    for (struct eddy_region *r = owned; r; r = r->next_owned) {
        close(r->life_fd);
        r->life_fd = -1;
    }
    owned = NULL;
    pthread_mutex_unlock(&owned_lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* --- the lock -------------------------------------------------------------------------------- */

void eddy_region_life_begin(void)
{
    pthread_mutex_lock(&owned_lock);
}

int eddy_region_life_end(struct eddy_region *r, int fd)
{
    bool got = fd >= 0 && eddy_lock_try(fd, EDDY_REGION_OWNER, EDDY_LOCK_EXCLUSIVE);
    if (got) {
        r->life_fd = fd;
        r->next_owned = owned;
        owned = r;
    } else if (fd >= 0) {
        close(fd);
    }
    pthread_mutex_unlock(&owned_lock);
    return got || fd < 0 ? EDDY_OK
                         : eddy_fail(EDDY_EBUSY, "the region is owned by somebody alive; wait "
                                                 "until its owner closes or disowns it");
}

/* Unlocked by name, not by closing: a child that is just being forked still has the descriptor. */
void eddy_region_life_drop(struct eddy_region *r)
{
    if (r->life_fd < 0)
        return;
    pthread_mutex_lock(&owned_lock);
    struct eddy_region **at = &owned;
    while (*at && *at != r)
        at = &(*at)->next_owned;
    if (*at)
        *at = r->next_owned;
    eddy_lock_drop(r->life_fd, EDDY_REGION_OWNER);
    close(r->life_fd);
    r->life_fd = -1;
    pthread_mutex_unlock(&owned_lock);
}

/* --- owning ---------------------------------------------------------------------------------- */

static int keep(const struct eddy_region *r, bool kept)
{
    struct stat status;
    if (!r->name->is_kept_by_mode)
        return EDDY_OK;
    if (fstat(r->fd, &status) != 0)
        return eddy_fail_errno("cannot look at %s", eddy_region_path(r));
    bool already = !(status.st_mode & S_ISVTX) == !kept;
    if (already || fchmod(r->fd, (status.st_mode & 0777) | (kept ? S_ISVTX : 0)) == 0)
        return EDDY_OK;
    if (errno == EPERM)
        return eddy_fail(EDDY_EACCES,
                         "whether %s is kept is for user %u to say, who created it; own or disown "
                         "it as that user",
                         eddy_region_path(r), status.st_uid);
    return eddy_fail_errno("cannot mark %s as kept", eddy_region_path(r));
}

/* The file that has the name must be this one: what is owned is what closing removes. */
static int open_named(struct eddy_region *r, int *fd)
{
    struct stat status;
    int error = r->name->open(r, fd);
    if (error)
        return error;
    if (fstat(*fd, &status) == 0 && eddy_region_is_same(r, &status))
        return EDDY_OK;
    close(*fd);
    return eddy_fail(EDDY_ENOENT, "%s leads to another region by now", eddy_region_path(r));
}

/* First the lock, then it is no longer kept: between the two it has one reason to stay or both. */
static int own(struct eddy_region *r)
{
    int fd = -1;
    eddy_region_life_begin();
    int error = open_named(r, &fd);
    int busy = eddy_region_life_end(r, error ? -1 : fd);
    if (error || busy)
        return error ? error : busy;
    EDDY_POINT("region-own:locked");
    error = keep(r, false);
    if (error)
        eddy_region_life_drop(r);
    return error;
}

static int disown(struct eddy_region *r)
{
    int error = keep(r, true);
    EDDY_POINT("region-disown:kept");
    if (!error)
        eddy_region_life_drop(r);
    return error;
}

static int change(struct eddy_region *r, int (*how)(struct eddy_region *))
{
    int error = r->name->lock(r);
    if (error)
        return error;
    error = how(r);
    r->name->unlock(r);
    return error;
}

int eddy_region_own(eddy_region *r)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    if (!r->name)
        return eddy_fail(EDDY_EINVAL, "a region without a name belongs to all who have it");
    pthread_mutex_lock(&r->lock);
    int error = r->life_fd >= 0 ? EDDY_OK : change(r, own);
    pthread_mutex_unlock(&r->lock);
    return error;
}

int eddy_region_disown(eddy_region *r)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    pthread_mutex_lock(&r->lock);
    int error = r->life_fd < 0 ? EDDY_OK : change(r, disown);
    pthread_mutex_unlock(&r->lock);
    return error;
}
