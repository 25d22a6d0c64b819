/* The file of a slots segment: making it, the ladder that attaches it, its end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/segment/ladder.h"
#include "transport/slots/slots.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOG_MIN 64u

uint32_t eddy_slots_log_length(uint64_t slot_count)
{
    uint32_t length = LOG_MIN;
    while (length < 2 * slot_count)
        length *= 2;
    return length;
}

static uint64_t round_to_line(uint64_t bytes)
{
    return (bytes + EDDY_LINE - 1) / EDDY_LINE * EDDY_LINE;
}

void eddy_slots_plan_make(uint64_t slot_count, uint64_t capacity, uint32_t reader_limit,
                          struct eddy_slots_plan *p)
{
    p->words = (reader_limit + 63) / 64;
    p->stride = round_to_line(capacity ? capacity : 1); /* so that each slot has an address */
    p->members = EDDY_SLOTS_HEADER_BYTES;
    p->readers = p->members + EDDY_SLOTS_MEMBERS * 8;
    p->log = p->readers + round_to_line(reader_limit * 8ull);
    p->lines = p->log + eddy_slots_log_length(slot_count) * 8ull;
    p->columns = p->lines + slot_count * sizeof(struct eddy_slots_line);
    p->payload = eddy_page_round(p->columns +
                                 slot_count * (p->words - 1) * sizeof(struct eddy_slots_column));
    p->bytes = p->payload + eddy_page_round(slot_count * p->stride);
}

static const struct eddy_format format = {
    .what = "a slots segment",
    .magic = EDDY_MAGIC_SLOTS,
    .layout = EDDY_SLOTS_LAYOUT,
    .known = {EDDY_TRIAL_INCOMPATIBLE, EDDY_TRIAL_LOOK_ONLY, EDDY_TRIAL_COMPATIBLE},
    .used = {EDDY_TRIAL_INCOMPATIBLE, EDDY_TRIAL_LOOK_ONLY, EDDY_TRIAL_COMPATIBLE}};

/* --- creating -------------------------------------------------------------------------------- */

static void fill_header(struct eddy_slots_header *h, const struct eddy_slots_options *o,
                        const struct eddy_slots_plan *plan, const uint8_t nonce[16])
{
    eddy_format_fill(&format, &h->head);
    h->file_bytes = plan->bytes;
    h->capacity = o->slot_capacity;
    h->slot_count = (uint32_t)o->slot_count;
    h->reader_limit = o->readers;
    h->log_length = eddy_slots_log_length(o->slot_count);
    memcpy(h->nonce, nonce, sizeof h->nonce);
    memcpy(h->type_hash, o->type_hash, sizeof h->type_hash);
    /* Lap 0 is what a zeroed log holds.  Relaxed: nobody sees it before it is linked. */
    eddy_store_relaxed(&h->next_sn, h->log_length);
}

/* The creator has seat 0 before others can see the file, so it is never without a living member. */
static int fill_file(int fd, uint64_t creator, const struct eddy_slots_options *o,
                     const struct eddy_slots_plan *plan, const uint8_t nonce[16])
{
    void *at;
    int error = eddy_file_reserve(fd, 0, plan->bytes, "a slots segment");
    if (!error)
        error = eddy_file_map(fd, 0, plan->readers, true, &at);
    if (error)
        return error;
    struct eddy_slots_header *h = at;
    fill_header(h, o, plan, nonce);
    h->creator = creator;
    eddy_store_relaxed((_Atomic uint64_t *)(void *)((uint8_t *)at + plan->members), creator);
    /* Relaxed: nobody can look before the link. */
    eddy_store_relaxed(&h->head.magic, EDDY_MAGIC_SLOTS);
    munmap(at, plan->readers);
    return EDDY_OK;
}

/* What cannot fit is not begun: reserving it would starve all others until it fails. */
static int check_room(int dir, uint64_t bytes)
{
    struct statvfs room;
    if (fstatvfs(dir, &room) != 0 || bytes / room.f_frsize < room.f_bavail)
        return EDDY_OK;
    return eddy_fail(
        EDDY_ENOMEM,
        "a slots segment of %llu bytes, where there is room for %llu; ask for fewer or "
        "smaller slots, or free some shared memory",
        (unsigned long long)bytes, (unsigned long long)room.f_bavail * room.f_frsize);
}

int eddy_slots_object_create(struct eddy_domain *d, const struct eddy_slots_options *o,
                             struct eddy_slots **slots)
{
    uint8_t nonce[16];
    char id[EDDY_NONCE_TEXT], name[64];
    struct eddy_file file;
    struct eddy_slots_plan plan;
    eddy_slots_plan_make(o->slot_count, o->slot_capacity, o->readers, &plan);
    int error = check_room(eddy_domain_folder(d), plan.bytes);
    if (!error)
        error = eddy_nonce_make(nonce, id);
    if (!error)
        error = eddy_file_create(eddy_domain_folder(d), plan.bytes, &file);
    if (error)
        return error;
    eddy_kind_file(&eddy_slots_kind, id, name);
    error = fill_file(file.fd, d->id, o, &plan, nonce);
    if (!error)
        error = eddy_file_link(&file, name);
    eddy_file_drop(&file);
    if (error)
        return error;
    EDDY_POINT("slots-create:linked");
    error = eddy_slots_object_attach(d, id, EDDY_USE_SHARE, slots);
    if (error)
        eddy_kind_remove(&eddy_slots_kind, eddy_domain_folder(d), NULL, id);
    return error;
}

/* --- attaching: the ladder ------------------------------------------------------------------- */

static const char *copy_geometry(const char *file, const void *header, uint64_t file_bytes,
                                 void *slots)
{
    const struct eddy_slots_header *h = header;
    struct eddy_slots *s = slots;
    uint64_t bytes = h->file_bytes;
    uint32_t log_length = h->log_length;
    uint8_t nonce[16];
    s->capacity = h->capacity;
    s->slot_count = h->slot_count;
    s->reader_limit = h->reader_limit;
    memcpy(s->type_hash, h->type_hash, sizeof s->type_hash);
    memcpy(nonce, h->nonce, sizeof nonce);
    memcpy(&s->tag, nonce, sizeof s->tag);
    const char *wrong = NULL;
    if (s->slot_count == 0 || s->slot_count > EDDY_SLOTS_MAX)
        wrong = "number of slots";
    else if (s->capacity > EDDY_SLOTS_CAPACITY_MAX)
        wrong = "capacity";
    else if (s->reader_limit == 0 || s->reader_limit > EDDY_SLOTS_READERS_MAX)
        wrong = "number of readers";
    else if (log_length != eddy_slots_log_length(s->slot_count))
        wrong = "log length";
    else if (!eddy_nonce_is(nonce, file))
        wrong = "nonce";
    if (!wrong) {
        eddy_slots_plan_make(s->slot_count, s->capacity, s->reader_limit, &s->plan);
        if (bytes != s->plan.bytes || bytes > file_bytes)
            wrong = "size";
    }
    s->first_sn = log_length;
    return wrong;
}

static void place_parts(struct eddy_slots *s, uint8_t *base)
{
    s->header = (void *)base;
    s->members = (void *)(base + s->plan.members);
    s->readers = (void *)(base + s->plan.readers);
    s->lines = (void *)(base + s->plan.lines);
    s->columns = (void *)(base + s->plan.columns);
    s->log.entries = (void *)(base + s->plan.log);
    s->log.next_sn = &s->header->next_sn;
    s->log.mask = (uint32_t)s->first_sn - 1;
    s->log.shift = (uint32_t)__builtin_ctz((uint32_t)s->first_sn);
}

static const struct eddy_ladder ladder = {
    .format = &format, .header_bytes = EDDY_SLOTS_HEADER_BYTES, .copy = copy_geometry};

static int map_parts(int fd, enum eddy_use use, struct eddy_slots *s)
{
    void *control, *payload;
    int error = eddy_file_map(fd, 0, s->plan.payload, use == EDDY_USE_SHARE, &control);
    if (error)
        return error;
    error = eddy_file_map(fd, s->plan.payload, s->plan.bytes - s->plan.payload, false, &payload);
    if (error) {
        munmap(control, s->plan.payload);
        return error;
    }
    place_parts(s, control);
    s->payload = payload;
    return EDDY_OK;
}

static int map_object(int dir, const char *id, enum eddy_use use, struct eddy_slots *s)
{
    char file[64];
    int fd;
    struct stat status;
    eddy_kind_file(&eddy_slots_kind, id, file);
    int error = eddy_file_open(dir, file, use == EDDY_USE_SHARE, &fd, &status);
    if (error)
        return error;
    error = eddy_ladder_climb(&ladder, use, fd, file, (uint64_t)status.st_size, s);
    if (!error) {
        s->cursors = calloc(s->reader_limit, sizeof *s->cursors);
        error =
            s->cursors ? map_parts(fd, use, s) : eddy_fail(EDDY_ENOMEM, "no memory for readers");
    }
    close(fd);
    return error;
}

int eddy_slots_object_attach(struct eddy_domain *d, const char *id, enum eddy_use use,
                             struct eddy_slots **slots)
{
    struct eddy_slots *s = calloc(1, sizeof *s);
    if (!s)
        return eddy_fail(EDDY_ENOMEM, "no memory to attach a slots segment");
    int error = map_object(eddy_domain_folder(d), id, use, s);
    if (error) {
        free(s->cursors);
        free(s);
        return error;
    }
    snprintf(s->id, sizeof s->id, "%.32s", id);
    s->domain = d;
    eddy_spin_init(&s->spin, d->spin_ns);
    eddy_spin_init(&s->room_spin, d->spin_ns);
    s->fork_count = eddy_fork_enter();
    pthread_mutex_init(&s->lock, NULL);
    *slots = s;
    return EDDY_OK;
}

int eddy_slots_make_writable(struct eddy_slots *s)
{
    EDDY_UNCANCELLED;
    int error = EDDY_OK;
    pthread_mutex_lock(&s->lock);
    if (!eddy_load_relaxed(&s->writable)) { /* under the lock */
        if (mprotect(s->payload, s->plan.bytes - s->plan.payload, PROT_READ | PROT_WRITE) != 0)
            error = eddy_fail_errno("cannot write to the slots of %s", s->id);
        else
            eddy_store_relaxed(&s->writable, true); /* what it tells of is the kernel's */
    }
    pthread_mutex_unlock(&s->lock);
    return error;
}

/* --- the end --------------------------------------------------------------------------------- */

void eddy_slots_object_detach(struct eddy_slots *s)
{
    munmap(s->payload, s->plan.bytes - s->plan.payload);
    munmap(s->header, s->plan.payload);
    pthread_mutex_destroy(&s->lock);
    free(s->cursors);
    free(s->file);
    free(s->flink);
    free(s->object);
    free(s);
}
