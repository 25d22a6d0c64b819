/* Waiting for best-effort readers whose programs promise reliability.
 * spec/protocols.md, "Patience"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/gate.h"
#include "transport/topic/writer.h"

#include <time.h>

#define FIRST_NAP_NS   20000L
#define LONGEST_NAP_NS 500000L
#define MARGIN         64u /* samples of the log that are left free */
#define SELDOM         16u /* samples between two looks, at most */

/* Half as far behind as a deep reader may be before samples of this size are used again under it: a
 * slot is claimed before its sample is published. */
static uint64_t lag_of(const struct eddy_writer *w, uint64_t size)
{
    uint64_t most = eddy_logs_length(w->segment) - MARGIN, lag = EDDY_DEEP_BYTES / 2 / (size | 1);
    return lag < most ? lag : most;
}

void eddy_writer_expect_lag(struct eddy_writer *w, uint64_t size)
{
    if (size != w->lag_size) {
        w->lag_size = size;
        w->lag = lag_of(w, size);
    }
}

/* True if this reader is to be waited for before number n is published.  Relaxed: hints, all. */
static bool is_late(const struct eddy_writer *w, const struct eddy_reader_seat *seat, uint64_t n,
                    uint64_t *position)
{
    static const uint32_t kind = EDDY_SEAT_DEEP | EDDY_SEAT_NOTED_RELIABLE;
    uint64_t owner = eddy_load_relaxed(&seat->owner), depth = eddy_load_relaxed(&seat->depth);
    uint64_t most = eddy_logs_length(w->segment) - MARGIN, lag = depth > w->lag ? depth : w->lag;
    *position = eddy_load_relaxed(&seat->position);
    return owner != 0 && !(owner & EDDY_OWNER_REAPING) && *position != 0 &&
           (eddy_load_relaxed(&seat->flags) & kind) == kind &&
           n >= *position + (lag < most ? lag : most);
}

/* How far the slowest of them has come; UINT64_MAX: nobody is late. */
static uint64_t slowest(const struct eddy_writer *w, uint64_t n)
{
    uint64_t lowest = UINT64_MAX, position;
    struct eddy_seats seats = eddy_seats_of_readers(w->segment);
    for (uint32_t i; eddy_seats_next(&seats, &i);)
        if (is_late(w, &w->segment->readers[i], n, &position) && position < lowest)
            lowest = position;
    return lowest;
}

void eddy_writer_be_patient(struct eddy_writer *w, uint64_t n)
{
    /* Readers that were given up, or need not be waited for, are not looked at for each sample. */
    if (n < w->look_again)
        return;
    (void)eddy_gate_recompute(w->segment);
    struct timespec nap = {.tv_nsec = FIRST_NAP_NS};
    uint64_t deadline = eddy_deadline(w->patience_ns), at = slowest(w, n);
    /* One that has not moved since we gave it up is stopped, or waits for our own thread. */
    while (at != UINT64_MAX && at != w->given_up && eddy_now() < deadline) {
        nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec < LONGEST_NAP_NS ? 2 * nap.tv_nsec : LONGEST_NAP_NS;
        uint64_t before = at;
        at = slowest(w, n);
        if (at != before)
            deadline = eddy_deadline(w->patience_ns);
    }
    w->given_up = at;
    w->look_again = n + (w->lag / 2 < SELDOM ? w->lag / 2 + 1 : SELDOM);
}
