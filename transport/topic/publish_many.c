/* Publishing a group: under one look at the gate as long as nobody comes in between, with next_sn moved
 * once, and those who sleep woken once.                         spec/protocols.md, "Groups"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "discovery/reap.h"
#include "transport/topic/gate.h"
#include "transport/topic/writer.h"

#define RUN_MOST 32u /* numbers that next_sn may trail behind */

/* Samples that have numbers one after the other, of which next_sn does not know yet. */
struct run {
    struct eddy_publishing samples[RUN_MOST];
    size_t count;
    uint64_t first, end; /* their numbers: before `end` */
    uint64_t gate;       /* how far it may go */
};

/* Tries number `end` in the log of the one before.  False: another has it, or it is somewhere else, or
 * there is more to be looked at. */
static bool number_next(struct eddy_writer *w, const struct run *run,
                        const struct eddy_publishing *one)
{
    if (run->end >= run->gate || w->keep.depth || w->patience_ns)
        return false;
    uint64_t entry = eddy_log_entry(w->log, run->end);
    if (eddy_entry_age(w->log, entry, run->end) != EDDY_ENTRY_OLDER)
        return false;
    /* [number]: who looks for what was here before sees what let it go. */
    eddy_store_release(&one->place.slot->sn, run->end);
    EDDY_POINT("publish-many:before-swap");
    return eddy_log_publish(w->log, run->end, entry, one->id);
}

static int begin_run(struct eddy_writer *w, struct run *run, uint64_t deadline)
{
    int error = eddy_publish_number(w, &run->samples[0], deadline, &run->first);
    if (error)
        return error;
    run->count = 1;
    run->end = run->first + 1;
    /* Those who wait in line come first. */
    bool ours = eddy_writer_has_turn(w, EDDY_ROOM_GATE) && !w->in_line;
    run->gate = ours ? eddy_gate_end(w->segment, w->log) : 0;
    EDDY_POINT("publish-many:begun");
    return EDDY_OK;
}

/* All of them are published: what is left to do. */
static void end_run(struct eddy_writer *w, struct run *run)
{
    uint64_t bytes = 0;
    w->last_sn = run->end - 1;
    EDDY_POINT("publish-many:swapped");
    eddy_log_help_to(w->log, run->first, run->end); /* first: what is let go next leads to them */
    EDDY_POINT("publish-many:helped");
    if (__builtin_expect(w->in_line, 0))
        eddy_writer_leave_line(w);
    for (size_t i = 0; i < run->count; i++) {
        eddy_publish_give_up(w, &run->samples[i]);
        eddy_writer_remember(w, run->samples[i].id);
        bytes += run->samples[i].size;
    }
    eddy_publish_count(w, run->count, bytes);
}

/* What the caller says goes with them, of the size that it knows; NULL: nothing. */
struct given {
    const char *first;
    size_t size;
};

static int prepare(struct eddy_writer *w, const struct eddy_loan *loan, const struct given *given,
                   size_t i, struct eddy_publishing *one)
{
    static const struct eddy_publication plain;
    struct eddy_publication what;
    if (!given->first)
        return eddy_publish_prepare(w, loan, loan->size, &plain, one);
    const void *its = given->first + i * given->size;
    int error = eddy_publication_take(its, given->size, &what);
    return error ? error : eddy_publish_prepare(w, loan, loan->size, &what, one);
}

/* As many as go at once: one at least, or the error of the first. */
static int publish_run(struct eddy_writer *w, const struct eddy_loan *loans, size_t count,
                       const struct given *given, uint64_t deadline, size_t *published)
{
    struct run run;
    run.count = 0;
    eddy_prefetch_write(&w->log->entries[(w->last_sn + 1) & w->log->mask]);
    eddy_prefetch_write(&w->log->entries[(w->last_sn + 9) & w->log->mask]);
    int error = EDDY_OK;
    while (run.count < count && run.count < RUN_MOST && !error) {
        size_t i = run.count;
        struct eddy_publishing *one = &run.samples[i];
        error = prepare(w, &loans[i], given, i, one);
        if (!error && i == 0) {
            error = begin_run(w, &run, deadline);
        } else if (!error && number_next(w, &run, one)) {
            run.end++;
            run.count++;
        } else if (!error) {
            eddy_publish_refuse(w, one); /* the next run begins with it */
            break;
        }
    }
    if (run.count == 0)
        return error;
    w->quiet = true;
    end_run(w, &run);
    *published += run.count;
    return EDDY_OK;
}

/* NOLINTNEXTLINE(readability-function-size): a size more than six, as what is given has one */
int eddy_writer_publish_many_sized(eddy_writer *w, struct eddy_loan *loans, size_t count,
                                   const struct eddy_publication *publications,
                                   size_t publication_size, uint64_t deadline, size_t *published)
{
    struct given given = {(const char *)publications, publication_size};
    size_t done = 0;
    int error = count == 0 ? eddy_fail(EDDY_EINVAL, "eddy_writer_publish_many: no loans") : EDDY_OK;
    if (__builtin_expect(w->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    struct eddy_robust *own = eddy_orphans_begin(&w->registry->orphans);
    while (done < count && !error) {
        size_t before = done;
        error = publish_run(w, loans + done, count - done, &given, deadline, &done);
        if (given.first)
            given.first += (done - before) * publication_size;
    }
    eddy_publish_wake(w);
    eddy_orphans_end(own);
    if (done > 0)
        *published = done;
    return done > 0 ? EDDY_OK : error;
}
