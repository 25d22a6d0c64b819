/* Looking at a ring, and clearing it away when nobody uses it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/ring/ring.h"

#include <sys/stat.h>

static enum eddy_ring_state state_of(const struct eddy_ring *r)
{
    switch (eddy_load_acquire(&r->header->state)) { /* from [end] */
    case EDDY_RING_WORD_RUNNING:
        return EDDY_RING_RUNNING;
    case EDDY_RING_WORD_FINISHED:
        return EDDY_RING_FINISHED;
    default:
        return EDDY_RING_CRASHED;
    }
}

static int32_t pid_of(const struct eddy_ring *r, enum eddy_ring_role role)
{
    return eddy_load_relaxed(&eddy_ring_seat(r, role)->pid); /* for people */
}

int eddy_ring_describe(const eddy_ring *r, struct eddy_ring_info *info)
{
    EDDY_UNCANCELLED;
    struct stat status;
    if (!info)
        return eddy_fail(EDDY_EINVAL, "eddy_ring_describe: no place for the result");
    if (eddy_ring_forked(r))
        return eddy_fail_forked();
    bool there = fstat(eddy_kept_fd(&r->file), &status) == 0;
    enum eddy_ring_state state = state_of(r); /* first: all of a stream that has ended is counted */
    /* Relaxed, all: a picture of what moves. */
    struct eddy_ring_info seen = {.slot_bytes = r->slot_bytes,
                                  .slots = r->slots,
                                  .flags = r->flags | (r->crash_first ? EDDY_RING_CRASH_FIRST : 0),
                                  .published = eddy_load_relaxed(&r->header->write),
                                  .taken = eddy_load_relaxed(&r->header->taken),
                                  .released = eddy_load_relaxed(&r->header->read),
                                  .redelivered = eddy_load_relaxed(&r->header->redelivered),
                                  .state = state,
                                  .producer_alive = eddy_ring_role_alive(r, EDDY_RING_PRODUCER),
                                  .consumer_alive = eddy_ring_role_alive(r, EDDY_RING_CONSUMER),
                                  .producer_pid = pid_of(r, EDDY_RING_PRODUCER),
                                  .consumer_pid = pid_of(r, EDDY_RING_CONSUMER),
                                  .shared_bytes = there ? (uint64_t)status.st_blocks * 512 : 0};
    *info = seen;
    return EDDY_OK;
}

bool eddy_ring_peer_alive(const eddy_ring *r)
{
    return !eddy_ring_forked(r) && r->role != EDDY_RING_OBSERVER &&
           eddy_ring_role_alive(r, eddy_ring_peer(r));
}

const char *eddy_ring_object(const eddy_ring *r)
{
    return r->object;
}

/* --- what the dead left */

static bool collect(struct eddy_domain *d, const char *flink, const char *id,
                    struct eddy_gc_report *report)
{
    struct eddy_ring *r;
    int error =
        eddy_ring_object_attach(eddy_domain_folder(d), id, EDDY_RING_OBSERVER, EDDY_USE_SHARE, &r);
    bool unused = error == EDDY_ENOENT;
    if (!error) {
        unused = !eddy_ring_is_used(r);
        eddy_ring_object_drop(r);
    }
    report->files_refused += error && error != EDDY_ENOENT;
    if (unused)
        eddy_kind_collect(&eddy_ring_kind, eddy_domain_folder(d), flink, id, report);
    return false;
}

/* --- from outside */

static bool add_member(const struct eddy_view *v, const struct eddy_ring *r,
                       enum eddy_ring_role role, struct eddy_object_report *report)
{
    struct eddy_object_member m = {.role = role == EDDY_RING_PRODUCER ? "producer" : "consumer"};
    /* Relaxed: for people. */
    uint64_t participant = eddy_load_relaxed(&eddy_ring_seat(r, role)->participant);
    if (participant == 0)
        return true;
    eddy_view_name(v, participant, &m);
    m.pid = pid_of(r, role);
    m.state = eddy_ring_role_alive(r, role) ? EDDY_MEMBER_ALIVE : EDDY_MEMBER_DEAD;
    return eddy_object_add_member(report, &m);
}

static int look(const struct eddy_view *v, const char *id, struct eddy_object_report *report)
{
    static const char *const states[] = {"running", "finished", "crashed"};
    struct eddy_ring *r;
    int error = eddy_ring_object_attach(v->dir, id, EDDY_RING_OBSERVER, EDDY_USE_LOOK, &r);
    if (error)
        return error;
    report->slots = r->slots;
    report->slot_bytes = r->slot_bytes;
    report->state = states[state_of(r)];                      /* first, as above */
    report->published = eddy_load_relaxed(&r->header->write); /* a picture */
    report->taken = eddy_load_relaxed(&r->header->taken);
    if (!add_member(v, r, EDDY_RING_PRODUCER, report) ||
        !add_member(v, r, EDDY_RING_CONSUMER, report))
        error = eddy_fail(EDDY_ENOMEM, "no memory to list who uses a ring");
    eddy_ring_object_drop(r);
    return error;
}

struct eddy_kind eddy_ring_kind = {.name = "ring",
                                   .suffix = EDDY_RING_SUFFIX,
                                   .magic = EDDY_MAGIC_RING,
                                   .removed = offsetof(struct eddy_gc_report, objects_removed),
                                   .collect = collect,
                                   .tell = eddy_object_tell,
                                   .look = look};

__attribute__((constructor)) static void register_kind(void)
{
    eddy_kind_register(&eddy_ring_kind);
}
