# shapes.py - types of every shape, live, from a writer's history, and between one that may use
# shared memory and one that may not.
#
# SPDX-License-Identifier: Apache-2.0
from scenario import first_alone, pair, Scenario, TRANSIENT

KEYLESS = ("fixed", "variable", "octets", "byte", "large", "mebi", "enums", "nested")
KEYED = ("keyed", "union", "appendable", "mutable", "optional", "short-text", "few", "unbounded",
         "text-key", "short-text-key", "nested-key", "octets-key", "enum-key", "late-key")
HISTORY = "depth=16 autodispose=0"
ALL = "history=keep-all autodispose=0"


def write(writer, type_name, index=0):
    """Three instances (or one), and two of them end."""
    writer.do(f"write {index} 12 keys=3 size=1000 stamp=1 acked=1")
    if type_name in KEYED:
        writer.do(f"dispose {index} 1")
        writer.do(f"unregister {index} 2")


def how_many(type_name):
    return 14 if type_name in KEYED else 12


def live(bench, type_name):
    writer, reader = pair(bench, type_name, HISTORY, HISTORY)
    write(writer, type_name)
    reader.take(least=how_many(type_name))


def late(bench, type_name):
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, f"{HISTORY} {TRANSIENT}")
    write(writer, type_name)
    reader.reader(type_name, f"{HISTORY} {TRANSIENT}")
    reader.take(least=12)


def mixed(bench, type_name, writer_words, reader_words):
    writer, reader = pair(bench, type_name, writer_words, reader_words)
    if writer_words == ALL:
        first_alone(writer, "size=1000")
    write(writer, type_name)
    reader.take(least=how_many(type_name))


def both_readers(bench, type_name):
    """One reader of each kind, of one writer."""
    writer, here, there = bench.start("writer", "here", "there")
    here.reader(type_name, HISTORY)
    there.reader(type_name, ALL)
    writer.writer(type_name, HISTORY)
    writer.do("matched w 0 2")
    for reader in (here, there):
        reader.do("matched r 0 1")
    write(writer, type_name)
    for reader in (here, there):
        reader.take(least=how_many(type_name))


def both_writers(bench, type_name):
    """One writer of each kind, the same instances, one reader: each instance stays one."""
    reader, here, there = bench.start("reader", "here", "there")
    reader.reader(type_name, "depth=40")
    here.writer(type_name, f"{HISTORY} id=1")
    there.writer(type_name, f"{ALL} id=2")
    reader.do("matched r 0 2")
    for writer in (here, there):
        writer.do("matched w 0 1")
    for writer in (here, there):
        writer.do("write 0 12 keys=3 size=1000 stamp=1 acked=1")
        reader.settle(least=12 if writer is here else 24)
    reader.take(least=24)


def local(bench, type_name):
    """Writer and reader in one process."""
    node = bench.node("node")
    node.reader(type_name, HISTORY)
    node.writer(type_name, HISTORY)
    node.do("matched w 0 1")
    write(node, type_name)
    node.take(least=how_many(type_name))


def scenarios():
    for type_name in KEYLESS + KEYED:
        for function in (live, late, both_readers, both_writers, local):
            yield Scenario(f"types/{type_name}/{function.__name__.replace('_', '-')}", function,
                           type_name)
        yield Scenario(f"types/{type_name}/from-network", mixed, type_name, ALL, HISTORY)
        yield Scenario(f"types/{type_name}/to-network", mixed, type_name, HISTORY, ALL)
