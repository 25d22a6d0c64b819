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
