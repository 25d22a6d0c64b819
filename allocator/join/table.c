/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/join/table.h"

#include "allocator/error.h"
#include "allocator/fork.h"

#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool used; /* by this process, or by one before a child was made without fork() */
static pthread_cond_t settled = PTHREAD_COND_INITIALIZER;
static void *names, *handles, *ranges, *objects; /* roots; nodes point to keys inside entries */
static _Thread_local struct eddy_join_worker me;

#define ENTRY_OF(key, member)                                                                      \
    ((struct eddy_join_entry *)((char *)(key)-offsetof(struct eddy_join_entry, member)))

/* A child that was made without fork() begins anew: another thread of its parent may have been changing
 * the table just then. */
static void leave_to_the_parent(void)
{
    names = handles = ranges = objects = NULL;
    settled = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
}

void eddy_join_lock(void)
{
    pthread_mutex_lock(&eddy_wiped.joins);
    if (eddy_wiped.joins_are_own)
        return;
    if (used)
        leave_to_the_parent();
    used = eddy_wiped.joins_are_own = true;
}

void eddy_join_unlock(void)
{
    pthread_mutex_unlock(&eddy_wiped.joins);
}

/* --- order ----------------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
    return strcmp(left, right);
}

static int by_handle(const void *left, const void *right)
{
    uintptr_t l = (uintptr_t) * (void *const *)left, r = (uintptr_t) * (void *const *)right;
    return (l > r) - (l < r);
}

/* Ranges in the tree never overlap, so that "equal on overlap" is an order among them, and finds
 * the one that a range meets. */
static int by_range(const void *left, const void *right)
{
    const struct eddy_join_range *l = left, *r = right;
    return (l->first > r->last) - (l->last < r->first);
}

static int by_object(const void *left, const void *right)
{
    const struct eddy_join_object *l = left, *r = right;
    if (l->inode != r->inode)
        return l->inode > r->inode ? 1 : -1;
    return (l->device > r->device) - (l->device < r->device);
}

/* --- trees ----------------------------------------------------------------------------------- */

typedef int order(const void *, const void *);

/* The key's node holds `key`, or who was there before. */
static void **add(void **root, const void *key, order *compare)
{
    void **node = tsearch(key, root, compare);
    if (!node)
        eddy_fail(EDDY_ENOMEM, "no memory to join another region");
    return node;
}

static void *find(void **root, const void *key, order *compare)
{
    void **node = tfind(key, root, compare);
    return node ? *node : NULL;
}

/* Only if it is this very key that is there, not its equal. */
static void take_out(void **root, const void *key, order *compare)
{
    if (find(root, key, compare) == key)
        tdelete(key, root, compare);
}

static int added(struct eddy_join_entry *entry, struct eddy_join_entry *there,
                 struct eddy_join_entry **holder)
{
    if (there == entry)
        return EDDY_OK;
    if (holder)
        *holder = there;
    return EDDY_EEXIST;
}

int eddy_join_name_add(struct eddy_join_entry *e, struct eddy_join_entry **holder)
{
    void **node = add(&names, e->names, by_name);
    return node ? added(e, ((struct eddy_join_name *)*node)->entry, holder) : EDDY_ENOMEM;
}

int eddy_join_object_add(struct eddy_join_entry *e, struct eddy_join_entry **holder)
{
    void **node = add(&objects, &e->object, by_object);
    return node ? added(e, ENTRY_OF(*node, object), holder) : EDDY_ENOMEM;
}

int eddy_join_range_add(struct eddy_join_entry *e, struct eddy_join_entry **holder)
{
    void **node = add(&ranges, &e->range, by_range);
    if (!node)
        return EDDY_ENOMEM;
    e->mapped = *node == &e->range;
    return added(e, ENTRY_OF(*node, range), holder);
}

int eddy_join_handle_add(struct eddy_join_entry *e, struct eddy_join_entry **holder)
{
    void **node = add(&handles, &e->info.handle, by_handle);
    if (!node)
        return EDDY_ENOMEM;
    struct eddy_join_entry *there = ENTRY_OF(*node, info.handle);
    if (there->state == EDDY_JOIN_LEAVING || eddy_join_entry_forked(there))
        *node = &e->info.handle;
    return added(e, ENTRY_OF(*node, info.handle), holder);
}

struct eddy_join_name *eddy_join_name_find(const char *name)
{
    return find(&names, name, by_name);
}

struct eddy_join_entry *eddy_join_handle_find(const void *handle)
{
    void *key = find(&handles, &handle, by_handle);
    return key ? ENTRY_OF(key, info.handle) : NULL;
}

struct eddy_join_entry *eddy_join_object_find(const struct eddy_join_object *object)
{
    void *key = find(&objects, object, by_object);
    return key ? ENTRY_OF(key, object) : NULL;
}

struct eddy_join_entry *eddy_join_range_find(const struct eddy_join_range *range)
{
    void *key = find(&ranges, range, by_range);
    return key ? ENTRY_OF(key, range) : NULL;
}

/* A search that never ends at its goal passes, last of all greater ones, the next greater. */
struct probe {
    const char *name;
    const void *next;
};

/* The C library passes what is searched for first. */
static int passing(const void *searched, const void *there)
{
    struct probe *probe = (struct probe *)(uintptr_t)searched;
    if (strcmp(probe->name, there) >= 0)
        return 1;
    probe->next = there;
    return -1;
}

struct eddy_join_name *eddy_join_name_after(const char *name)
{
    struct probe probe = {name, NULL};
    tfind(&probe, &names, passing);
    return (struct eddy_join_name *)(uintptr_t)probe.next;
}

void eddy_join_names_move(struct eddy_join_entry *from, struct eddy_join_entry *to)
{
    while (from->names) {
        struct eddy_join_name *name = from->names;
        from->names = name->next;
        name->entry = to;
        name->next = to->names->next; /* behind the first, which is info.name */
        to->names->next = name;
    }
}

/* --- entries --------------------------------------------------------------------------------- */

struct eddy_join_entry *eddy_join_entry_new(const char *name, const struct eddy_join_folder *folder)
{
    struct eddy_join_entry *entry = calloc(1, sizeof *entry);
    struct eddy_join_name *first = calloc(1, sizeof *first);
    if (!entry || !first) {
        free(entry);
        free(first);
        eddy_fail(EDDY_ENOMEM, "no memory to join region \"%s\"", name);
        return NULL;
    }
    snprintf(first->text, sizeof first->text, "%s", name);
    snprintf(entry->info.name, sizeof entry->info.name, "%s", name);
    if (folder) {
        first->device = folder->device;
        first->inode = folder->inode;
    }
    first->entry = entry;
    entry->names = first;
    entry->info.references = -1;
    entry->worker = &me;
    entry->fork_count = eddy_fork_enter();
    return entry;
}

void eddy_join_entry_hide(struct eddy_join_entry *entry)
{
    take_out(&ranges, &entry->range, by_range);
    take_out(&handles, &entry->info.handle, by_handle);
    entry->mapped = false;
}

void eddy_join_entry_drop(struct eddy_join_entry *entry)
{
    eddy_join_entry_hide(entry);
    take_out(&objects, &entry->object, by_object);
    while (entry->names) {
        struct eddy_join_name *name = entry->names;
        entry->names = name->next;
        take_out(&names, name, by_name);
        free(name);
    }
    eddy_join_wake(entry);
    free(entry);
}

/* --- waiting --------------------------------------------------------------------------------- */

struct eddy_join_worker *eddy_join_me(void)
{
    return &me;
}

static bool waits_for_me(const struct eddy_join_entry *entry)
{
    while (entry && entry->worker && entry->worker != &me)
        entry = entry->worker->waits_for;
    return entry && entry->worker == &me;
}

int eddy_join_await(struct eddy_join_entry *entry)
{
    if (waits_for_me(entry))
        return eddy_fail(EDDY_ELOOP,
                         "region \"%s\" is needed by its own hook, or by one that it waits for: "
                         "let hooks join in one direction only",
                         entry->info.name);
    me.waits_for = entry;
    me.next = entry->waiting;
    entry->waiting = &me;
    while (me.waits_for)
        pthread_cond_wait(&settled, &eddy_wiped.joins);
    return EDDY_OK;
}

/* Clears what they wait for rather than leave it to them: until they run, the entry may be freed,
 * and others follow their chains. */
void eddy_join_wake(struct eddy_join_entry *entry)
{
    struct eddy_join_worker *worker = entry->waiting;
    if (!worker)
        return;
    entry->waiting = NULL;
    for (; worker; worker = worker->next)
        worker->waits_for = NULL;
    pthread_cond_broadcast(&settled);
}

/* --- fork ------------------------------------------------------------------------------------ */

static pthread_mutex_t held; /* as in fork.c */

static void before_fork(void)
{
    eddy_join_lock();
    memcpy(&held, &eddy_wiped.joins, sizeof held);
}

static void keep(void *key)
{
    (void)key;
}

/* Entries stay: the handles lead to them, and a hook that has forked still uses its own. */
static void forget_all(void)
{
    tdestroy(names, keep);
    tdestroy(ranges, keep);
    tdestroy(objects, keep);
    names = ranges = objects = NULL;
    settled = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    used = false; /* what is left of it is not to be left to the parent */
    memcpy(&eddy_wiped.joins, &held, sizeof held);
    eddy_join_unlock();
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, eddy_join_unlock, forget_all);
}
