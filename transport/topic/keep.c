/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/keep.h"

#include "allocator/error.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
    const struct eddy_kind_kept *x = a, *y = b;
    return memcmp(x->key, y->key, sizeof x->key);
}

static void free_kind(void *kind)
{
    free(((struct eddy_kind_kept *)kind)->slots);
    free(kind);
}

/* A ring of `room` slots in place of a smaller one. */
static bool widen(struct eddy_kind_kept *kind, uint32_t room)
{
    uint32_t *slots = calloc(room, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0, at = kind->first; i < kind->count; i++) {
        slots[i] = kind->slots[at];
        at = at + 1 < kind->room ? at + 1 : 0;
    }
    free(kind->slots);
    kind->slots = slots;
    kind->first = 0;
    kind->room = room;
    return true;
}

int eddy_keep_open(struct eddy_keep *keep, uint32_t depth, bool keyed)
{
    *keep = (struct eddy_keep){.depth = depth, .keyed = keyed};
    if (depth && !keyed && !widen(&keep->whole, depth))
        return eddy_fail(EDDY_ENOMEM, "no memory for a history of %u samples", depth);
    return EDDY_OK;
}

void eddy_keep_close(struct eddy_keep *keep)
{
    free(keep->whole.slots);
    tdestroy(keep->kinds, free_kind);
    *keep = (struct eddy_keep){0};
}

static struct eddy_kind_kept *find_kind(struct eddy_keep *keep, const uint8_t key[16])
{
    struct eddy_kind_kept wanted = {0};
    memcpy(wanted.key, key, sizeof wanted.key);
    if (keep->last && by_key(keep->last, &wanted) == 0)
        return keep->last;
    void *found = tfind(&wanted, &keep->kinds, by_key);
    if (found)
        return *(struct eddy_kind_kept **)found;
    struct eddy_kind_kept *fresh = malloc(sizeof *fresh);
    if (fresh) {
        *fresh = wanted;
        if (tsearch(fresh, &keep->kinds, by_key))
            return fresh;
    }
    free(fresh);
    return NULL;
}

struct eddy_kind_kept *eddy_keep_prepare(struct eddy_keep *keep, const uint8_t key[16])
{
    struct eddy_kind_kept *kind = keep->keyed ? find_kind(keep, key) : &keep->whole;
    if (!kind)
        return NULL;
    keep->last = kind;
    if (kind->count < kind->room || kind->room == keep->depth)
        return kind;
    uint32_t room = kind->room ? 2 * kind->room : 1;
    return widen(kind, room < keep->depth ? room : keep->depth) ? kind : NULL;
}

bool eddy_keep_drop(struct eddy_keep *keep, struct eddy_kind_kept *kind, uint32_t *gone)
{
    if (kind->count == 0)
        return false;
    *gone = kind->slots[kind->first];
    kind->first = (kind->first + 1) % kind->room;
    kind->count--;
    keep->total--;
    return true;
}

bool eddy_keep_add(struct eddy_keep *keep, struct eddy_kind_kept *kind, uint32_t slot,
                   uint32_t *gone)
{
    bool full = kind->count == keep->depth;
    if (full)
        (void)eddy_keep_drop(keep, kind, gone);
    kind->slots[(kind->first + kind->count++) % kind->room] = slot;
    keep->total++;
    return full;
}

void eddy_keep_end(struct eddy_keep *keep, struct eddy_kind_kept *kind)
{
    (void)tdelete(kind, &keep->kinds, by_key);
    keep->last = NULL;
    free_kind(kind);
}

struct visit {
    void (*each)(void *context, const struct eddy_kind_kept *kind, uint32_t slot);
    void *context;
};

static void visit_kind(const struct eddy_kind_kept *kind, const struct visit *visit)
{
    for (uint32_t i = 0; i < kind->count; i++)
        visit->each(visit->context, kind, kind->slots[(kind->first + i) % kind->room]);
}

static void visit_node(const void *node, VISIT order, void *visit)
{
    if (order == postorder || order == leaf)
        visit_kind(*(struct eddy_kind_kept *const *)node, visit);
}

void eddy_keep_each(const struct eddy_keep *keep,
                    void (*each)(void *context, const struct eddy_kind_kept *kind, uint32_t slot),
                    void *context)
{
    struct visit visit = {each, context};
    if (keep->keyed)
        twalk_r(keep->kinds, visit_node, &visit);
    else
        visit_kind(&keep->whole, &visit);
}
