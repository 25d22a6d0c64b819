/* Whose a region is: a lock that goes with its owner, however that one ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/point.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <unistd.h>

/* --- the lock -------------------------------------------------------------------------------- */

static int lock_owner(int fd)
{
    if (eddy_lock_try(fd, EDDY_REGION_OWNER, EDDY_LOCK_EXCLUSIVE))
        return fd;
    close(fd);
    return eddy_fail(EDDY_EBUSY,
                     "the region is owned by somebody alive; wait until its owner closes "
                     "or disowns it");
}

static int lock_new(void *file)
{
    int fd = eddy_file_reopen(file);
    return fd >= 0 ? lock_owner(fd)
                   : eddy_fail_errno("cannot open the file of a new region a second time");
}

int eddy_region_own_new(struct eddy_region *r, const struct eddy_file *file)
{
    return eddy_life_begin(lock_new, (void *)(uintptr_t)file, &r->life);
}

/* --- owning ---------------------------------------------------------------------------------- */

static int keep(const struct eddy_region *r, bool kept)
{
    struct stat status;
    if (!r->name->is_kept_by_mode)
        return EDDY_OK;
    if (fstat(eddy_region_file(r), &status) != 0)
        return eddy_fail_errno("cannot look at %s", eddy_region_path(r));
    bool already = !(status.st_mode & S_ISVTX) == !kept;
    if (already || fchmod(eddy_region_file(r), (status.st_mode & 0777) | (kept ? S_ISVTX : 0)) == 0)
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

static int lock_named(void *region)
{
    int fd;
    int error = open_named(region, &fd);
    return error ? error : lock_owner(fd);
}

/* First the lock, then it is no longer kept: between the two it has one reason to stay or both. */
static int own(struct eddy_region *r)
{
    int error = eddy_life_begin(lock_named, r, &r->life);
    if (error)
        return error;
    EDDY_POINT("region-own:locked");
    error = keep(r, false);
    if (error)
        eddy_life_end(&r->life);
    return error;
}

static int disown(struct eddy_region *r)
{
    int error = keep(r, true);
    EDDY_POINT("region-disown:kept");
    if (!error)
        eddy_life_end(&r->life);
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
    int error = eddy_region_is_owned(r) ? EDDY_OK : change(r, own);
    pthread_mutex_unlock(&r->lock);
    return error;
}

int eddy_region_disown(eddy_region *r)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    pthread_mutex_lock(&r->lock);
    int error = !eddy_region_is_owned(r) ? EDDY_OK : change(r, disown);
    pthread_mutex_unlock(&r->lock);
    return error;
}
