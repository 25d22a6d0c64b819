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

static void extent_file_name(const struct eddy_segment *s, uint32_t i, char name[56])
{
    snprintf(name, 56, "%s.x%u", s->id, i);
}

/* Extent header and slots: pages of their own, since readers may write there and not to the
 * payloads. */
static uint64_t slots_bytes(uint64_t descriptor)
{
    return eddy_page_round(sizeof(struct eddy_extent_header) +
                           eddy_descriptor_slots(descriptor) * sizeof(struct eddy_slot));
}

static uint64_t payload_bytes(uint64_t descriptor)
{
    return eddy_page_round(eddy_descriptor_capacity(descriptor) *
                           eddy_descriptor_slots(descriptor));
}

uint64_t eddy_extent_bytes(uint64_t descriptor)
{
    return slots_bytes(descriptor) + payload_bytes(descriptor);
}

/* Four capacities an octave: at most a quarter is wasted, and sizes that creep up need few extents.
 */
uint64_t eddy_extent_capacity(uint64_t need)
{
    if (need <= 4 * EDDY_LINE)
        return need <= EDDY_LINE ? EDDY_LINE : (need + EDDY_LINE - 1) / EDDY_LINE * EDDY_LINE;
    uint64_t step = 1ull << (61 - __builtin_clzll(need - 1));
    return (need + step - 1) / step * step;
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
    for (uint32_t i = 0; i < extents; i++) /* set once; read after the count */
        slots += eddy_descriptor_slots(eddy_load_relaxed(&s->control->extents[i]));
    return slots;
}

/* --- how much to add ------------------------------------------------------------------------- */

struct growth {
    uint64_t in_use;  /* bytes of all extents */
    uint32_t like_it; /* slots of the wanted capacity */
    uint32_t extents;
};

static struct growth look(const struct eddy_segment *s, uint64_t capacity)
{
    struct growth g = {0};
    g.extents = eddy_extent_count(s);
    for (uint32_t i = 0; i < g.extents; i++) {
        uint64_t d =
            eddy_load_relaxed(&s->control->extents[i]); /* set once; read after the count */
        g.in_use += eddy_extent_bytes(d);
        if (eddy_descriptor_capacity(d) == capacity)
            g.like_it += eddy_descriptor_slots(d);
    }
    return g;
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Begins with 16 KiB of slots (at least 4), then doubles, while that stays below 4 MiB; large ones
 * come singly. */
static uint32_t slots_to_add(uint64_t capacity, uint32_t have)
{
    uint64_t first = clamp(65536 / capacity,
                           capacity >= (32u << 20) ? 1
                           : capacity > (4u << 20) ? 2
                                                   : 4,
                           255);
    uint64_t more = clamp((4u << 20) / capacity, first, EDDY_EXTENT_SLOTS - 1);
    uint64_t count = have == 0 ? first : clamp(have, first, more);
    /* With the header, whole pages of slots. */
    return (uint32_t)(count >= 63 ? ((count + 1) / 64 * 64 - 1) : count);
}

static uint64_t choose_descriptor(const struct eddy_segment *s, uint64_t need,
                                  const struct growth *g)
{
    uint64_t capacity = eddy_extent_capacity(need);
    uint32_t count = slots_to_add(capacity, g->like_it);
    uint64_t limit = eddy_segment_limit(s), room = limit > g->in_use ? limit - g->in_use : 0;
    while (count > 1 && eddy_extent_bytes(eddy_extent_descriptor(capacity, count)) > room)
        count /= 2;
    uint64_t d = eddy_extent_descriptor(capacity, count);
    return eddy_extent_bytes(d) <= room ? d : 0;
}

/* --- adding ---------------------------------------------------------------------------------- */

static int build_extent(const struct eddy_segment *s, uint64_t descriptor, struct eddy_file *file)
{
    uint64_t bytes = eddy_extent_bytes(descriptor);
    int error = eddy_file_create(eddy_segment_dir(s), bytes, file);
    if (error)
        return error;
    struct eddy_extent_header header = {.magic = EDDY_MAGIC_EXTENT,
                                        .version = eddy_version_word(EDDY_TOPIC_LAYOUT),
                                        .descriptor = descriptor};
    memcpy(header.nonce, s->nonce, sizeof header.nonce);
    error = eddy_file_reserve(file->fd, 0, bytes, "samples");
    if (!error && pwrite(file->fd, &header, sizeof header, 0) != sizeof header)
        error = eddy_fail_errno("cannot write an extent");
    if (error)
        eddy_file_drop(file);
    return error;
}

/* Opens the file of extent i and believes it only as far as it fits. */
static int open_extent(const struct eddy_segment *s, uint32_t i, int *fd, uint64_t *descriptor)
{
    char name[56];
    struct stat status;
    struct eddy_extent_header h;
    extent_file_name(s, i, name);
    int error = eddy_file_open(eddy_segment_dir(s), name, true, fd, &status);
    if (error)
        return error;
    if (pread(*fd, &h, sizeof h, 0) == sizeof h && h.magic == EDDY_MAGIC_EXTENT &&
        h.version == eddy_version_word(EDDY_TOPIC_LAYOUT) &&
        memcmp(h.nonce, s->nonce, sizeof h.nonce) == 0 &&
        eddy_descriptor_slots(h.descriptor) - 1 < EDDY_EXTENT_SLOTS &&
        eddy_descriptor_capacity(h.descriptor) - 1 < CAPACITY_MAX &&
        eddy_extent_bytes(h.descriptor) <= (uint64_t)status.st_size) {
        *descriptor = h.descriptor;
        return EDDY_OK;
    }
    close(*fd);
    return eddy_fail(EDDY_ESEGMENT,
                     "%s is damaged; stop the programs that use it and run `eddy gc`", name);
}

/* Somebody linked extent i and has not entered it, or died before: enter it for them. */
static int enter_foreign(struct eddy_segment *s, uint32_t i)
{
    int fd;
    uint64_t descriptor, none = 0;
    int error = open_extent(s, i, &fd, &descriptor);
    if (error)
        return error;
    close(fd);
    EDDY_POINT("grow:met");
    eddy_cas_relaxed(&s->control->extents[i], &none, descriptor); /* as in link_extent */
    return EDDY_OK;
}

static int link_extent(struct eddy_segment *s, uint32_t i, uint64_t descriptor)
{
    char name[56];
    struct eddy_file file;
    uint64_t none = 0;
    int error = build_extent(s, descriptor, &file);
    if (error)
        return eddy_extent_count(s) > i ? EDDY_OK
                                        : error; /* another may have had the last memory */
    extent_file_name(s, i, name);
    EDDY_POINT("grow:before-link");
    error = eddy_file_link(&file, name);
    EDDY_POINT("grow:linked");
    if (!error)
        /* Relaxed: who opens the file by its name has it from the kernel. */
        eddy_cas_relaxed(&s->control->extents[i], &none, descriptor);
    eddy_file_drop(&file);
    return error == EDDY_EEXIST ? enter_foreign(s, i) : error;
}

int eddy_extent_add(struct eddy_segment *s, uint64_t need)
{
    EDDY_UNCANCELLED;
    if (need > CAPACITY_MAX || need > eddy_segment_limit(s))
        return eddy_fail(
            EDDY_ETOOBIG,
            "%llu bytes are more than the limit of topic \"%.*s\", %llu; raise limit_bytes, "
            "or EDDY_MAX_BYTES where the topic is created",
            (unsigned long long)need, EDDY_SEGMENT_LABEL(s),
            (unsigned long long)eddy_segment_limit(s));
    struct growth g = look(s, eddy_extent_capacity(need));
    if (g.extents == EDDY_EXTENTS_MAX)
        return eddy_fail(EDDY_ELIMIT, "topic \"%.*s\" has all of its %u extents",
                         EDDY_SEGMENT_LABEL(s), EDDY_EXTENTS_MAX);
    uint64_t descriptor = choose_descriptor(s, need, &g);
    if (!descriptor)
        return eddy_fail(
            EDDY_ELIMIT,
            "topic \"%.*s\" uses %llu of at most %llu bytes; release samples, or raise "
            "limit_bytes, or EDDY_MAX_BYTES where the topic is created",
            EDDY_SEGMENT_LABEL(s), (unsigned long long)g.in_use,
            (unsigned long long)eddy_segment_limit(s));
    return link_extent(s, g.extents, descriptor);
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

/* What is written to is one mapping where there is a writer: it is a third less to look after for the
 * kernel, which has a limit.  What readers are given is always one of its own, read-only. */
static int map_parts(struct eddy_segment *s, uint32_t i, int fd, uint64_t descriptor)
{
    struct eddy_extent *x = &s->extents[i];
    void *slots, *payload;
    uint64_t head = slots_bytes(descriptor), rest = payload_bytes(descriptor);
    x->whole = eddy_load_relaxed(&s->writes); /* else there is one more mapping */
    uint64_t bytes = x->whole ? head + rest : head;
    int error = eddy_file_map(fd, 0, bytes, true, &slots);
    if (error)
        return error;
    error = eddy_file_map(fd, head, rest, false, &payload);
    if (error) {
        munmap(slots, bytes);
        return error;
    }
    eddy_file_populate(slots, bytes, true);
    eddy_file_populate(payload, rest, false);
    x->header = slots;
    x->payload = payload;
    if (x->whole)
        eddy_store_relaxed(&x->writable, (uint8_t *)slots + head); /* seen by way of the slots */
    x->capacity = eddy_descriptor_capacity(descriptor);
    x->count = eddy_descriptor_slots(descriptor);
    x->stride = stride_for(x->count);
    /* [mapped] */
    eddy_store_release(&x->slots,
                       (struct eddy_slot *)((uint8_t *)slots + sizeof(struct eddy_extent_header)));
    return EDDY_OK;
}

int eddy_extent_map(struct eddy_segment *s, uint32_t i)
{
    EDDY_UNCANCELLED;
    int fd;
    uint64_t descriptor;
    int error = EDDY_OK;
    if (i >= EDDY_EXTENTS_MAX)
        return eddy_fail(EDDY_ESEGMENT, "a slot of an extent that there is not");
    pthread_mutex_lock(&s->lock);
    if (!eddy_load_relaxed(&s->extents[i].slots)) { /* set under the lock */
        error = open_extent(s, i, &fd, &descriptor);
        if (!error) {
            error = map_parts(s, i, fd, descriptor);
            close(fd);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return error;
}

static uint64_t descriptor_of(const struct eddy_extent *x)
{
    return eddy_extent_descriptor(x->capacity, x->count);
}

uint8_t *eddy_extent_writable(struct eddy_segment *s, uint32_t i)
{
    struct eddy_extent *x = &s->extents[i];
    int fd;
    uint64_t d;
    void *at = NULL;
    EDDY_UNCANCELLED;
    pthread_mutex_lock(&s->lock);
    if (!eddy_load_relaxed(&x->writable) && open_extent(s, i, &fd, &d) == EDDY_OK) {
        if (d == descriptor_of(x) &&
            !eddy_file_map(fd, slots_bytes(d), payload_bytes(d), true, &at))
            eddy_file_populate(at, payload_bytes(d), true);
        eddy_store_release(&x->writable, at); /* [mapped] */
        close(fd);
    }
    pthread_mutex_unlock(&s->lock);
    return eddy_load_relaxed(&x->writable); /* set under the lock, which we had */
}

void eddy_extent_unmap(struct eddy_extent *x)
{
    void *writable = eddy_load_relaxed(&x->writable); /* nobody else is left */
    if (!eddy_load_relaxed(&x->slots))
        return;
    uint64_t d = descriptor_of(x);
    for (uint32_t c = 1; c < EDDY_SEATS_MAX / 64; c++)
        if (eddy_load_relaxed(&x->column[c]))
            munmap((void *)eddy_load_relaxed(&x->column[c]), eddy_page_round(x->count * 8ull));
    if (writable && !x->whole)
        munmap(writable, payload_bytes(d));
    munmap((void *)(uintptr_t)x->payload, payload_bytes(d));
    munmap(x->header, slots_bytes(d) + (x->whole ? payload_bytes(d) : 0));
}
