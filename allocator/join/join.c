/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/join/join.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/join/table.h"

static const uint32_t known_flags = EDDY_REGION_RANDOM | EDDY_REGION_LOCK | EDDY_REGION_HUGE |
                                    EDDY_REGION_STRICT | EDDY_REGION_DUMP;

int eddy_join_check(const struct eddy_join_options *o)
{
    if (o->map != EDDY_MAP_READ_WRITE && o->map != EDDY_MAP_READ)
        return eddy_fail(EDDY_EINVAL, "map is %d: use EDDY_MAP_READ_WRITE or EDDY_MAP_READ",
                         (int)o->map);
    if (o->flags & ~known_flags)
        return eddy_fail(EDDY_EINVAL,
                         "flags %#x: a join takes EDDY_REGION_RANDOM, _LOCK, _HUGE, _STRICT and "
                         "_DUMP",
                         o->flags);
    return EDDY_OK;
}

/* --- hooks ----------------------------------------------------------------------------------- */

/* Hooks get copies: what they do to them does no harm.  A hook may fork, and then returns in the
 * child, too, where its entry is the parent's. */
static int run_attach(const struct eddy_join_entry *entry, const struct eddy_join_options *options,
                      void **handle)
{
    if (!options->attach) {
        *handle = entry->info.address;
        return EDDY_OK;
    }
    struct eddy_join_info copy = entry->info;
    int error = EDDY_ESYS;
    void *got = options->attach(options->context, &copy, &error);
    if (eddy_join_entry_forked(entry))
        return eddy_fail_forked();
    if (!got)
        return eddy_fail(error < 0 ? error : EDDY_ESYS,
                         "region \"%s\" is not joined: its attach hook returned NULL (%s)",
                         entry->info.name, eddy_strerror(error));
    *handle = got;
    return EDDY_OK;
}

static int run_detach(const struct eddy_join_entry *entry)
{
    struct eddy_join_info copy = entry->info;
    if (entry->detach)
        entry->detach(entry->context, &copy);
    return eddy_join_entry_forked(entry) ? eddy_fail_forked() : EDDY_OK;
}

/* Unmapped only when nobody finds it by address any more: the kernel may give the address to the
 * next at once.  Its names and object stay until it is unmapped, so that no second mapping is made
 * beside it. */
static int take_down(struct eddy_join_entry *entry)
{
    eddy_join_lock();
    eddy_join_entry_hide(entry);
    eddy_join_unlock();
    int error = entry->region ? entry->ops->unmap(entry->region) : EDDY_OK;
    eddy_join_lock();
    eddy_join_entry_drop(entry);
    eddy_join_unlock();
    return error;
}

/* --- leaving --------------------------------------------------------------------------------- */

static int check_leave(const struct eddy_join_entry *entry, const void *handle)
{
    if (entry && eddy_join_entry_forked(entry))
        return eddy_fail(EDDY_EFORKED,
                         "region \"%s\" was joined by the process that forked this "
                         "one: join it here",
                         entry->info.name);
    if (entry && entry->state == EDDY_JOIN_LEAVING && entry->worker == eddy_join_me())
        return eddy_fail(EDDY_ELOOP, "the detach hook of region \"%s\" leaves it: it is being left",
                         entry->info.name);
    if (!entry || entry->state != EDDY_JOIN_JOINED)
        return eddy_fail(EDDY_ENOENT,
                         "%p is no handle of a join, or no longer: each join is left "
                         "once",
                         handle);
    if (entry->info.adopted && entry->info.references == 1)
        return eddy_fail(EDDY_EINVAL, "\"%s\" is adopted memory: end it with eddy_join_disown",
                         entry->info.name);
    return EDDY_OK;
}

/* True if it was the last: nobody else does anything with it from now on. */
static bool count_leave(struct eddy_join_entry *entry)
{
    if (entry->info.references > 1) {
        entry->info.references--;
        return false;
    }
    entry->state = EDDY_JOIN_LEAVING;
    entry->info.references = -1;
    entry->worker = eddy_join_me();
    return true;
}

int eddy_leave(void *handle)
{
    EDDY_UNCANCELLED;
    if (!handle)
        return eddy_fail(EDDY_EINVAL, "the handle to leave is NULL");
    eddy_join_lock();
    struct eddy_join_entry *entry = eddy_join_handle_find(handle);
    int error = check_leave(entry, handle);
    bool last = !error && count_leave(entry);
    eddy_join_unlock();
    if (!last)
        return error;
    error = run_detach(entry);
    return error ? error : take_down(entry);
}

/* --- joining what is joined ------------------------------------------------------------------ */

static void tell(const struct eddy_join_entry *entry, struct eddy_join_info *info, void **handle)
{
    if (info)
        *info = entry->info;
    if (handle)
        *handle = entry->info.handle;
}

/* The reference that we have keeps it, also if all others leave meanwhile. */
static int widen(struct eddy_join_entry *entry)
{
    int error = entry->ops->protect(entry->region, EDDY_MAP_READ_WRITE);
    if (error) {
        eddy_leave(entry->info.handle);
        return error;
    }
    eddy_join_lock();
    entry->info.map = EDDY_MAP_READ_WRITE;
    eddy_join_unlock();
    return EDDY_OK;
}

/* The lock is held, and given up. */
static int join_again(struct eddy_join_entry *entry, const struct eddy_join_request *r,
                      struct eddy_join_info *info, void **handle)
{
    bool wider = r->options->map == EDDY_MAP_READ_WRITE && entry->info.map == EDDY_MAP_READ;
    if (wider && entry->info.adopted) {
        eddy_join_unlock();
        return eddy_fail(EDDY_EACCES, "\"%s\" was adopted for reading: join it with EDDY_MAP_READ",
                         r->name);
    }
    entry->info.references++;
    if (wider) {
        eddy_join_unlock();
        int error = widen(entry);
        if (error)
            return error;
        eddy_join_lock();
    }
    tell(entry, info, handle);
    eddy_join_unlock();
    return EDDY_OK;
}

/* --- joining for the first time -------------------------------------------------------------- */

/* Of several names of one object the first to get here maps it.  *other: who has it already. */
static int await_object(struct eddy_join_entry *entry, struct eddy_join_entry **other)
{
    for (;;) {
        int error = eddy_join_object_add(entry, other);
        if (error != EDDY_EEXIST) {
            *other = NULL;
            return error;
        }
        if ((*other)->state == EDDY_JOIN_JOINED)
            return EDDY_OK;
        error = eddy_join_await(*other);
        if (error)
            return error;
    }
}

static int show(struct eddy_join_entry *entry)
{
    struct eddy_join_entry *holder;
    int error = eddy_join_range_add(entry, &holder);
    if (error != EDDY_EEXIST)
        return error;
    return eddy_fail(EDDY_EEXIST,
                     "region \"%s\" was mapped at %p, where \"%s\" was adopted: call "
                     "eddy_join_disown before the memory is freed",
                     entry->info.name, entry->info.address, holder->info.name);
}

static void fill_in(struct eddy_join_entry *entry, const struct eddy_join_request *r,
                    const struct eddy_join_mapping *m)
{
    entry->info.address = m->address;
    entry->info.bytes = m->bytes;
    entry->info.page_bytes = m->page_bytes;
    entry->info.device = entry->object.device = m->device;
    entry->info.inode = entry->object.inode = m->inode;
    entry->info.map = (uint32_t)r->options->map;
    entry->info.locked = m->locked;
    entry->range.first = (uintptr_t)m->address;
    entry->range.last = entry->range.first + (uintptr_t)m->bytes - 1;
    entry->region = m->region;
    entry->ops = r->ops;
    entry->detach = r->options->detach;
    entry->context = r->options->context;
}

/* JOINED, if nobody else has the handle. */
static int settle(struct eddy_join_entry *entry, void *handle)
{
    struct eddy_join_entry *holder;
    entry->info.handle = handle;
    int error = eddy_join_handle_add(entry, &holder);
    if (error)
        return error != EDDY_EEXIST
                   ? error
                   : eddy_fail(error,
                               "region \"%s\": its attach hook returned the handle of \"%s\"",
                               entry->info.name, holder->info.name);
    entry->state = EDDY_JOIN_JOINED;
    entry->info.references = 1;
    entry->worker = NULL;
    eddy_join_wake(entry);
    return EDDY_OK;
}

/* Mapped; others see it now, and that a hook runs. */
static int attach(struct eddy_join_entry *entry, const struct eddy_join_request *r,
                  struct eddy_join_info *info, void **handle)
{
    void *got = NULL;
    int error = run_attach(entry, r->options, &got);
    if (eddy_join_entry_forked(entry))
        return error;
    if (error) {
        take_down(entry);
        return error;
    }
    eddy_join_lock();
    error = settle(entry, got);
    if (!error)
        tell(entry, info, handle);
    eddy_join_unlock();
    if (error && run_detach(entry) == EDDY_OK)
        take_down(entry);
    return error;
}

/* Another name led to the object before: ours leads to its join, too. */
static int join_other(struct eddy_join_entry *entry, struct eddy_join_entry *other,
                      const struct eddy_join_request *r, struct eddy_join_info *info, void **handle)
{
    void *region = entry->region;
    eddy_join_names_move(entry, other);
    eddy_join_entry_drop(entry);
    int error = join_again(other, r, info, handle);
    r->ops->unmap(region);
    return error;
}

static int join_first(struct eddy_join_entry *entry, const struct eddy_join_request *r,
                      struct eddy_join_info *info, void **handle)
{
    struct eddy_join_mapping mapping;
    struct eddy_join_entry *other = NULL;
    int error = r->ops->map(r->context, r->name, r->options, &mapping);
    if (error) {
        take_down(entry);
        return error;
    }
    eddy_join_lock();
    fill_in(entry, r, &mapping);
    error = await_object(entry, &other);
    if (other && !error)
        return join_other(entry, other, r, info, handle);
    if (!error)
        error = show(entry);
    eddy_join_unlock();
    if (!error)
        return attach(entry, r, info, handle);
    take_down(entry);
    return error;
}

/* --- by name --------------------------------------------------------------------------------- */

/* The name when nobody is at it; NULL: it is not joined. */
static int await_name(const char *text, struct eddy_join_name **name)
{
    int error = EDDY_OK;
    do
        *name = eddy_join_name_find(text);
    while (*name && (*name)->entry->state != EDDY_JOIN_JOINED &&
           (error = eddy_join_await((*name)->entry)) == EDDY_OK);
    return error;
}

static int check_folder(const struct eddy_join_name *name, const struct eddy_join_folder *folder)
{
    if (name->entry->info.adopted)
        return EDDY_OK;
    if (!folder)
        return eddy_fail(EDDY_EINVAL, "region \"%s\" is of a domain: name it", name->text);
    if (name->device == folder->device && name->inode == folder->inode)
        return EDDY_OK;
    return eddy_fail(EDDY_EEXIST,
                     "\"%s\" is joined from another domain than %s: one name is one region in a "
                     "process",
                     name->text, folder->path);
}

static int begin(const struct eddy_join_request *r, struct eddy_join_entry **entry)
{
    if (!r->folder)
        return eddy_fail(EDDY_EINVAL, "nothing was adopted as \"%s\": a region needs its domain",
                         r->name);
    struct eddy_join_entry *fresh = eddy_join_entry_new(r->name, r->folder);
    if (!fresh)
        return EDDY_ENOMEM;
    int error = eddy_join_name_add(fresh, NULL);
    if (error)
        eddy_join_entry_drop(fresh);
    else
        *entry = fresh;
    return error;
}

int eddy_join_enter(const struct eddy_join_request *r, struct eddy_join_info *info, void **handle)
{
    struct eddy_join_name *name;
    struct eddy_join_entry *entry = NULL;
    eddy_join_lock();
    int error = await_name(r->name, &name);
    if (!error && name)
        error = check_folder(name, r->folder);
    if (!error && name)
        return join_again(name->entry, r, info, handle);
    if (!error)
        error = begin(r, &entry);
    eddy_join_unlock();
    return error ? error : join_first(entry, r, info, handle);
}
