/* Creating regions in a folder, under whatever name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/point.h"
#include "allocator/region/region.h"

#include <unistd.h>

/* Who finds it finds it owned, and with its mode. */
static int own_new(struct eddy_region *r, struct eddy_file *file,
                   const struct eddy_region_making *m)
{
    int error = eddy_region_own_new(r, file);
    if (error)
        return error;
    return fchmod(file->fd, eddy_region_mode(m->options)) == 0
               ? EDDY_OK
               : eddy_fail_errno("cannot set the mode of %s", m->shown);
}

int eddy_region_make(const struct eddy_region_making *m, struct eddy_region **region)
{
    struct eddy_file file;
    struct eddy_region *r = NULL;
    uint64_t bytes = eddy_region_file_bytes(m->options->bytes, eddy_region_page(m->dir));
    if (eddy_file_make(m->dir, bytes, &file) != 0)
        return eddy_fail_errno("cannot create a region of %llu bytes as %s",
                               (unsigned long long)bytes, m->shown);
    int error = eddy_region_build(file.fd, bytes, m->options, m->shown, &r);
    if (!error) {
        error = own_new(r, &file, m);
        EDDY_POINT("region-create:before-link");
        if (!error)
            error = m->link(r, &file, m->context, m->options->flags);
        if (error) {
            eddy_life_end(&r->life);
            r->file = (struct eddy_kept)EDDY_KEPT_NONE; /* goes with the file */
            eddy_region_free(r);
        }
    }
    if (error) {
        eddy_file_drop(&file);
        return error;
    }
    eddy_file_release(&file);
    *region = r;
    return EDDY_OK;
}
