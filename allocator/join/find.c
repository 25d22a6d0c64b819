/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/join/table.h"
#include "allocator/name.h"

#include <string.h>

/* With the lock held.  One that is not mapped yet, or no longer, is not joined for anybody. */
static bool tell(const struct eddy_join_entry *entry, struct eddy_join_info *info)
{
    if (!entry || !entry->mapped || eddy_join_entry_forked(entry))
        return false;
    if (info)
        *info = entry->info;
    return true;
}

int eddy_join_find(const char *name, struct eddy_join_info *info)
{
    const char *plain;
    int error = eddy_name_check(name, "region", &plain);
    if (error)
        return error;
    eddy_join_lock();
    const struct eddy_join_name *found = eddy_join_name_find(plain);
    bool there = tell(found ? found->entry : NULL, info);
    eddy_join_unlock();
    return there ? EDDY_OK : eddy_fail(EDDY_ENOENT, "\"%s\" is not joined", plain);
}

int eddy_join_find_handle(const void *handle, struct eddy_join_info *info)
{
    if (!handle)
        return eddy_fail(EDDY_EINVAL, "the handle to find is NULL");
    eddy_join_lock();
    bool there = tell(eddy_join_handle_find(handle), info);
    eddy_join_unlock();
    return there ? EDDY_OK : eddy_fail(EDDY_ENOENT, "%p is no handle of a join", handle);
}

int eddy_join_find_address(const void *address, uint64_t bytes, struct eddy_join_info *info)
{
    struct eddy_join_range range = {(uintptr_t)address, (uintptr_t)address + bytes - 1};
    if (bytes == 0)
        return eddy_fail(EDDY_ENOENT, "0 bytes at %p are in no join", address);
    if (range.last < range.first)
        return eddy_fail(EDDY_EINVAL, "%llu bytes at %p go beyond the end of memory",
                         (unsigned long long)bytes, address);
    eddy_join_lock();
    bool there = tell(eddy_join_range_find(&range), info);
    eddy_join_unlock();
    return there ? EDDY_OK
                 : eddy_fail(EDDY_ENOENT, "no join has any of the %llu bytes at %p",
                             (unsigned long long)bytes, address);
}

/* --- all ------------------------------------------------------------------------------------- */

/* The next join by its first name; others are passed over. */
static bool next(const char *name, struct eddy_join_info *info)
{
    const struct eddy_join_name *found = eddy_join_name_after(name);
    while (found && !(found->entry->names == found && tell(found->entry, info)))
        found = eddy_join_name_after(found->text);
    return found;
}

size_t eddy_join_list(struct eddy_join_info *infos, size_t max)
{
    struct eddy_join_info info = {.name = ""};
    size_t count = 0;
    eddy_join_lock();
    for (; next(info.name, &info); count++)
        if (count < max)
            infos[count] = info;
    eddy_join_unlock();
    return count;
}

int eddy_join_next(struct eddy_join_info *info)
{
    if (!info || !memchr(info->name, 0, sizeof info->name))
        return eddy_fail(EDDY_EINVAL, "info is NULL, or its name does not end");
    eddy_join_lock();
    bool there = next(info->name, info);
    eddy_join_unlock();
    return there ? EDDY_OK : eddy_fail(EDDY_ENOENT, "there are no more joins");
}
