# SPDX-License-Identifier: Apache-2.0
"""What `scripts/mutants --short` takes in: one end of each pair that the protocols rest on.

file, words of the source line; `before >> words` asks for words in the six lines before, too; words
that end with $ end the line.  After them the orders to try, if not all.
"""

SHORT = [
    ("transport/ring/consume.c", "eddy_store_release(&r->done[at]"),
    ("transport/ring/consume.c", "eddy_load_seq(&r->done[read % r->slots])"),
    ("transport/ring/consume.c", "eddy_cas_seq(&r->header->read"),
    ("transport/ring/produce.c", "eddy_store_seq(&r->header->write"),
    ("transport/ring/signals.c", "eddy_add_seq(&reporting"),
    ("allocator/segment/log.h", "eddy_load_seq(&log->entries"),
    ("allocator/segment/slot.h", "eddy_cas_acq_rel(&slot->owner", "release"),
    ("allocator/segment/slot.h", "/* [give up] */"),
    ("allocator/segment/slot.h", "eddy_store_seq(&slot->sn"),
    ("transport/topic/release.c", ", cursor); /* [cursor] */"),
    ("transport/slots/claim.c", "/* from [unpin] */"),
    ("transport/slots/claim.c", "eddy_store_seq(&line->sn"),
    ("transport/slots/claim.c", "eddy_load_seq(&s->header->gone"),
    ("transport/slots/read.c", "/* from [sample] */"),
]
