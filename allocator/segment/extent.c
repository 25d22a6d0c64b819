/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/extent.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/segment/ladder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAPACITY_MAX (1ull << 40)

void eddy_extent_name(const struct eddy_segment *s, uint32_t file, char name[EDDY_EXTENT_NAME])
{
    snprintf(name, EDDY_EXTENT_NAME, "%s.x%u", s->id, file);
}

uint32_t eddy_extent_count(const struct eddy_segment *s)
{
    uint32_t n = 0;
    /* Relaxed: what is behind a descriptor is opened by its name, and the kernel has it first. */
    while (n < EDDY_EXTENTS_MAX && eddy_load_relaxed(&s->control->extents[n]) != 0)
        n++;
    return n;
}

uint32_t eddy_extent_slots(const struct eddy_segment *s)
{
    uint32_t slots = 0, extents = eddy_extent_count(s);
    for (uint32_t i = 0; i < extents; i++) /* statistics; read after the count */
        slots += eddy_descriptor_slots(eddy_load_relaxed(&s->control->extents[i]));
    return slots;
}

/* --- adding ---------------------------------------------------------------------------------- */

/* Header and slots, none of which has memory. */
static int fill_extent(const struct eddy_segment *s, uint64_t descriptor, int fd)
{
    struct eddy_extent_shape shape = eddy_extent_shape(descriptor);
    void *at;
    int error = eddy_file_map(fd, 0, shape.head_bytes, true, &at);
    if (error)
        return error;
    struct eddy_extent_header header = {.magic = EDDY_MAGIC_EXTENT,
                                        .version = eddy_version_word(EDDY_TOPIC_LAYOUT),
                                        .descriptor = descriptor};
    memcpy(header.nonce, s->nonce, sizeof header.nonce);
    memcpy(at, &header, sizeof header);
    struct eddy_slot *slots = (void *)((uint8_t *)at + shape.slots_at);
    for (uint32_t i = 0; i < shape.slots; i++)
        eddy_store_relaxed(&slots[i].owner, EDDY_SLOT_ABSENT); /* nobody can look before the link */
    munmap(at, shape.head_bytes);
    return EDDY_OK;
}

int eddy_extent_build(const struct eddy_segment *s, uint64_t descriptor, struct eddy_file *file)
{
    struct eddy_extent_shape shape = eddy_extent_shape(descriptor);
    int error = eddy_file_create(eddy_segment_dir(s), shape.head_bytes + shape.payload_bytes, file);
    if (error)
        return error;
    error = eddy_file_reserve(file->fd, 0, shape.head_bytes, "samples");
    if (!error)
        error = fill_extent(s, descriptor, file->fd);
    if (error)
        eddy_file_drop(file);
    return error;
}

static bool is_sound(uint64_t descriptor, uint64_t file_bytes)
{
    if (eddy_descriptor_slots(descriptor) - 1 >= EDDY_EXTENT_SLOTS ||
        eddy_descriptor_capacity(descriptor) - 1 >= CAPACITY_MAX)
        return false;
    struct eddy_extent_shape shape = eddy_extent_shape(descriptor);
    return shape.slots % shape.block_slots == 0 &&
           shape.head_bytes + shape.payload_bytes <= file_bytes;
}

int eddy_extent_open_file(const struct eddy_segment *s, uint32_t file, int *fd,
                          uint64_t *descriptor)
{
    char name[EDDY_EXTENT_NAME];
    struct stat status;
    struct eddy_extent_header h;
    eddy_extent_name(s, file, name);
    int error = eddy_file_open(eddy_segment_dir(s), name, true, fd, &status);
    if (error)
        return error;
    if (pread(*fd, &h, sizeof h, 0) == sizeof h && h.magic == EDDY_MAGIC_EXTENT &&
        h.version == eddy_version_word(EDDY_TOPIC_LAYOUT) &&
        memcmp(h.nonce, s->nonce, sizeof h.nonce) == 0 &&
        is_sound(h.descriptor, (uint64_t)status.st_size)) {
        *descriptor = h.descriptor;
        return EDDY_OK;
    }
    close(*fd);
    return eddy_fail(EDDY_ESEGMENT,
                     "%s is damaged; stop the programs that use it and run `eddy gc`", name);
}

int eddy_extent_fail_limit(const struct eddy_segment *s, uint64_t room)
{
    return eddy_fail(
        EDDY_ELIMIT,
        "topic \"%.*s\" uses all but %llu of its %llu bytes; release samples, or raise "
        "limit_bytes or EDDY_MAX_BYTES where the topic is created",
        EDDY_SEGMENT_LABEL(s), (unsigned long long)room, (unsigned long long)eddy_segment_limit(s));
}

/* Somebody linked extent i and has not entered it, or died before: enter it for them. */
static int enter_foreign(struct eddy_segment *s, uint32_t i)
{
    int fd;
    uint64_t descriptor, none = 0;
    int error = eddy_extent_open_file(s, i, &fd, &descriptor);
    if (error)
        return error;
    close(fd);
    EDDY_POINT("grow:met");
    eddy_cas_seq(&s->control->extents[i], &none, descriptor); /* [extent], as in link_extent */
    return EDDY_OK;
}

static int link_extent(struct eddy_segment *s, uint32_t i, uint64_t descriptor)
{
    char name[EDDY_EXTENT_NAME];
    struct eddy_file file;
    uint64_t none = 0;
    int error = eddy_extent_build(s, descriptor, &file);
    if (error)
        return eddy_extent_count(s) > i ? EDDY_OK
                                        : error; /* another may have had the last memory */
    eddy_extent_name(s, i, name);
    EDDY_POINT("grow:before-link");
    error = eddy_file_link(&file, name);
    EDDY_POINT("grow:linked");
    if (!error)
        /* seq: who joins looks here after saying so, and who gives a slot memory looks at who has
         * joined after coming here.  What is behind it is opened by its name: the kernel has that. */
        eddy_cas_seq(&s->control->extents[i], &none, descriptor); /* [extent] */
    eddy_file_drop(&file);
    return error == EDDY_EEXIST ? enter_foreign(s, i) : error;
}

int eddy_extent_add(struct eddy_segment *s, uint64_t need, uint64_t room)
{
    EDDY_UNCANCELLED;
    uint32_t extents = eddy_extent_count(s);
    if (extents == EDDY_EXTENTS_MAX)
        return eddy_extent_exchange(s, need, room);
    uint64_t descriptor = eddy_extent_plan(s, need, room);
    return descriptor ? link_extent(s, extents, descriptor) : eddy_extent_fail_limit(s, room);
}

/* --- mapping --------------------------------------------------------------------------------- */

/* A step that comes to every slot and jumps far.  Slots used one after the other must not lie at a
 * small constant distance: the reader's core would foresee the next one and take its lines from the
 * writer that fills it. */
static uint32_t stride_for(uint32_t count)
{
    uint32_t stride = count * 5 / 8 + 1;
    for (;; stride++) {
        uint32_t a = stride, b = count;
        while (b) {
            uint32_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return stride;
    }
}

static void enter(struct eddy_extent *x, void *head, const void *payload,
                  const struct eddy_extent_shape *shape)
{
    uint8_t *at = head;
    x->header = head;
    x->blocks = (void *)(at + sizeof(struct eddy_extent_header));
    x->payload = payload;
    x->capacity = shape->capacity;
    x->count = shape->slots;
    x->block_slots = shape->block_slots;
    x->stride = stride_for(shape->block_slots);
    x->first = (void *)(at + shape->slots_at);
}

/* What is written to is one mapping where there is a writer: it is a third less to look after for the
 * kernel, which has a limit.  What readers are given is always one of its own, read-only.  Payloads are
 * not looked at here: a page that is read gets memory, and they may have none. */
static int map_parts(const struct eddy_segment *s, struct eddy_extent *x, int fd,
                     uint64_t descriptor)
{
    struct eddy_extent_shape shape = eddy_extent_shape(descriptor);
    void *head, *payload;
    x->whole = eddy_load_relaxed(&s->writes); /* else there is one more mapping */
    uint64_t bytes = shape.head_bytes + (x->whole ? shape.payload_bytes : 0);
    int error = eddy_file_map_sparse(fd, 0, bytes, true, &head);
    if (error)
        return error;
    error = eddy_file_map_sparse(fd, shape.head_bytes, shape.payload_bytes, false, &payload);
    if (error) {
        munmap(head, bytes);
        return error;
    }
    eddy_file_populate(head, shape.head_bytes, true);
    if (x->whole) /* relaxed: seen by way of the slots */
        eddy_store_relaxed(&x->writable, (uint8_t *)head + shape.head_bytes);
    enter(x, head, payload, &shape);
    return EDDY_OK;
}

static void drop_columns(struct eddy_extent *x)
{
    free((void *)x->column);
    x->column = NULL;
}

static int map_file(const struct eddy_segment *s, struct eddy_extent *x, uint32_t file)
{
    int fd;
    uint64_t descriptor;
    x->column = calloc(EDDY_SEATS_MAX / 64, sizeof *x->column);
    if (!x->column)
        return eddy_fail(EDDY_ENOMEM, "no memory to map an extent");
    int error = eddy_extent_open_file(s, file, &fd, &descriptor);
    if (!error) {
        error = map_parts(s, x, fd, descriptor);
        close(fd);
    }
    x->file = file;
    if (error)
        drop_columns(x);
    return error;
}

/* One that has the number since another was met here under it.  NULL: not mapped here. */
static struct eddy_extent *find_mapped(struct eddy_segment *s, uint32_t i, uint32_t file)
{
    if (s->extents[i].file == file)
        return &s->extents[i];
    struct eddy_extent *x = s->all_later;
    while (x && x->file != file)
        x = x->next;
    return x;
}

static int map_later(struct eddy_segment *s, uint32_t file, struct eddy_extent **x)
{
    struct eddy_extent *later = calloc(1, sizeof *later);
    if (!later)
        return eddy_fail(EDDY_ENOMEM, "no memory to map an extent");
    int error = map_file(s, later, file);
    if (error) {
        free(later);
        return error;
    }
    later->next = s->all_later;
    s->all_later = later;
    *x = later;
    return EDDY_OK;
}

/* The extent of that file is the one that has the number.  Locked. */
static int map_now(struct eddy_segment *s, uint32_t i, uint32_t file, struct eddy_extent **x)
{
    struct eddy_extent *first = &s->extents[i];
    if (!first->first) {
        int error = map_file(s, first, file);
        if (!error)
            eddy_store_release(&first->slots, first->first); /* [mapped] */
        *x = first;
        return error;
    }
    *x = find_mapped(s, i, file);
    int error = *x ? EDDY_OK : map_later(s, file, x);
    if (!error) {
        eddy_store_release(&s->later[i], *x); /* [mapped] */
        eddy_store_relaxed(&first->slots,
                           NULL); /* who finds them still finds out, as who waits does */
    }
    return error;
}

struct eddy_extent *eddy_extent_known(struct eddy_segment *s, uint32_t i)
{
    struct eddy_extent *x = eddy_load_acquire(&s->later[i]); /* from [mapped] */
    if (x)
        return x;
    return eddy_load_acquire(&s->extents[i].slots) ? &s->extents[i] : NULL; /* from [mapped] */
}

int eddy_extent_map(struct eddy_segment *s, uint32_t i, struct eddy_extent **x)
{
    EDDY_UNCANCELLED;
    if (i >= EDDY_EXTENTS_MAX)
        return eddy_fail(EDDY_ESEGMENT, "a slot of an extent that there is not");
    pthread_mutex_lock(&s->lock);
    /* from [extent]: what had the number before is at rest.  What is behind it is opened by its name. */
    uint32_t file = eddy_extent_file(i, eddy_load_acquire(&s->control->extents[i]));
    struct eddy_extent *known = eddy_extent_known(s, i);
    int error = EDDY_OK;
    if (known && known->file == file)
        *x = known;
    else
        error = map_now(s, i, file, x);
    pthread_mutex_unlock(&s->lock);
    return error;
}

int eddy_extent_map_file(struct eddy_segment *s, uint32_t file, struct eddy_extent **x)
{
    EDDY_UNCANCELLED;
    pthread_mutex_lock(&s->lock);
    *x = find_mapped(s, file % EDDY_EXTENTS_MAX, file);
    int error = *x && (*x)->first ? EDDY_OK : map_later(s, file, x);
    pthread_mutex_unlock(&s->lock);
    return error;
}

int eddy_extent_now(struct eddy_segment *s, uint32_t i, struct eddy_extent **x)
{
    /* acquire, from [extent]: as above. */
    uint32_t file = eddy_extent_file(i, eddy_load_acquire(&s->control->extents[i]));
    *x = eddy_extent_known(s, i);
    return *x && (*x)->file == file ? EDDY_OK : eddy_extent_map(s, i, x);
}

bool eddy_extent_is_open(const struct eddy_segment *s, const struct eddy_extent *x)
{
    uint32_t i = x->file % EDDY_EXTENTS_MAX;
    /* seq, after its slot is ours: who closes it says so, then looks whose the slots are. */
    uint64_t entry = eddy_load_seq(&s->control->extents[i]); /* from [closed] */
    return !(entry & EDDY_EXTENT_CLOSED) && eddy_extent_file(i, entry) == x->file;
}

static uint64_t descriptor_of(const struct eddy_extent *x)
{
    return eddy_extent_descriptor(x->capacity, x->count);
}

int eddy_extent_open(struct eddy_segment *s, const struct eddy_extent *x)
{
    int fd;
    uint64_t descriptor;
    if (eddy_extent_open_file(s, x->file, &fd, &descriptor))
        return -1;
    if (descriptor == descriptor_of(x))
        return fd;
    close(fd);
    return -1;
}

uint8_t *eddy_extent_writable(struct eddy_segment *s, struct eddy_extent *x)
{
    void *at = NULL;
    EDDY_UNCANCELLED;
    pthread_mutex_lock(&s->lock);
    int fd = eddy_load_relaxed(&x->writable) ? -1 : eddy_extent_open(s, x);
    if (fd >= 0) {
        struct eddy_extent_shape shape = eddy_extent_shape(descriptor_of(x));
        if (!eddy_file_map_sparse(fd, shape.head_bytes, shape.payload_bytes, true, &at))
            eddy_store_release(&x->writable, at); /* [mapped] */
        close(fd);
    }
    pthread_mutex_unlock(&s->lock);
    return eddy_load_relaxed(&x->writable); /* set under the lock, which we had */
}

void eddy_extent_unmap(struct eddy_extent *x)
{
    void *writable = eddy_load_relaxed(&x->writable); /* nobody else is left */
    if (!x->first)
        return;
    struct eddy_extent_shape shape = eddy_extent_shape(descriptor_of(x));
    for (uint32_t c = 1; c < EDDY_SEATS_MAX / 64; c++)
        if (eddy_load_relaxed(&x->column[c]))
            munmap((void *)eddy_load_relaxed(&x->column[c]), eddy_page_round(x->count * 8ull));
    drop_columns(x);
    if (writable && !x->whole)
        munmap(writable, shape.payload_bytes);
    munmap((void *)(uintptr_t)x->payload, shape.payload_bytes);
    munmap(x->header, shape.head_bytes + (x->whole ? shape.payload_bytes : 0));
}
