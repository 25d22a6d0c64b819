/* A writer that goes on for another: it publishes again what that one keeps for late readers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/topic/sample.h"
#include "transport/topic/writer.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    uint64_t sn;
    struct eddy_place place;
    const uint8_t *key;
};

struct list {
    struct eddy_writer *from;
    struct kept *kept;
    size_t count;
};

static void add(void *context, const struct eddy_kind_kept *kind, uint32_t id)
{
    struct list *list = context;
    struct kept *one = &list->kept[list->count];
    if (eddy_slot_find(list->from->segment, id, &one->place) == EDDY_OK) {
        one->sn = eddy_load_relaxed(&one->place.slot->sn); /* our own: nobody claims it */
        one->key = kind->key;
        list->count++;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return (x->sn > y->sn) - (x->sn < y->sn);
}

static int publish_again(struct eddy_writer *w, struct eddy_writer *from, const struct kept *kept,
                         uint64_t deadline)
{
    const struct eddy_place *p = &kept->place;
    /* Relaxed: our own, and constant while we keep it; checked all the same. */
    uint64_t size = eddy_load_relaxed(&p->slot->size), capacity = p->extent->capacity;
    uint64_t offset = eddy_load_relaxed(&p->slot->data_offset);
    uint64_t header = eddy_slot_header(p->slot), header_room = eddy_header_room(header);
    uint32_t with = eddy_with_of(eddy_load_relaxed(&p->slot->header_size));
    const uint8_t *payload = eddy_writer_payload(from, p);
    if (!payload || offset > capacity || size > capacity - offset ||
        header_room + eddy_with_room(with) > offset)
        return eddy_fail(EDDY_ESEGMENT, "a sample that is kept cannot be read any more");
    uint64_t alignment = offset & -offset;
    struct eddy_loan_options plan = {
        .size = size,
        .alignment = alignment < 8 || alignment > EDDY_LINE ? EDDY_LINE : alignment,
        .header_size = header,
        .with = with & ~EDDY_WITH_KEY}; /* that is w's own choice */
    struct eddy_sample read = {0};
    eddy_sample_fill_with(payload + offset - header_room, with, &read);
    struct eddy_publication what = {.word = read.word, .time = read.time};
    struct eddy_loan loan;
    int error = eddy_writer_loan_with(w, &plan, deadline, &loan);
    if (error)
        return error;
    memcpy(what.key, kept->key, sizeof what.key);
    if (header)
        memcpy(loan.header, payload + offset - header_room, header);
    memcpy(loan.data, payload + offset, size);
    error = eddy_writer_publish_with(w, &loan, size, &what, deadline);
    if (error)
        eddy_writer_discard(w, &loan);
    return error;
}

int eddy_writer_inherit(eddy_writer *w, eddy_writer *from, uint64_t deadline)
{
    EDDY_UNCANCELLED;
    if (w->fork_count != eddy_fork_count || from->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    struct list list = {.from = from, .kept = calloc(from->keep.total + 1u, sizeof *list.kept)};
    if (!list.kept)
        return eddy_fail(EDDY_ENOMEM, "no memory to go through a history of %u samples",
                         from->keep.total);
    eddy_keep_each(&from->keep, add, &list);
    qsort(list.kept, list.count, sizeof *list.kept, by_number);
    int error = EDDY_OK;
    for (size_t i = 0; i < list.count && !error; i++)
        error = publish_again(w, from, &list.kept[i], deadline);
    free(list.kept);
    return error;
}
