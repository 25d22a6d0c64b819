/* Memory ahead of need, and back after it.  spec/topics.md, "Memory"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/segment/logs.h"
#include "allocator/segment/room.h"
#include "allocator/sized.h"
#include "transport/topic/gate.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

#include <eddy/memory.h>
#include <string.h>
#include <sys/mman.h>

/* --- trimming -------------------------------------------------------------------------------- */

int eddy_topic_trim(eddy_domain *d, const char *flink, uint64_t *bytes)
{
    EDDY_UNCANCELLED;
    if (!d || !flink || !*flink)
        return eddy_fail(EDDY_EINVAL, "eddy_topic_trim: no domain or no flink");
    const char *slash = strrchr(flink, '/');
    struct eddy_topic_request request = {.file = slash ? slash + 1 : flink,
                                         .role = EDDY_ROLE_WRITER};
    struct eddy_topic *topic;
    uint32_t seat;
    int error = eddy_topic_open(d, &request, &topic, &seat);
    if (error)
        return error;
    struct eddy_segment *s = topic->segment;
    eddy_gate_recompute(s);
    struct eddy_spared spared = {0};
    const struct eddy_limit limit = eddy_limit_make(s, &spared, eddy_claim_limit(s, 0));
    uint64_t gone = eddy_blocks_trim(s, seat + 1, &limit, UINT64_MAX, 0);
    if (bytes)
        *bytes = gone;
    eddy_topic_close(topic, EDDY_ROLE_WRITER, seat); /* rings for whoever waits for memory */
    return EDDY_OK;
}

/* --- touching -------------------------------------------------------------------------------- */

static int touch(const void *at, uint64_t bytes, bool writable, uint32_t flags)
{
    if (!eddy_file_touch((void *)(uintptr_t)at, bytes, writable))
        return eddy_fail(EDDY_ENOMEM, "cannot bring %llu bytes of shared memory into this process",
                         (unsigned long long)bytes);
    if ((flags & EDDY_MEMORY_LOCKED) && mlock(at, bytes) != 0)
        return eddy_fail(EDDY_ENOMEM, "cannot lock %llu bytes of shared memory; raise `ulimit -l`",
                         (unsigned long long)bytes);
    return EDDY_OK;
}

/* What of an extent is reserved.  payload: as this process has it mapped. */
static int touch_extent(const struct eddy_extent *x, const uint8_t *payload, bool writable,
                        uint32_t flags)
{
    uint32_t blocks = x->count / x->block_slots;
    uint64_t bytes = eddy_page_round(x->capacity * x->block_slots);
    uint8_t *head = (uint8_t *)x->header;
    uint64_t head_bytes = eddy_page_round((uint64_t)((uint8_t *)(x->first + x->count) - head));
    int error = touch(head, head_bytes, true, flags);
    for (uint32_t b = 0; b < blocks && !error; b++)
        if (eddy_block_is_reserved(x, b)) /* for good */
            error = touch(payload + b * bytes, bytes, writable, flags);
    return error;
}

static bool has_reserved(const struct eddy_extent *x)
{
    uint32_t blocks = x->count / x->block_slots, b = 0;
    while (b < blocks && !eddy_block_is_reserved(x, b))
        b++;
    return b < blocks;
}

/* Whole pages. */
static int touch_range(const void *from, uint64_t bytes, uint32_t flags)
{
    uintptr_t page = eddy_page_round(1), begin = (uintptr_t)from / page * page;
    uint64_t whole = eddy_page_round((uintptr_t)from + bytes - begin);
    return touch((const void *)begin, whole, true, flags);
}

/* The control part that everybody uses, with the log, and our seat. */
static int touch_control(struct eddy_segment *s, const void *seat, uint32_t flags)
{
    const struct eddy_log *log = eddy_logs_follow(s);
    int error = log ? touch_range(s->control, EDDY_CONTROL_BYTES, flags) : EDDY_ENOMEM;
    if (!error)
        error = touch_range(log->entries, (log->mask + 1ull) * sizeof *log->entries, flags);
    return error ? error : touch_range(seat, EDDY_LINE, flags);
}

/* That, and what is reserved. */
static int touch_all(struct eddy_segment *s, bool writer, const void *seat, uint32_t flags)
{
    int error = touch_control(s, seat, flags);
    uint32_t extents = eddy_extent_count(s);
    for (uint32_t i = 0; i < extents && !error; i++) {
        struct eddy_place p;
        error = eddy_slot_first(s, i, &p);
        if (error == EDDY_ESEGMENT)
            error = EDDY_OK; /* damaged: nobody uses it */
        else if (!error && has_reserved(p.extent)) {
            const uint8_t *payload = writer ? eddy_extent_writable(s, p.extent) : p.extent->payload;
            error = payload ? touch_extent(p.extent, payload, writer, flags) : EDDY_ENOMEM;
        }
    }
    return error;
}

int eddy_reader_prefault(eddy_reader *r, uint32_t flags)
{
    EDDY_UNCANCELLED;
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (flags & ~EDDY_MEMORY_LOCKED)
        return eddy_fail(EDDY_EINVAL, "eddy_reader_prefault: unknown flags 0x%x", flags);
    return touch_all(r->segment, false, r->seat, flags);
}

/* --- reserving ------------------------------------------------------------------------------- */

/* Reserved slots that suit. */
static uint64_t count_reserved(struct eddy_segment *s, uint64_t need)
{
    uint64_t slots = 0;
    uint32_t extents = eddy_extent_count(s);
    for (uint32_t i = 0; i < extents; i++) {
        struct eddy_place p;
        if (eddy_slot_first(s, i, &p) || !eddy_extent_suits(p.extent, need))
            continue;
        for (uint32_t b = 0; b < p.extent->count / p.extent->block_slots; b++)
            slots += eddy_block_is_reserved(p.extent, b) ? p.extent->block_slots : 0;
    }
    return slots;
}

/* A slot of a block that is there and not reserved yet. */
static bool claim_unreserved(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    struct eddy_segment *s = w->segment;
    const struct eddy_limit limit = eddy_limit_make(s, &w->spared, eddy_claim_limit(s, need));
    uint32_t extents = eddy_extent_count(s);
    for (uint32_t i = 0; i < extents; i++) {
        if (eddy_slot_first(s, i, p) || !eddy_extent_suits(p->extent, need))
            continue;
        for (; p->index < p->extent->count; p->index++, p->slot++)
            if (!eddy_block_is_reserved(p->extent, p->index / p->extent->block_slots) &&
                eddy_slot_claim(s, p, w->me, &limit))
                return true;
    }
    return false;
}

static int reserve_more(struct eddy_writer *w, uint64_t need, uint64_t *slots)
{
    struct eddy_place p;
    int error = EDDY_OK;
    if (!claim_unreserved(w, need, &p))
        error = eddy_writer_grow(w, need, &p);
    if (error)
        return error;
    eddy_block_reserve(&p);
    eddy_slot_give_up(p.slot);
    *slots += p.extent->block_slots;
    return EDDY_OK;
}

int eddy_writer_reserve_sized(eddy_writer *w, const struct eddy_reservation *reservation,
                              size_t reservation_size)
{
    EDDY_UNCANCELLED;
    struct eddy_reservation r;
    uint64_t need;
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    int error = EDDY_SIZED(eddy_reservation, r, reservation, reservation_size);
    if (!error && (r.count == 0 || (r.flags & ~EDDY_MEMORY_LOCKED)))
        error = eddy_fail(EDDY_EINVAL, "a reservation of nothing, or unknown flags %#x", r.flags);
    if (error)
        return error;
    const struct eddy_loan_options like = {.size = r.size,
                                           .alignment = r.alignment,
                                           .header_size = r.header_size,
                                           .header_alignment = r.header_alignment};
    error = eddy_writer_need(w, &like, &need);
    eddy_gate_recompute(w->segment);
    for (uint64_t slots = error ? r.count : count_reserved(w->segment, need);
         slots < r.count && !error;)
        error = reserve_more(w, need, &slots);
    eddy_room_tell(w->segment->control); /* what came with it is anybody's */
    return error ? error : touch_all(w->segment, true, w->seat, r.flags);
}
