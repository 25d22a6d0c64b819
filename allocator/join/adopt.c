/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/join/table.h"
#include "allocator/name.h"

/* The usual page of this machine, which can be any of the first three, or a larger one: what huge
 * pages there are follows from that, and on some machines there are several. */
static bool is_page_size(uint64_t bytes)
{
    static const uint64_t sizes[] = {4u << 10,  16u << 10,  64u << 10, 2u << 20,
                                     32u << 20, 512u << 20, 1u << 30};
    uint64_t usual = eddy_page_round(1);
    bool is = bytes == usual;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        is = is || (bytes == sizes[i] && bytes > usual);
    return is;
}

static int check_memory(const struct eddy_adoption *a)
{
    uintptr_t first = (uintptr_t)a->memory;
    if (!a->memory)
        return eddy_fail(EDDY_EINVAL, "the memory to adopt is NULL");
    if (!is_page_size(a->page_bytes))
        return eddy_fail(EDDY_EINVAL,
                         "a page of %llu bytes: there are %llu here, and 2097152, 1073741824 and "
                         "other sizes of huge pages",
                         (unsigned long long)a->page_bytes, (unsigned long long)eddy_page_round(1));
    if (first % a->page_bytes)
        return eddy_fail(EDDY_EINVAL, "memory at %p does not begin at a page of %llu bytes",
                         a->memory, (unsigned long long)a->page_bytes);
    if (a->pages == 0)
        return eddy_fail(EDDY_EINVAL, "the memory to adopt has 0 pages");
    if (a->pages > UINT64_MAX / a->page_bytes || first + a->pages * a->page_bytes - 1 < first)
        return eddy_fail(EDDY_EINVAL, "%llu pages at %p go beyond the end of memory",
                         (unsigned long long)a->pages, a->memory);
    return EDDY_OK;
}

int eddy_join_adopt_check(const struct eddy_adoption *a)
{
    const char *plain;
    if (!a)
        return eddy_fail(EDDY_EINVAL, "the adoption is NULL");
    if (a->reserved)
        return eddy_fail(EDDY_EINVAL, "`reserved` of an adoption is set");
    int error = eddy_name_check(a->name, "region", &plain);
    if (error)
        return error;
    struct eddy_join_options options = {.map = a->map};
    error = eddy_join_check(&options);
    if (error)
        return error;
    if (!a->handle)
        return eddy_fail(EDDY_EINVAL, "the handle for adopted memory is NULL");
    return check_memory(a);
}

static void fill_in(struct eddy_join_entry *entry, const struct eddy_adoption *a, bool shadows)
{
    entry->info.handle = a->handle;
    entry->info.address = a->memory;
    entry->info.bytes = a->pages * a->page_bytes;
    entry->info.page_bytes = a->page_bytes;
    entry->info.map = (uint32_t)a->map;
    entry->info.adopted = 1;
    entry->info.shadows = shadows;
    entry->info.references = 1;
    entry->range.first = (uintptr_t)a->memory;
    entry->range.last = entry->range.first + (uintptr_t)entry->info.bytes - 1;
    entry->state = EDDY_JOIN_JOINED;
    entry->worker = NULL;
}

/* Name, handle, memory: the first that somebody has. */
static int enter(struct eddy_join_entry *entry)
{
    struct eddy_join_entry *holder;
    const char *what = "name";
    int error = eddy_join_name_add(entry, &holder);
    if (!error) {
        what = "handle";
        error = eddy_join_handle_add(entry, &holder);
    }
    if (!error) {
        what = "memory";
        error = eddy_join_range_add(entry, &holder);
    }
    if (error != EDDY_EEXIST)
        return error;
    return eddy_fail(EDDY_EINVAL, "\"%s\" cannot be adopted: join \"%s\" has its %s",
                     entry->info.name, holder->info.name, what);
}

int eddy_join_adopt_enter(const struct eddy_adoption *a, bool shadows)
{
    const char *plain;
    int error = eddy_name_check(a->name, "region", &plain);
    struct eddy_join_entry *entry = error ? NULL : eddy_join_entry_new(plain, NULL);
    if (!entry)
        return error ? error : EDDY_ENOMEM;
    fill_in(entry, a, shadows);
    eddy_join_lock();
    error = enter(entry);
    if (error)
        eddy_join_entry_drop(entry);
    eddy_join_unlock();
    return error;
}

static int check_disown(const struct eddy_join_entry *entry, const void *handle)
{
    if (entry && eddy_join_entry_forked(entry))
        return eddy_fail(EDDY_EFORKED, "\"%s\" was adopted by the process that forked this one",
                         entry->info.name);
    if (!entry)
        return eddy_fail(EDDY_EINVAL, "%p is no handle of adopted memory", handle);
    if (!entry->info.adopted)
        return eddy_fail(EDDY_EINVAL, "\"%s\" is joined, not adopted: leave it with eddy_leave",
                         entry->info.name);
    if (entry->info.references != 1)
        return eddy_fail(EDDY_EINVAL,
                         "\"%s\" is joined %lld times beside its adoption: they leave "
                         "first",
                         entry->info.name, (long long)entry->info.references - 1);
    return EDDY_OK;
}

int eddy_join_disown(void *handle, struct eddy_join_info *info)
{
    EDDY_UNCANCELLED;
    if (!handle)
        return eddy_fail(EDDY_EINVAL, "the handle to disown is NULL");
    eddy_join_lock();
    struct eddy_join_entry *entry = eddy_join_handle_find(handle);
    int error = check_disown(entry, handle);
    if (!error && info) {
        *info = entry->info;
        info->references = 0;
    }
    if (!error)
        eddy_join_entry_drop(entry);
    eddy_join_unlock();
    return error;
}
