# SPDX-License-Identifier: Apache-2.0
"""What scripts/mutants leaves out, with reasons, and what its short form takes in.

An exception is a line: file | words of the source line | orders that no test reports.
`before >> words` asks for words in the lines before, too; words that end with $ end the line.

HIDDEN  neither build can show it: why, and what vouches for it instead
STRONG  the order seems to be stronger than the protocol needs: why
"""

HIDDEN = "not observable"
STRONG = "over-strong"

GROUPS = [
    (STRONG, "a read-modify-write sees the last value whatever its order, and its other side is a "
     "later access that has an order of its own", """
allocator/log.h       | eddy_cas_seq(log->next_sn, &sn, sn + 1)           | acq_rel acquire release
allocator/slot.c      | eddy_and_seq(word, ~bit)                          | acq_rel acquire release
transport/take.c      | eddy_and_seq(word, ~eddy_seat_bit(r->seat_id));$  | acq_rel acquire release
transport/topic.c     | eddy_cas_seq(owner_of(s, role, i)                 | acq_rel acquire release
"""),
    (STRONG, "a hint, or a bound that moves one way: what is out of date costs a look or a wait",
     """
allocator/log.h       | uint64_t n = eddy_load_seq(log->next_sn)          | acquire relaxed
allocator/log.h       | n = eddy_load_seq(log->next_sn)                   | acquire relaxed
transport/gate.c      | eddy_load_seq(&seat->owner) == 0                  | acquire relaxed
transport/gate.c      | eddy_raise64_seq(&c->min_cursor                       | acq_rel acquire release
transport/gate.c      | eddy_raise64_seq(&c->untaken                          | acq_rel acquire release
transport/gate.c      | eddy_store_seq(&c->gate, gate)                    | release relaxed
transport/gate.h      | eddy_load_acquire(&s->control->window)            | relaxed
transport/gate.h      | uint64_t next = eddy_load_acquire(&s->control->next_sn) | relaxed
transport/publish.c   | n < eddy_load_seq(&c->gate)                       | acquire relaxed
transport/publish.c   | n < eddy_load_acquire(&c->gate)                   | relaxed
transport/publish.c   | eddy_load_acquire(&c->min_cursor) + w->segment    | relaxed
transport/publish.c   | uint64_t n = eddy_load_seq(log->next_sn)          | acquire relaxed
transport/take.c      | eddy_load_acquire(&r->segment->control->next_sn)  | relaxed
transport/take.c      | eddy_load_acquire(&p.slot->sn) != r->next         | relaxed
transport/writer.c    | eddy_raise64_seq(&c->window, n)                       | acq_rel acquire release
transport/writer.c    | eddy_raise64_seq(&c->history, n)                      | acq_rel acquire release
transport/past.c      | eddy_load_acquire(&r->segment->control->history)  | relaxed
"""),
    (STRONG, "looked at again under a pin or after a swap, which decide", """
transport/past.c      | uint64_t sn = eddy_load_acquire(&p->slot->sn)     | relaxed
transport/past.c      | eddy_load_acquire(&slot->keeper) != 0             | relaxed
transport/past.c      | eddy_load_acquire(&p.slot->sn) == sn              | relaxed
transport/past.c      | eddy_load_acquire(&r->segment->writers[seat].owner) | relaxed
"""),
    (STRONG, "who waits for room looks again every 2 ms, so that a missed ring is a short wait", """
transport/take.c      | /* [unpin] */                                     | acq_rel release
"""),
    (STRONG, "what it goes with is ordered by the swap of the slot's owner, [give up], as well", """
allocator/slot.h      | uint64_t sn = eddy_load_acquire(&slot->sn)        | relaxed
allocator/slot.h      | eddy_load_acquire(&slot->keeper) == 0             | relaxed
allocator/slot.h      | eddy_store_release(&slot->sn, sn)                 | relaxed
allocator/slot.h      | eddy_store_release(&slot->owner, 0u);$            | relaxed
transport/publish.c   | eddy_store_release(&slot->sn, n)                  | relaxed
transport/publish.c   | eddy_store_release(&slot->keeper, w->me)          | relaxed
transport/publish.c   | eddy_store_release(&oldest.slot->keeper, 0u)      | relaxed
"""),
    (HIDDEN, "a thread's accesses run in their order on the machine and on x86; weaker lets the "
     "later ones come first", """
transport/past.c      | eddy_load_acquire(&slot->owner) ==                | relaxed
transport/gate.c      | uint64_t lowest = eddy_load_seq(&c->next_sn)      | acquire relaxed
transport/slots/find.c | uint64_t sn = eddy_load_acquire(&s->lines[i].sn) | relaxed
transport/slots/find.c | eddy_load_acquire(&s->lines[i].state)            | relaxed
transport/slots/write.c | eddy_load_acquire(&s->lines[slot].state)        | relaxed
"""),
    (STRONG, "JOINING, stored before with seq, or the cursor's own order says the same", """
transport/reader.c    | eddy_store_seq(&r->seat->cursor, next)            | release relaxed
"""),
    (HIDDEN, "at most once a mapping, extent or column: too rare for a test to meet; the argument "
     "is that of mask and sn (spec/protocols.md, Keeping)", """
allocator/column.c    | eddy_or_seq(&x->header->columns                   | acq_rel acquire release
allocator/slot.h      | eddy_load_seq(&p->extent->header->columns)        | acquire relaxed
allocator/slot.c      | bool exists = eddy_load_seq(&p->extent->header->columns) | acquire relaxed
allocator/slot.h      | eddy_extent_map >> slots = eddy_load_acquire(&e->slots) | relaxed
allocator/segment.h   | uint32_t seats = eddy_load_seq(high)              | acquire relaxed
transport/topic.c     | i >= eddy_load_seq(high_of(s, role))              | acquire relaxed
transport/topic.c     | eddy_raise32_seq(high_of(s, role), i + 1)             | acq_rel acquire release
"""),
    (STRONG, "the pointer is all that is handed on: what it leads to comes from the kernel", """
allocator/column.c    | eddy_load_acquire(&x->column[c])                  | relaxed
allocator/column.c    | eddy_store_release(&x->column[c], column)         | relaxed
allocator/extent.c    | eddy_store_release(&x->writable, at)              | relaxed
allocator/extent.c    | return eddy_load_acquire(&x->writable)            | relaxed
transport/loan.c      | eddy_load_acquire(&p->extent->writable)           | relaxed
"""),
    (HIDDEN, "goes with what lies in another mapping or another process, which neither build can "
     "see as one word", """
allocator/extent.c    | eddy_load_acquire(&s->control->extents[n])        | relaxed
allocator/extent.c    | eddy_cas_seq(&s->control->extents[i]              | acq_rel acquire release
allocator/segment.c   | eddy_store_release(&((struct eddy_control *)at)->magic | relaxed
allocator/ladder.c    | eddy_load_acquire(&head->magic)                   | relaxed
discovery/domain.c    | eddy_load_acquire(&p->id)                         | relaxed
discovery/domain.c    | eddy_store_release(&p->id, d->id)                 | relaxed
transport/claim.c     | eddy_load_acquire(&s->control->extents[x])        | relaxed
transport/claim.c     | eddy_load_acquire(&w->segment->control->extents[0]) | relaxed
transport/ring/open.c | uint64_t state = eddy_load_acquire(&r->header->state) | relaxed
transport/ring/open.c | r->write = eddy_load_seq(&r->header->write)       | acquire relaxed
transport/ring/open.c | r->read_seen = eddy_load_seq(&r->header->read)    | acquire relaxed
transport/ring/open.c | uint64_t read = eddy_load_seq(&r->header->read), taken | acquire relaxed
transport/ring/open.c | uint64_t write = eddy_load_seq(&r->header->write) | acquire relaxed
transport/ring/open.c | eddy_store_seq(&seat->epoch, epoch)               | release relaxed
transport/ring/peer.c | eddy_load_seq(&eddy_ring_seat(r, eddy_ring_peer(r))->epoch) | acquire relaxed
"""),
    (HIDDEN, "needs a seq access that comes before another in their one order, but after it in "
     "time; the machine takes them in the order of time", """
transport/ring/consume.c | p = eddy_load_acquire(&h->taken)               | relaxed
transport/ring/consume.c | uint64_t now = eddy_load_acquire(&h->taken)    | relaxed
transport/ring/consume.c | eddy_cas_seq(&h->taken, &p, p + 1)             | acquire release
transport/ring/peer.c | eddy_store_release(&w->epoch, epoch)              | relaxed
transport/ring/peer.c | eddy_load_acquire(&r->watch.epoch)                | relaxed
"""),
    (STRONG, "needs acquire and release at most, and allocator/atomic.h has no name for that of a "
     "swap or sum", """
transport/ring/consume.c | eddy_cas_seq(&h->taken, &p, p + 1)             | acq_rel
transport/ring/consume.c | eddy_sub_seq(&r->users, 1u)                    | acq_rel
transport/ring/open.c | eddy_sub_seq(&r->users, 1u)                       | acq_rel
transport/ring/produce.c | eddy_cas_seq(&r->loan, &word, ticket)          | acq_rel release
transport/ring/produce.c | eddy_cas_seq(&r->loan, &ticket, word)          | acq_rel release
transport/ring/produce.c | eddy_cas_seq(&r->loan, &word, LOAN_NONE)       | acq_rel release
"""),
    (STRONG, "once only, which any order gives; nothing else hangs on it", """
transport/ring/consume.c | eddy_cas_seq(&r->held[at], &held, 0)           | acq_rel acquire release
transport/ring/crash.c | eddy_cas_seq(&h->state, &state, EDDY_RING_WORD_REPORTING) | acq_rel acquire release
"""),
    (STRONG, "the word alone counts: nothing is read behind it", """
transport/ring/look.c | switch (eddy_load_acquire(&r->header->state))     | relaxed
transport/ring/produce.c | switch (eddy_load_acquire(&r->header->state))  | relaxed
transport/ring/produce.c | eddy_store_seq(&r->loan, LOAN_ENDED)           | release relaxed
transport/ring/produce.c | uint64_t word = eddy_load_seq(&r->loan)        | acquire relaxed
"""),
    (STRONG, "[watched], stored next, hands it on", """
transport/ring/peer.c | eddy_store_seq(&w->gone, epoch)                   | release relaxed
"""),
    (STRONG, "of a seat that changes hands: all its words are atomic, and each has an order of its "
     "own", """
transport/slots/reap.c | uint64_t seen = eddy_load_acquire(owner)         | relaxed
transport/slots/reap.c | eddy_store_release(&s->members[member], 0u)      | relaxed
transport/slots/reap.c | eddy_store_release(&s->readers[reader], 0u)      | relaxed
allocator/slot.c      | eddy_load_acquire(&p->slot->owner) == me          | relaxed
allocator/slot.c      | eddy_load_acquire(&p->slot->keeper) == me         | relaxed
allocator/slot.c      | eddy_store_release(&p->slot->keeper, 0u)          | relaxed
allocator/slot.c      | uint64_t sn = eddy_load_acquire(&p->slot->sn)     | relaxed
"""),
    (HIDDEN, "only after a death, with tools, or when memory was scribbled on: no threaded test "
     "comes here (models/deaths.pml; the points, death and ladder tests)", """
allocator/log.h       | eddy_raise64_seq(log->next_sn                         | acq_rel
transport/claim.c     | eddy_load_acquire(&s->extents[i].slots)           | relaxed
allocator/slot.c      | eddy_store_seq(&p->slot->sn, 0)                   | release
discovery/inspect.c   | eddy_load_acquire(is_writer ?                     | relaxed
discovery/kind.c      | eddy_load_acquire(&p->id) == id                   | relaxed
discovery/reap.c      | eddy_cas_seq(owner, &seen, d->id                  | acq_rel
discovery/registry.c  | eddy_load_acquire(&r->participants[seat].id)      | relaxed
discovery/sweep.c     | taken += eddy_load_acquire(                       | relaxed
transport/publish.c   | eddy_store_seq(&p.slot->sn, 0u)                   | release
transport/slots/look.c | eddy_load_acquire(&owners[i])                    | relaxed
transport/slots/reap.c | uint64_t sn = eddy_load_acquire(&line->sn)       | relaxed
transport/slots/reap.c | eddy_and_seq(word, ~bit)                         | acq_rel
transport/slots/reap.c | eddy_load_acquire(&s->members[i])                | relaxed
transport/slots/write.c | eddy_store_release(&line->state, state)         | relaxed
transport/ring/consume.c | eddy_cas_seq(&r->again, &p, p + 1)             | acq_rel acquire release
transport/ring/consume.c | eddy_load_seq(&r->done[at]) >= ++p             | acquire relaxed
"""),
]


def _exceptions():
    for verdict, reason, lines in GROUPS:
        for line in lines.strip().split("\n"):
            file, rest = line.split(" | ", 1)
            words, orders = rest.rsplit(" | ", 1)
            yield file.strip(), words.strip(), orders, (verdict, reason)


# file, words of the line, orders, (verdict, why no test reports it)
EXCEPTIONS = list(_exceptions())

# file, words of the line
SHORT = [
    ("transport/ring/consume.c", "eddy_store_release(&r->done[at]"),
    ("transport/ring/consume.c", "eddy_load_seq(&r->done[read % r->slots])"),
    ("transport/ring/consume.c", "eddy_cas_seq(&r->header->read"),
    ("transport/ring/produce.c", "eddy_store_seq(&r->header->write"),
    ("transport/ring/signals.c", "eddy_add_seq(&reporting"),
    ("allocator/futex.h", "eddy_load_seq(bell)"),
    ("allocator/log.h", "eddy_load_seq(&log->entries"),
    ("allocator/slot.h", "eddy_cas_acquire(&slot->owner"),
    ("allocator/slot.h", "/* [give up] */"),
    ("allocator/slot.h", "eddy_store_seq(&slot->sn"),
    ("transport/take.c", "/* [cursor] */"),
    ("transport/take.c", "/* [unpin] */"),
    ("transport/slots/claim.c", "/* from [unpin] */"),
    ("transport/slots/claim.c", "eddy_store_seq(&line->sn"),
    ("transport/slots/claim.c", "eddy_load_seq(&s->header->gone"),
    ("transport/slots/read.c", "/* from [sample] */"),
]
