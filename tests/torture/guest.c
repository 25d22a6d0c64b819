/* guest.c - a forked child: the parent's handles are errors, its own work.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/handles.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void try_reader(struct reading *r)
{
    struct eddy_sample sample = {0};
    if (!r->handle)
        return;
    must_fail(eddy_reader_take(r->handle, &sample), EDDY_EFORKED);
    must_fail(eddy_reader_release(r->handle, &r->kept[0]), EDDY_EFORKED);
    must_fail(eddy_reader_wait(r->handle, EDDY_POLL), EDDY_EFORKED);
    must_fail(eddy_reader_close(r->handle), EDDY_EFORKED);
}

static void try_writer(struct writing *w)
{
    struct eddy_loan loan;
    if (!w->handle)
        return;
    must_fail(eddy_writer_loan(w->handle, 1, patience(), &loan), EDDY_EFORKED);
    for (uint32_t i = 0; i < w->loan_count; i++)
        must_fail(eddy_writer_publish(w->handle, &w->loans[i], 1, patience()), EDDY_EFORKED);
    must_fail(eddy_writer_close(w->handle), EDDY_EFORKED);
}

static void try_the_parents(struct process *parent)
{
    void *found;
    size_t count;
    eddy_waitset *none;
    must_fail(eddy_waitset_open(parent->domain, &none), EDDY_EFORKED);
    if (parent->waitset)
        must_fail(eddy_waitset_wait(parent->waitset, EDDY_POLL, &found, 1, &count), EDDY_EFORKED);
    for (int i = 0; i < READERS; i++)
        try_reader(&parent->readers[i]);
    for (int i = 0; i < WRITERS; i++)
        try_writer(&parent->writers[i]);
    for (int i = 0; i < ROLES; i++)
        ringing_try(&parent->rings[i]);
}

/* In order, by exit, by _exit and by kill -9. */
static void end(eddy_domain *domain, struct writing *w, struct reading *r, uint64_t seed)
{
    switch (seed % 4) {
    case 0:
        writing_close(w);
        reading_close(r);
        must(timed("eddy_domain_close", eddy_domain_close(domain)));
        _exit(0);
    case 1:
        exit(0);
    case 2:
        _exit(0);
    default:
        raise(SIGKILL);
    }
}

void guest_run(struct process *parent, const struct event *event)
{
    static struct reading r;
    struct writing w = {0};
    eddy_domain *domain;
    uint32_t key = WRITERS + (uint32_t)(event->number % GUESTS);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(&r, 0, sizeof r);
    board_sign(GUEST);
    try_the_parents(parent);
    struct eddy_domain_options options = {.name = "guest"};
    if (!let(timed("eddy_domain_open", eddy_domain_open(&options, &domain))))
        _exit(0);
    reading_open(&r, domain, NULL, event->topic, event->seed >> 8);
    writing_open(&w, domain, event->topic, author_of(parent->id, key, event->number),
                 event->seed >> 9);
    writing_publish(&w, event->count, event->seed);
    reading_take(&r, event->count, event->seed);
    end(domain, &w, &r, event->seed >> 5);
}
