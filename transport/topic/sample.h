/* sample.h - what a sample is made of, as its slot says.  (internal)
 *                                                      spec/layout.md, "With each sample"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SAMPLE_H
#define EDDY_SAMPLE_H

#include "transport/topic/reader.h"
#include "transport/topic/with.h"

/* What lies in front of the user header, from `front` towards lower addresses. */
void eddy_sample_fill_with(const uint8_t *front, uint32_t with, struct eddy_sample *sample);

int eddy_sample_refuse(const struct eddy_reader *reader, uint64_t sn);

/* Reads it, and checks it.  `sn` as in the log.  EDDY_ESEGMENT. */
static inline int eddy_sample_fill(const struct eddy_reader *r, const struct eddy_place *p,
                                   uint64_t sn, struct eddy_sample *out)
{
    const struct eddy_slot *s = p->slot;
    /* Relaxed: published before the entry that led here, and constant while we hold the slot. */
    uint64_t size = eddy_load_relaxed(&s->size), capacity = p->extent->capacity;
    uint64_t offset = eddy_load_relaxed(&s->data_offset);
    uint32_t parts = eddy_load_relaxed(&s->header_size);
    uint32_t with = eddy_with_of(parts);
    uint64_t header = parts & EDDY_HEADER_MAX, header_room = eddy_header_room(header);
    uint64_t front = header_room + (__builtin_expect(with != 0, 0) ? eddy_with_room(with) : 0);
    if (offset > capacity || size > capacity - offset || front > offset)
        return eddy_sample_refuse(r, sn);
    const uint8_t *data = p->extent->payload + capacity * p->index + offset;
    out->data = data;
    out->size = size;
    out->header = header ? data - header_room : NULL;
    out->header_size = header;
    out->sn = sn - r->segment->first_sn + 1;
    out->source = eddy_load_relaxed(&s->source);
    out->writer = eddy_load_relaxed(&s->writer);
    out->tag = eddy_load_relaxed(&s->flags);
    out->slot = eddy_slot_id(p->extent_index, p->index);
    out->ticket = eddy_load_relaxed(&s->ticket) ^ r->mark;
    out->with = with;
    out->key = NULL;
    out->word = out->time = 0;
    if (__builtin_expect(with != 0, 0))
        eddy_sample_fill_with(data - header_room, with, out);
    return EDDY_OK;
}

#endif
