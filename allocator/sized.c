/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/sized.h"

#include "allocator/error.h"

int eddy_sized_convert(const char *name, void *own, size_t own_size, const void *given, size_t size)
{
    const unsigned char *bytes = given;
    memset(own, 0, own_size);
    if (!given)
        return EDDY_OK;
    if (size == 0 || size > EDDY_SIZED_MAX || size % 4 != 0)
        return eddy_fail(EDDY_EINVAL, "%zu is no size of struct %s, which has %zu bytes", size,
                         name, own_size);
    for (size_t i = own_size; i < size; i++)
        if (bytes[i] != 0)
            return eddy_fail(EDDY_EINVAL,
                             "struct %s: something is set at byte %zu of %zu, and this Eddy knows "
                             "%zu; leave it zero, or use a later Eddy",
                             name, i, size, own_size);
    memcpy(own, given, size < own_size ? size : own_size);
    return EDDY_OK;
}
