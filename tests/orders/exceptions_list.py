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
    (STRONG, "looked at again under a pin or after a swap, which decide", """
transport/past.c      | uint64_t sn = eddy_load_acquire(&p->slot->sn)     | relaxed
transport/past.c      | eddy_load_acquire(&slot->keeper) != 0             | relaxed
transport/past.c      | eddy_load_acquire(&p.slot->sn) == sn              | relaxed
"""),
    (STRONG, "what it goes with is ordered by the swap of the slot's owner, [give up], as well", """
allocator/slot.h      | eddy_load_acquire(&slot->keeper) == 0             | relaxed
transport/publish.c   | eddy_store_release(&slot->sn, n)                  | relaxed
transport/publish.c   | eddy_store_release(&slot->keeper, w->me)          | relaxed
transport/publish.c   | eddy_store_release(&oldest.slot->keeper, 0u)      | relaxed
"""),
    (HIDDEN, "a thread's accesses run in their order on the machine and on x86; weaker lets the "
     "later ones come first", """
transport/past.c      | eddy_load_acquire(&slot->owner) ==                | relaxed
"""),
    (STRONG, "of a seat that changes hands: all its words are atomic, and each has an order of its "
     "own", """
allocator/slot.c      | eddy_store_release(&p->slot->keeper, 0u)          | relaxed
"""),
]


def _exceptions():
    for verdict, reason, lines in GROUPS:
        for line in filter(None, lines.strip().split("\n")):
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
