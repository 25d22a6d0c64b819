/* sized.h - options come with their size, as the caller knows it.  (internal)
 *
 * A caller may know fewer members than we do, or more: what it leaves out is zero, and what we do not
 * know must be.                                             spec/api.md, "How it can grow"
 *
 * Threads: any.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SIZED_INSIDE_H
#define EDDY_SIZED_INSIDE_H

#include <eddy/errors.h>
#include <stddef.h>
#include <string.h>

/* The longest that anybody may pass: a size beyond it is no size. */
#define EDDY_SIZED_MAX 4096u

/* The other lengths.  given NULL: all zero.  EDDY_EINVAL: no size, or something set that we do not
 * know. */
int eddy_sized_convert(const char *name, void *own, size_t own_size, const void *given,
                       size_t size);

static inline int eddy_sized_take(const char *name, void *own, size_t own_size, const void *given,
                                  size_t size)
{
    if (!given || size != own_size)
        return eddy_sized_convert(name, own, own_size, given, size);
    memcpy(own, given, own_size);
    return EDDY_OK;
}

/* Fills in `own`, a struct of this type. */
#define EDDY_SIZED(type, own, given, size)                                                         \
    eddy_sized_take(#type, &(own), sizeof(struct type), (given), (size))

#endif
