# near.py - writer and reader in one process: of one participant, or of two.
#
# SPDX-License-Identifier: Apache-2.0
from scenario import first_alone, Scenario, TRANSIENT

KINDS = {
    "last16": "depth=16",
    "latched": f"depth=16 {TRANSIENT}",
    "all": "history=keep-all",
    "best": "depth=16 reliability=best-effort",
    "ignore": "depth=16 ignorelocal=participant",
    "ignore-process": "depth=16 ignorelocal=process",
}
COUNT = 12


def near(bench, type_name, writer_words, reader_words, participants, late):
    node, other = bench.start("node", "other")
    node.writer(type_name, writer_words)
    if late:
        node.do(f"write 0 {COUNT} keys=3 stamp=1")
    if participants == 2:
        node.do(f"join {bench.domain}")
    node.reader(type_name, reader_words)
    if late:
        node.take()
    node.do(f"write 0 {COUNT} keys=3 stamp=1")
    node.take(least=0 if "ignore" in writer_words + reader_words else COUNT)
    node.status()
    before = node.do("status w 0")["matched"]
    # The same with a reader elsewhere, which changes the way that the writer's samples take.
    other.reader(type_name, reader_words)
    if matches(writer_words, reader_words):
        other.do("matched r 0 1")
        node.do(f"matched w 0 {before + 1}")
    if "keep-all" in writer_words or "ignorelocal" in writer_words:
        first_alone(node)
    node.do(f"write 0 {COUNT} keys=3 stamp=1 acked=1")
    node.take()
    other.take()


def matches(writer_words, reader_words):
    best = "best-effort" in writer_words and "best-effort" not in reader_words
    return not best and (TRANSIENT in writer_words or TRANSIENT not in reader_words)


def scenarios():
    for type_name in ("fixed", "keyed"):
        for writer, writer_words in KINDS.items():
            for reader, reader_words in KINDS.items():
                for participants in (1, 2):
                    for late in (False, True):
                        name = (f"near/{type_name}/{writer}-{reader}/{participants}-"
                                f"{'late' if late else 'live'}")
                        yield Scenario(name, near, type_name, writer_words + " autodispose=0",
                                       reader_words, participants, late, long=type_name == "keyed")
