/* The file of a ring: making it, the ladder that attaches it, its end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/segment/ladder.h"
#include "transport/ring/ring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- the plan -------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t bytes, uint64_t to)
{
    return (bytes + to - 1) / to * to;
}

uint64_t eddy_ring_slot_bytes(uint64_t wanted)
{
    if (wanted > EDDY_RING_BYTES_MAX)
        return 0;
    return round_up(wanted, wanted < EDDY_HUGE_PAGE ? EDDY_LINE : EDDY_HUGE_PAGE);
}

bool eddy_ring_plan_make(uint64_t slot_bytes, uint32_t slots, struct eddy_ring_plan *p)
{
    uint64_t payload;
    if (slot_bytes == 0 || __builtin_mul_overflow(slot_bytes, slots, &payload) ||
        payload > EDDY_RING_BYTES_MAX)
        return false;
    p->lengths = EDDY_RING_HEADER_BYTES;
    p->done = p->lengths + round_up(slots * 8ull, EDDY_LINE);
    p->control_bytes = eddy_page_round(p->done + slots * 8ull);
    p->payload =
        slot_bytes < EDDY_HUGE_PAGE ? p->control_bytes : round_up(p->control_bytes, EDDY_HUGE_PAGE);
    p->bytes = p->payload + eddy_page_round(payload);
    return true;
}

/* --- the handle ------------------------------------------------------------------------------ */

static struct eddy_ring *make_handle(const char *id, enum eddy_ring_role role)
{
    struct eddy_ring *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    snprintf(r->id, sizeof r->id, "%.32s", id);
    r->role = role;
    r->file = (struct eddy_kept)EDDY_KEPT_NONE;
    r->fork_count = eddy_fork_enter();
    eddy_store_relaxed(&r->users, 1u); /* nobody else has it yet */
    eddy_ring_watch_init(&r->watch);
    eddy_store_relaxed(&r->loan, (uint64_t)LOAN_NONE);
    r->tickets = LOAN_TICKETS;
    return r;
}

void eddy_ring_object_drop(struct eddy_ring *r)
{
    if (!eddy_ring_forked(r))
        eddy_ring_locks_end(r);
    eddy_kept_end(&r->file);
    eddy_place_free(&r->place);
    free(r->held);
    free(r->object);
    free(r);
}

/* Big slots lie on huge pages' borders in memory as they do in the file. */
static int reserve_place(struct eddy_ring *r)
{
    uint64_t bytes = r->role == EDDY_RING_OBSERVER ? r->plan.control_bytes : r->plan.bytes;
    return eddy_place_reserve(bytes, r->slot_bytes < EDDY_HUGE_PAGE ? 0 : EDDY_HUGE_PAGE, false,
                              &r->place);
}

static int map_payload(int fd, struct eddy_ring *r)
{
    struct eddy_place_part part = {.offset = r->plan.payload,
                                   .bytes = r->plan.bytes - r->plan.payload,
                                   .writable = r->role == EDDY_RING_PRODUCER};
    int error = eddy_place_map(&r->place, fd, &part);
    if (error)
        return error;
    r->payload = r->place.base + part.offset;
    /* Core dumps are for the process's own memory; chunks would make them huge. */
    madvise(r->payload, part.bytes, MADV_DONTDUMP);
    /* Best effort: `eddy doctor` tells what the kernel has.  What is reserved is there already, and
     * advice alone would come too late for it. */
    if (r->flags & EDDY_RING_HUGE)
        madvise(r->payload, part.bytes, MADV_HUGEPAGE);
    if (r->flags & EDDY_RING_HUGE && !(r->flags & EDDY_RING_SPARSE))
        madvise(r->payload, part.bytes, MADV_COLLAPSE);
    return EDDY_OK;
}

static int map_parts(int fd, struct eddy_ring *r)
{
    bool takes_part = r->role != EDDY_RING_OBSERVER;
    struct eddy_place_part part = {.bytes = r->plan.control_bytes, .writable = takes_part};
    int error = reserve_place(r);
    if (!error)
        error = eddy_place_map(&r->place, fd, &part);
    if (error)
        return error;
    r->header = (void *)r->place.base;
    r->lengths = (void *)(r->place.base + r->plan.lengths);
    r->done = (void *)(r->place.base + r->plan.done);
    if (r->role == EDDY_RING_CONSUMER) {
        r->held = calloc(r->slots, sizeof *r->held);
        if (!r->held)
            return eddy_fail(EDDY_ENOMEM, "no memory to know which of %u slots are held", r->slots);
    }
    return takes_part ? map_payload(fd, r) : EDDY_OK;
}

static const struct eddy_format format = {
    .what = "a ring",
    .magic = EDDY_MAGIC_RING,
    .layout = EDDY_RING_LAYOUT,
    .known = {EDDY_TRIAL_INCOMPATIBLE, EDDY_TRIAL_LOOK_ONLY, EDDY_TRIAL_COMPATIBLE},
    .used = {EDDY_TRIAL_INCOMPATIBLE, EDDY_TRIAL_LOOK_ONLY, EDDY_TRIAL_COMPATIBLE}};

/* --- creating -------------------------------------------------------------------------------- */

static void fill_header(struct eddy_ring_header *h, const struct eddy_ring *r,
                        const uint8_t nonce[16], const struct eddy_domain *d)
{
    eddy_format_fill(&format, &h->head);
    h->file_bytes = r->plan.bytes;
    h->slot_bytes = r->slot_bytes;
    h->creator = d->id;
    h->slots = r->slots;
    h->flags = r->flags;
    memcpy(h->nonce, nonce, sizeof h->nonce);
    if (r->role == EDDY_RING_OBSERVER)
        return;
    struct eddy_ring_seat *seat = &h->seats[r->role - EDDY_RING_PRODUCER];
    /* Relaxed: private memory still. */
    eddy_store_relaxed(&seat->epoch, 1u);
    eddy_store_relaxed(&seat->participant, d->id);
    eddy_store_relaxed(&seat->pid, (int32_t)getpid());
}

/* Written rather than mapped: a mapping would keep the description alive in a forked child. */
static int write_header(int fd, const struct eddy_ring *r, const uint8_t nonce[16],
                        const struct eddy_domain *d)
{
    static const uint64_t magic = EDDY_MAGIC_RING;
    struct eddy_ring_header *h = calloc(1, sizeof *h);
    if (!h)
        return eddy_fail(EDDY_ENOMEM, "no memory to create a ring");
    fill_header(h, r, nonce, d);
    /* Magic last, though nobody can look before the link. */
    bool whole = pwrite(fd, h, sizeof *h, 0) == (ssize_t)sizeof *h &&
                 pwrite(fd, &magic, sizeof magic, 0) == (ssize_t)sizeof magic;
    free(h);
    return whole ? EDDY_OK : eddy_fail_errno("cannot write the header of a ring");
}

static int fill_file(const struct eddy_file *file, struct eddy_ring *r, const uint8_t nonce[16],
                     const struct eddy_domain *d)
{
    /* Not what lies between the parts, so in two steps; the larger one first, since it may fail. */
    int error = r->flags & EDDY_RING_SPARSE
                    ? EDDY_OK
                    : eddy_file_reserve(file->fd, r->plan.payload, r->plan.bytes - r->plan.payload,
                                        "the slots of a ring");
    if (!error)
        error = eddy_file_reserve(file->fd, 0, r->plan.control_bytes, "a ring");
    if (!error)
        error = write_header(file->fd, r, nonce, d);
    if (!error)
        error = eddy_ring_file_open(r, file);
    if (!error)
        error = eddy_ring_seat_lock(r, file, 1);
    return error ? error : map_parts(file->fd, r);
}

static int make_file(struct eddy_domain *d, struct eddy_ring *r, const uint8_t nonce[16])
{
    char name[64];
    struct eddy_file file;
    int error = eddy_file_create(eddy_domain_folder(d), r->plan.bytes, &file);
    if (error)
        return error;
    error = fill_file(&file, r, nonce, d);
    eddy_kind_file(&eddy_ring_kind, r->id, name);
    if (!error)
        error = eddy_file_link(&file, name);
    eddy_file_drop(&file);
    return error;
}

int eddy_ring_object_create(struct eddy_domain *d, const struct eddy_ring_options *o,
                            struct eddy_ring **ring)
{
    uint8_t nonce[16];
    char id[EDDY_NONCE_TEXT];
    int error = eddy_nonce_make(nonce, id);
    if (error)
        return error;
    struct eddy_ring *r = make_handle(id, o->role);
    if (!r)
        return eddy_fail(EDDY_ENOMEM, "no memory to create a ring");
    r->slot_bytes = eddy_ring_slot_bytes(o->slot_bytes);
    r->slots = o->slots;
    r->flags = o->flags & (EDDY_RING_SPARSE | EDDY_RING_HUGE | EDDY_RING_PUNCH);
    if (!eddy_ring_plan_make(r->slot_bytes, r->slots, &r->plan))
        error = eddy_fail(EDDY_ETOOBIG, "%u slots of %llu bytes are more than a file can have",
                          o->slots, (unsigned long long)o->slot_bytes);
    if (!error)
        error = make_file(d, r, nonce);
    if (error) {
        eddy_ring_object_drop(r);
        return error;
    }
    EDDY_POINT("ring-create:linked");
    *ring = r;
    return EDDY_OK;
}

/* --- attaching: the ladder ------------------------------------------------------------------- */

static const char *copy_geometry(const char *file, const void *header, uint64_t file_bytes,
                                 void *ring)
{
    const struct eddy_ring_header *h = header;
    struct eddy_ring *r = ring;
    const uint32_t known = EDDY_RING_SPARSE | EDDY_RING_HUGE | EDDY_RING_PUNCH;
    uint64_t bytes = h->file_bytes;
    uint8_t nonce[16];
    r->slot_bytes = h->slot_bytes;
    r->slots = h->slots;
    r->flags = h->flags;
    memcpy(nonce, h->nonce, sizeof nonce);
    const char *wrong = NULL;
    if (r->slots == 0 || r->slots > EDDY_RING_SLOTS_MAX)
        wrong = "number of slots";
    else if (r->slot_bytes == 0 || r->slot_bytes != eddy_ring_slot_bytes(r->slot_bytes) ||
             !eddy_ring_plan_make(r->slot_bytes, r->slots, &r->plan))
        wrong = "size of a slot";
    else if (r->flags & ~known)
        wrong = "set of flags";
    else if (!eddy_nonce_is(nonce, file))
        wrong = "nonce";
    else if (bytes != r->plan.bytes || bytes > file_bytes)
        wrong = "size";
    return wrong;
}

static const struct eddy_ladder ladder = {
    .format = &format, .header_bytes = EDDY_RING_HEADER_BYTES, .copy = copy_geometry};

static int open_file(int dir, enum eddy_use use, struct eddy_ring *r)
{
    char name[64];
    struct eddy_file file = {.dir = dir};
    struct stat status;
    eddy_kind_file(&eddy_ring_kind, r->id, name);
    int error = eddy_file_open(dir, name, use == EDDY_USE_SHARE, &file.fd, &status);
    if (error)
        return error;
    error = eddy_ladder_climb(&ladder, use, file.fd, name, (uint64_t)status.st_size, r);
    /* By its name the second time, too: where there is no /proc, no other way leads to it. */
    snprintf(file.temp, sizeof file.temp, "%.39s", name);
    if (!error)
        error = eddy_ring_file_open(r, &file);
    if (!error)
        error = map_parts(file.fd, r);
    close(file.fd);
    return error;
}

int eddy_ring_object_attach(int dir, const char *id, enum eddy_ring_role role, enum eddy_use use,
                            struct eddy_ring **ring)
{
    struct eddy_ring *r = make_handle(id, role);
    if (!r)
        return eddy_fail(EDDY_ENOMEM, "no memory to attach a ring");
    int error = open_file(dir, use, r);
    if (error) {
        eddy_ring_object_drop(r);
        return error;
    }
    *ring = r;
    return EDDY_OK;
}
