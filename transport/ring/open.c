/* Creating, attaching and closing rings by name.  spec/ring.md, "Life"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"
#include "discovery/directory.h"
#include "transport/ring/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING_FLAGS                                                                                 \
    (EDDY_RING_SPARSE | EDDY_RING_HUGE | EDDY_RING_PUNCH | EDDY_RING_REPLACE |                     \
     EDDY_RING_CRASH_FIRST)

/* What create and attach have in common. */
struct request {
    const struct eddy_ring_options *create; /* NULL: attach */
    const struct eddy_ring_wanted *wanted;
    const char *name;
    enum eddy_ring_role role;
    struct eddy_domain *domain;
    char flink[EDDY_KIND_FLINK_ROOM];
};

/* --- finding --------------------------------------------------------------------------------- */

/* The ring of that name, if anybody uses it.  EDDY_ENOENT: there is none; what the dead left is
 * removed. */
static int find(const struct request *q, enum eddy_ring_role role, struct eddy_ring **ring)
{
    struct eddy_ring *r = NULL;
    char id[EDDY_NONCE_TEXT];
    int dir = eddy_domain_folder(q->domain),
        error = eddy_kind_find(&eddy_ring_kind, dir, q->flink, id);
    if (error)
        return error;
    error = eddy_ring_object_attach(dir, id, role, EDDY_USE_SHARE, &r);
    if (error && error != EDDY_ENOENT)
        return error;
    if (!error && eddy_ring_is_used(r)) {
        *ring = r;
        return EDDY_OK;
    }
    eddy_kind_remove(&eddy_ring_kind, dir, q->flink, id);
    if (r)
        eddy_ring_object_drop(r);
    return eddy_fail(EDDY_ENOENT, "everybody who used ring %s is dead", q->name);
}

/* --- creating -------------------------------------------------------------------------------- */

/* Takes the name from whoever has it, if that is wanted. */
static int clear_name(const struct request *q)
{
    struct eddy_ring *r;
    int error = find(q, EDDY_RING_OBSERVER, &r);
    if (error)
        return error == EDDY_ENOENT ? EDDY_OK : error;
    if (q->create->flags & EDDY_RING_REPLACE)
        eddy_kind_remove(&eddy_ring_kind, eddy_domain_folder(q->domain), q->flink, r->id);
    else
        error =
            eddy_fail(EDDY_EEXIST,
                      "ring %s is in use by somebody alive; attach to it, give another name, or "
                      "take the name from it with EDDY_RING_REPLACE",
                      q->name);
    eddy_ring_object_drop(r);
    return error;
}

static int create(const struct request *q, struct eddy_ring **ring)
{
    struct eddy_ring *r;
    int dir = eddy_domain_folder(q->domain), error = clear_name(q);
    if (!error)
        error = eddy_ring_object_create(q->domain, q->create, &r);
    if (error)
        return error;
    error = eddy_kind_announce(&eddy_ring_kind, dir, q->flink, r->id);
    EDDY_POINT("ring-create:announced");
    if (error) {
        eddy_kind_remove(&eddy_ring_kind, dir, NULL, r->id);
        eddy_ring_object_drop(r);
        return error;
    }
    *ring = r;
    return EDDY_OK;
}

/* --- attaching ------------------------------------------------------------------------------- */

static int check_wanted(const struct request *q, const struct eddy_ring *r)
{
    const struct eddy_ring_wanted *w = q->wanted;
    if (w && w->slot_bytes && eddy_ring_slot_bytes(w->slot_bytes) != r->slot_bytes)
        return eddy_fail(
            EDDY_EINVAL, "the slots of ring %s have %llu bytes, not %llu (%llu rounded up)",
            q->name, (unsigned long long)r->slot_bytes, (unsigned long long)w->slot_bytes,
            (unsigned long long)eddy_ring_slot_bytes(w->slot_bytes));
    if (w && w->slots && w->slots != r->slots)
        return eddy_fail(EDDY_EINVAL, "ring %s has %u slots, not %u", q->name, r->slots, w->slots);
    return EDDY_OK;
}

/* Going on where the last producer stopped: what it had on loan is free again.  Relaxed, all: what
 * producers did before us is before the lock of the seat; our first loan looks at `read` anew. */
static int go_on_producing(const struct request *q, struct eddy_ring *r)
{
    uint64_t state = eddy_load_relaxed(&r->header->state);
    if (state == EDDY_RING_WORD_FINISHED)
        return eddy_fail(EDDY_EFINISHED, "the stream of ring %s is complete", q->name);
    if (state != EDDY_RING_WORD_RUNNING)
        return eddy_fail(EDDY_ECRASHED, "the producer of ring %s has crashed", q->name);
    r->write = eddy_load_relaxed(&r->header->write);
    r->read_seen = r->write - r->slots;
    if (r->write - eddy_load_relaxed(&r->header->read) <= r->slots)
        return EDDY_OK;
    return eddy_fail(EDDY_ESEGMENT, "the positions of ring %s were scribbled on", q->name);
}

/* Going on where the last consumer stopped: what it took and did not release comes again.  Relaxed,
 * all: what consumers did before us, and saw of the producer, is before the lock of the seat. */
static int go_on_consuming(const struct request *q, struct eddy_ring *r)
{
    uint64_t read = eddy_load_relaxed(&r->header->read);
    uint64_t taken = eddy_load_relaxed(&r->header->taken);
    uint64_t write = eddy_load_relaxed(&r->header->write);
    if (write - read > r->slots || taken - read > write - read)
        return eddy_fail(EDDY_ESEGMENT, "the positions of ring %s were scribbled on", q->name);
    eddy_store_relaxed(&r->again, read); /* nobody else has the handle yet */
    r->again_end = taken;
    eddy_ring_advance(r); /* it may have died before it did */
    return EDDY_OK;
}

/* From here on the others know. */
static void enter_seat(struct eddy_ring *r, const struct eddy_domain *d, uint64_t epoch)
{
    struct eddy_ring_seat *seat = eddy_ring_seat(r, r->role);
    eddy_store_relaxed(&seat->participant, d->id); /* for people */
    eddy_store_relaxed(&seat->pid, (int32_t)getpid());
    EDDY_POINT("ring-attach:seated");
    eddy_store_seq(&seat->epoch, epoch); /* [seat] */
    EDDY_POINT("ring-attach:entered");
    eddy_bell_ring(&r->header->data_bell);
    eddy_bell_ring(&r->header->room_bell);
}

static int take_part(const struct request *q, struct eddy_ring *r)
{
    bool observes = r->role == EDDY_RING_OBSERVER;
    char name[64];
    /* Relaxed: only who has the lock of the seat writes it. */
    uint64_t epoch = observes ? 0 : eddy_load_relaxed(&eddy_ring_seat(r, r->role)->epoch) + 1;
    epoch += epoch == 0 && !observes;
    struct eddy_file file = {.dir = eddy_domain_folder(q->domain), .fd = -1};
    eddy_kind_file(&eddy_ring_kind, r->id, name);
    snprintf(file.temp, sizeof file.temp, "%.39s", name); /* by its name */
    int error = eddy_ring_seat_lock(r, &file, epoch);
    if (error || observes)
        return error;
    error = r->role == EDDY_RING_PRODUCER ? go_on_producing(q, r) : go_on_consuming(q, r);
    if (!error)
        enter_seat(r, q->domain, epoch);
    return error;
}

static int attach(const struct request *q, struct eddy_ring **ring)
{
    struct eddy_ring *r;
    int error = find(q, q->role, &r);
    if (error)
        return error;
    error = check_wanted(q, r);
    EDDY_POINT("ring-attach:found");
    if (!error)
        error = take_part(q, r);
    if (error) {
        eddy_ring_object_drop(r);
        return error;
    }
    *ring = r;
    return EDDY_OK;
}

/* --- the handle ------------------------------------------------------------------------------ */

static int name_handle(const struct request *q, struct eddy_ring *r)
{
    memcpy(r->flink, q->flink, sizeof r->flink);
    r->domain = q->domain;
    eddy_spin_init(&r->spin, r->domain->spin_ns);
    if (asprintf(&r->object, "%s/%s" EDDY_RING_SUFFIX, q->domain->dir, r->id) >= 0) {
        r->file.path = r->object;
        return EDDY_OK;
    }
    r->object = NULL;
    return eddy_fail(EDDY_ENOMEM, "no memory for a path");
}

static int open_in_domain(const struct request *q, bool owns_domain, eddy_ring **ring)
{
    struct eddy_ring *r = NULL;
    struct eddy_name held;
    int error = eddy_directory_enter(q->domain, eddy_flink_lock(q->flink), &held);
    if (error)
        return error;
    error = q->create ? create(q, &r) : attach(q, &r);
    q->domain->handles += !error;
    eddy_directory_leave(q->domain, &held);
    if (error)
        return error;
    error = name_handle(q, r);
    if (error) {
        eddy_ring_leave(r);
        return error;
    }
    uint32_t flags = q->create ? q->create->flags : q->wanted ? q->wanted->flags : 0;
    r->crash_first = flags & EDDY_RING_CRASH_FIRST;
    r->owns_domain = owns_domain;
    *ring = r;
    return EDDY_OK;
}

static int open_ring(struct request *q, eddy_ring **ring)
{
    bool given = q->domain;
    int error = eddy_kind_flink(&eddy_ring_kind, q->name, q->flink);
    if (!error && given && (eddy_domain_forked(q->domain) || eddy_is_guest()))
        error = eddy_fail_forked();
    if (!error && !given)
        error = eddy_domain_open(NULL, &q->domain);
    if (error)
        return error;
    error = open_in_domain(q, !given, ring);
    if (error && !given)
        eddy_domain_close(q->domain);
    return error;
}

static int check_options(const struct eddy_ring_options *o)
{
    if (o->slot_bytes == 0 || o->slots == 0 || o->slots > EDDY_RING_SLOTS_MAX)
        return eddy_fail(EDDY_EINVAL,
                         "%u slots of %llu bytes; a ring has 1 to %u, of at least 1 byte", o->slots,
                         (unsigned long long)o->slot_bytes, EDDY_RING_SLOTS_MAX);
    if ((o->flags & ~RING_FLAGS) || o->reserved)
        return eddy_fail(EDDY_EINVAL, "unknown flags %#x of a ring, or `reserved` is set",
                         o->flags);
    if ((o->flags & EDDY_RING_PUNCH) && !(o->flags & EDDY_RING_SPARSE))
        return eddy_fail(EDDY_EINVAL, "EDDY_RING_PUNCH needs EDDY_RING_SPARSE: memory that was "
                                      "given back may not be there when it is wanted again");
    return EDDY_OK;
}

static int check_role(int role)
{
    return role == EDDY_RING_OBSERVER || role == EDDY_RING_PRODUCER || role == EDDY_RING_CONSUMER
               ? EDDY_OK
               : eddy_fail(EDDY_EINVAL, "%d is no role in a ring", role);
}

int eddy_ring_create_sized(eddy_domain *domain, const char *name,
                           const struct eddy_ring_options *options, size_t options_size,
                           eddy_ring **ring)
{
    EDDY_UNCANCELLED;
    struct eddy_ring_options o;
    if (!name || !options || !ring)
        return eddy_fail(EDDY_EINVAL, "eddy_ring_create: no name, options or place for the result");
    int error = EDDY_SIZED(eddy_ring_options, o, options, options_size);
    if (!error)
        error = check_options(&o);
    if (!error)
        error = check_role((int)o.role);
    if (error)
        return error;
    return open_ring(
        &(struct request){.create = &o, .name = name, .role = o.role, .domain = domain}, ring);
}

int eddy_ring_attach_sized(eddy_domain *domain, const char *name, int role,
                           const struct eddy_ring_wanted *wanted, size_t wanted_size,
                           eddy_ring **ring)
{
    EDDY_UNCANCELLED;
    struct eddy_ring_wanted w;
    if (!name || !ring)
        return eddy_fail(EDDY_EINVAL, "eddy_ring_attach: no name or place for the result");
    int error = EDDY_SIZED(eddy_ring_wanted, w, wanted, wanted_size);
    if (!error && w.flags & ~EDDY_RING_CRASH_FIRST)
        error = eddy_fail(EDDY_EINVAL, "unknown flags %#x", w.flags);
    if (!error)
        error = check_role(role);
    if (error)
        return error;
    return open_ring(
        &(struct request){
            .wanted = &w, .name = name, .role = (enum eddy_ring_role)role, .domain = domain},
        ring);
}

/* --- leaving --------------------------------------------------------------------------------- */

/* The last to leave removes the names.  What a blocked lock leaves is for gc or the next user. */
void eddy_ring_leave(struct eddy_ring *r)
{
    struct eddy_domain *d = r->domain, *own = r->owns_domain ? d : NULL;
    struct eddy_name held;
    eddy_ring_forget_crashes(r);
    eddy_ring_watch_end(r);
    if (r->role != EDDY_RING_OBSERVER) /* for people: who has left is not one of the dead */
        eddy_store_relaxed(&eddy_ring_seat(r, r->role)->participant, 0u);
    EDDY_POINT("ring-close:left");
    if (eddy_directory_enter(d, eddy_flink_lock(r->flink), &held) == EDDY_OK) {
        if (!eddy_ring_is_used(r))
            eddy_kind_remove(&eddy_ring_kind, eddy_domain_folder(d), r->flink, r->id);
        EDDY_POINT("ring-close:removed");
        eddy_ring_locks_end(r);
        eddy_directory_leave(d, &held);
    }
    eddy_ring_object_drop(r);
    pthread_mutex_lock(&d->lock);
    d->handles--;
    pthread_mutex_unlock(&d->lock);
    if (own)
        eddy_domain_close(own);
}

int eddy_ring_close(eddy_ring *r)
{
    EDDY_UNCANCELLED;
    if (!r)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    if (eddy_ring_forked(r)) {
        struct eddy_domain *own = r->owns_domain ? r->domain : NULL;
        eddy_ring_object_drop(r);
        if (own)
            eddy_domain_close(own);
        return eddy_fail_forked();
    }
    if (eddy_sub_acq_rel(&r->users, 1u) == 1) /* [last use], from [last use] */
        eddy_ring_leave(r);
    return EDDY_OK;
}

/* --- exiting without closing ----------------------------------------------------------------- */

/* The domain clears away what is left if nobody else takes part in it; but a peer that died a
 * moment ago may still look as if it did, though its part in the ring has ended. */
static void remove_if_last(struct eddy_ring *r)
{
    struct eddy_domain *d = r->domain;
    if (!d || pthread_mutex_trylock(&d->lock) != 0)
        return;
    struct eddy_name held;
    if (eddy_directory_try(d, eddy_flink_lock(r->flink), &held)) {
        if (!eddy_ring_is_used(r))
            eddy_kind_remove(&eddy_ring_kind, eddy_domain_folder(d), r->flink, r->id);
        eddy_directory_drop(d, &held);
    }
    pthread_mutex_unlock(&d->lock);
}

__attribute__((destructor)) static void leave_at_exit(void)
{
    eddy_rings_visit(remove_if_last);
}
