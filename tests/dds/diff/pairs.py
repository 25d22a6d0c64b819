# pairs.py - each quality of service of a writer with each of a reader, live and late.
#
# SPDX-License-Identifier: Apache-2.0
from scenario import first_alone, meet_aside, Scenario

HOW_MANY = 20
LONG = 100000  # ms: longer than a scenario lasts
KINDS = {
    "last1": "depth=1",
    "last16": "depth=16",
    "last5000": "depth=5000",
    "all": "history=keep-all",
    "deadline": f"depth=100 deadline={LONG}",
    "manual": f"depth=100 liveliness=manual-by-topic lease={LONG}",
    "ignore": "depth=100 ignorelocal=participant",
    "best": "depth=100 reliability=best-effort",
    "latched": "depth=100 durability=transient-local",
    "lifespan": f"depth=100 lifespan={LONG}",
    "partition": "depth=100 partition=here",
    "elsewhere": "depth=100 partition=there",
}
NETWORK_ONLY = {KINDS[kind] for kind in ("all", "deadline", "manual", "ignore")}


def pair(bench, writer_kind, reader_kind, late, type_name):
    """Late: the writer has written before the reader comes."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, KINDS[writer_kind] + " autodispose=0")
    if late:
        writer.do(f"write 0 {HOW_MANY} stamp=1")
    reader.reader(type_name, KINDS[reader_kind])
    meet_aside(writer, reader)
    if late:
        reader.take()
    # What is overwritten at the writer before it has come through may get lost, with UDP, too.
    if KINDS[writer_kind] in NETWORK_ONLY:
        first_alone(writer)
    else:
        writer.do("write 0 1 stamp=1 acked=1")
    acked = "acked=1" if writer_kind in ("last1", "last16") or type_name == "large" else ""
    writer.do(f"write 0 {HOW_MANY - 1} stamp=1 {acked}")
    writer.note("acks 0 seconds=5")
    reader.take()
    writer.status("w")
    reader.status()


def scenarios():
    for type_name in ("fixed", "large"):
        for writer in KINDS:
            for reader in KINDS:
                for late in (False, True):
                    name = f"pairs/{type_name}/{writer}-{reader}/{'late' if late else 'live'}"
                    yield Scenario(name, pair, writer, reader, late, type_name,
                                   long=type_name == "large")
