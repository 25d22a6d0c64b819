/* Looking at a slots segment, and clearing it away when nobody uses it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/slots/slots.h"

#include <stdio.h>
#include <string.h>

int eddy_slots_describe(const eddy_slots *s, struct eddy_slots_info *report)
{
    EDDY_UNCANCELLED;
    if (eddy_slots_forked(s))
        return eddy_fail_forked();
    struct eddy_slots_info sum = {
        .published = eddy_log_seen(&s->log) - s->first_sn,
        .slot_capacity = s->capacity,
        .slot_bytes = s->plan.stride + sizeof(struct eddy_slots_line),
        .shared_bytes = eddy_kind_bytes(&eddy_slots_kind, eddy_domain_folder(s->domain), s->id),
        .slot_count = s->slot_count,
        .reader_limit = s->reader_limit};
    /* Relaxed: counts are old as soon as they are made. */
    for (uint32_t i = 0; i < s->reader_limit; i++)
        sum.readers += eddy_load_relaxed(&s->readers[i]) != 0;
    for (uint32_t i = 0; i < EDDY_SLOTS_MEMBERS; i++)
        sum.attached += eddy_load_relaxed(&s->members[i]) != 0;
    *report = sum;
    return EDDY_OK;
}

const char *eddy_slots_flink(const eddy_slots *s)
{
    return s->flink;
}

const char *eddy_slots_object(const eddy_slots *s)
{
    return s->object;
}

int eddy_slots_locator(const eddy_slots *s, struct eddy_locator *locator)
{
    struct eddy_host host;
    if (eddy_slots_forked(s))
        return eddy_fail_forked();
    if (strlen(s->flink) > EDDY_LOCATOR_PATH_MAX)
        return eddy_fail(EDDY_ETOOBIG,
                         "the path %.40s... has more than %u bytes, the most that a "
                         "locator carries",
                         s->flink, EDDY_LOCATOR_PATH_MAX);
    int error = eddy_host_identity(s->domain->dir, &host);
    if (error)
        return error;
    memset(locator, 0, sizeof *locator);
    locator->host_hash = host.hash;
    locator->uid = host.uid;
    locator->slot_count = s->slot_count;
    locator->slot_size = (uint32_t)s->plan.stride;
    snprintf(locator->path, sizeof locator->path, "%s", s->flink);
    return EDDY_OK;
}

static int check_slot(const struct eddy_slots *s, uint32_t slot)
{
    if (eddy_slots_forked(s))
        return eddy_fail_forked();
    if (slot >= s->slot_count)
        return eddy_fail(EDDY_EBOUNDS, "slot %u of a segment of %u", slot, s->slot_count);
    return EDDY_OK;
}

/* All loads are relaxed: a picture of what moves. */
int eddy_slots_look(const eddy_slots *s, uint32_t slot, struct eddy_slot_state *look)
{
    EDDY_UNCANCELLED;
    int error = check_slot(s, slot);
    if (error)
        return error;
    const struct eddy_slots_line *line = &s->lines[slot];
    uint64_t owner = eddy_load_relaxed(&line->state) & EDDY_SLOTS_OWNER;
    uint64_t sn = eddy_load_relaxed(&line->sn);
    struct eddy_slot_state seen = {.loaned = owner != 0};
    if (!seen.loaned && eddy_slots_is_live(sn)) {
        seen.sn = eddy_slots_public_sn(s, sn);
        seen.size = eddy_load_relaxed(&line->size);
    }
    if (owner && owner <= EDDY_SLOTS_MEMBERS)
        seen.source = eddy_load_relaxed(&s->members[owner - 1]) & ~EDDY_OWNER_REAPING;
    for (uint32_t w = 0; w < s->plan.words; w++)
        seen.held |= eddy_load_relaxed(eddy_slots_pin_word(s, slot, w)) != 0;
    *look = seen;
    return EDDY_OK;
}

int eddy_slots_read_mask(const eddy_slots *s, uint32_t slot, uint64_t *mask, size_t words)
{
    int error = check_slot(s, slot);
    for (uint32_t w = 0; !error && w < words; w++) /* relaxed: as above */
        mask[w] = w < s->plan.words ? eddy_load_relaxed(eddy_slots_read_word(s, slot, w)) |
                                          eddy_load_relaxed(&s->header->gone[w])
                                    : 0;
    return error;
}

/* --- what the dead left */

static bool is_unused(struct eddy_domain *d, struct eddy_slots *s, bool announced)
{
    /* One that no flink leads to yet may be in the making. */
    return eddy_slots_count(s).alive == 0 &&
           (announced || !eddy_domain_knows_alive(d, s->header->creator));
}

static bool collect(struct eddy_domain *d, const char *flink, const char *id,
                    struct eddy_gc_report *report)
{
    struct eddy_slots *s;
    int error = eddy_slots_object_attach(d, id, EDDY_USE_SHARE, &s);
    bool unused = error == EDDY_ENOENT;
    if (!error) {
        report->members_reaped += flink ? eddy_slots_reap(s).reaped : 0;
        unused = is_unused(d, s, flink != NULL);
        eddy_slots_object_detach(s);
    }
    report->files_refused += error && error != EDDY_ENOENT;
    if (unused)
        eddy_kind_collect(&eddy_slots_kind, eddy_domain_folder(d), flink, id, report);
    return false;
}

/* --- from outside */

static bool add_members(const struct eddy_view *v, const _Atomic uint64_t *owners, uint32_t count,
                        const char *role, struct eddy_object_report *report)
{
    bool enough = true;
    for (uint32_t i = 0; enough && i < count; i++) {
        struct eddy_object_member m = {.role = role};
        uint64_t owner = eddy_load_acquire(&owners[i]); /* from [owner] */
        if (!owner)
            continue;
        eddy_view_name(v, owner & ~EDDY_OWNER_REAPING, &m);
        if (owner & EDDY_OWNER_REAPING)
            m.state = EDDY_MEMBER_LEAVING;
        enough = eddy_object_add_member(report, &m);
    }
    return enough;
}

static int look(const struct eddy_view *v, const char *id, struct eddy_object_report *report)
{
    struct eddy_slots *s;
    struct eddy_domain outside = {.folder = eddy_kept_lent(v->dir)};
    int error = eddy_slots_object_attach(&outside, id, EDDY_USE_LOOK, &s);
    if (error)
        return error;
    report->slots = s->slot_count;
    report->slot_bytes = s->capacity;
    report->published = eddy_log_seen(&s->log) - s->first_sn;
    if (!add_members(v, s->members, EDDY_SLOTS_MEMBERS, "writer", report) ||
        !add_members(v, s->readers, s->reader_limit, "reader", report))
        error = eddy_fail(EDDY_ENOMEM, "no memory to list who uses a slots segment");
    eddy_slots_object_detach(s);
    return error;
}

struct eddy_kind eddy_slots_kind = {.name = "slots",
                                    .suffix = EDDY_SLOTS_SUFFIX,
                                    .magic = EDDY_MAGIC_SLOTS,
                                    .removed = offsetof(struct eddy_gc_report, objects_removed),
                                    .collect = collect,
                                    .tell = eddy_object_tell,
                                    .look = look};

__attribute__((constructor)) static void register_kind(void)
{
    eddy_kind_register(&eddy_slots_kind);
}
