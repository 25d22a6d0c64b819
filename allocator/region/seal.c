/* Sealing nameless regions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <fcntl.h>

#ifndef F_SEAL_FUTURE_WRITE /* Linux 5.1 */
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static const struct {
    uint32_t ours;
    int theirs, any; /* the one we set, those that mean it */
} seals[] = {
    {EDDY_SEAL_SHRINK, F_SEAL_SHRINK, F_SEAL_SHRINK},
    {EDDY_SEAL_GROW, F_SEAL_GROW, F_SEAL_GROW},
    {EDDY_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_FUTURE_WRITE | F_SEAL_WRITE},
    {EDDY_SEAL_SEAL, F_SEAL_SEAL, F_SEAL_SEAL},
};
enum { SEALS = sizeof seals / sizeof seals[0] };

uint32_t eddy_region_seals(int fd)
{
    int theirs = fcntl(fd, F_GET_SEALS); /* -1: a file that knows none */
    uint32_t ours = 0;
    for (int i = 0; theirs >= 0 && i < SEALS; i++)
        ours |= theirs & seals[i].any ? seals[i].ours : 0;
    return ours;
}

int eddy_region_seal(eddy_region *r, uint32_t wanted)
{
    EDDY_UNCANCELLED;
    int theirs = 0;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    for (int i = 0; i < SEALS; i++)
        theirs |= wanted & seals[i].ours ? seals[i].theirs : 0;
    if (r->name || wanted == 0 || wanted > 15)
        return eddy_fail(EDDY_EINVAL,
                         "%s cannot be sealed so: nameless regions can, with "
                         "EDDY_SEAL_*",
                         r->name ? eddy_region_path(r) : "a region");
    pthread_mutex_lock(&r->lock);
    int rc = fcntl(eddy_region_file(r), F_ADD_SEALS, theirs);
    int number = errno;
    pthread_mutex_unlock(&r->lock);
    if (rc == 0)
        return EDDY_OK;
    errno = number;
    if (number == EINVAL)
        return eddy_fail(EDDY_EINVAL, "this region's file cannot be sealed: it was not created "
                                      "nameless, or the kernel is older than 5.1");
    return eddy_fail_errno("cannot seal a region that is sealed against that, or may only be read");
}
