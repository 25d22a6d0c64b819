# uses.py - what else programs do: loans, ends of instances, filters, ownership, bursts, large
# samples and slow listeners.
#
# SPDX-License-Identifier: Apache-2.0
import time

from scenario import meet, meet_aside, pair, Scenario, TRANSIENT

PLAIN = "depth=100 autodispose=0"


def loans(bench, type_name, words):
    """Written in place where there is shared memory, and copied where not."""
    writer, reader = pair(bench, type_name, words, words)
    loan = "loan=1" if bench.product.eddy else ""
    writer.do(f"write 0 20 {loan} keys=2 stamp=1 acked=1")
    reader.take(least=16)


def ends(bench, type_name, command, dispose, each):
    """Instances end and begin again under the reader's eyes; `each`: it takes after every step."""
    words = f"depth=100 autodispose={dispose}"
    writer, reader = pair(bench, type_name, words, words)
    for _ in range(2):
        writer.do("write 0 6 keys=3 stamp=1 acked=1")
        if each:
            reader.take(least=6)
        writer.do(f"{command} 0 1")
        if each:
            reader.take(least=1)
    if not each:
        reader.take(least=14)
    writer.do("remove w 0")
    reader.do("matched r 0 0")
    reader.take()


def lookup(bench, type_name):
    writer, reader = pair(bench, type_name, PLAIN, PLAIN)
    writer.do("write 0 6 keys=3 stamp=1 acked=1")
    reader.settle(least=6)
    reader.note("lookup 0 1")
    reader.note("lookup 0 5")


def ownership(bench, type_name, leaves):
    """The stronger writer's samples count, until it leaves."""
    words = "depth=100 ownership=exclusive autodispose=0"
    weak, strong, reader = bench.start("weak", "strong", "reader")
    reader.reader(type_name, words)
    weak.writer(type_name, f"{words} strength=1 id=1")
    strong.writer(type_name, f"{words} strength=2 id=2")
    reader.do("matched r 0 2")
    for writer in (weak, strong):
        writer.do("matched w 0 1")
    for writer, least in ((weak, 3), (strong, 6), (weak, 6), (strong, 9)):
        writer.do("write 0 3 keys=3 stamp=1 acked=1")
        reader.settle(least=least)
    reader.take()
    if leaves:
        strong.quit()
        reader.do("matched r 0 1")
        reader.take()
    weak.do("write 0 3 keys=3 stamp=1 acked=1")
    reader.take()


def filtered(bench, type_name, writer_words, reader_words, late):
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, writer_words)
    if late:
        writer.do("write 0 12 stamp=1")
    reader.reader(type_name, f"{reader_words} filter=even")
    meet(writer, reader)
    if not late:
        writer.do("write 0 12 stamp=1 acked=1")
    reader.take(least=6)


def queried(bench, type_name, words):
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 12 keys=2 stamp=1 acked=1")
    reader.take(least=12, words="query=even")
    reader.take()


def read_first(bench, type_name, words):
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 12 keys=3 stamp=1 acked=1")
    reader.take(least=12, words="read=1")
    writer.do("write 0 3 keys=3 stamp=1 acked=1")
    reader.take(least=15)


def sizes(bench, words, size, count):
    writer, reader = pair(bench, "octets", words, words)
    writer.do(f"write 0 {count} size={size} stamp=1 acked=1")
    writer.do(f"write 0 1 size=1 stamp=1 acked=1")
    reader.take(least=min(count, 4), words="plain=1")


def burst(bench, type_name, words, count, keys, order):
    """All at once, read when it is over."""
    if order == "writer-first":
        writer, reader = bench.start("writer", "reader")
        writer.writer(type_name, words)
        reader.reader(type_name, words)
        meet(writer, reader)
    else:
        writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 1 stamp=1 acked=1")
    writer.do(f"write 0 {count - 1} keys={keys} stamp=1")
    writer.do("acks 0")
    reader.take(least=count)


def shallow(bench, type_name, depth, keys):
    """Each instance keeps its last samples, however many instances there are."""
    writer, reader = pair(bench, type_name, "depth=100", f"depth={depth}")
    writer.do("write 0 1 stamp=1 acked=1")
    writer.do(f"write 0 {keys * 10} keys={keys} stamp=1")
    writer.do("acks 0")
    reader.take(least=keys)


def slow(bench, type_name, words, delay):
    """A listener that takes its time."""
    writer, reader = bench.start("writer", "reader")
    reader.open(f"reader T {type_name} listen=take delay={delay} {words}")
    writer.writer(type_name, words)
    meet(writer, reader)
    writer.do("write 0 1 stamp=1 acked=1")
    writer.do("write 0 199 stamp=1")
    writer.do("acks 0")
    reader.settle(quiet=300)
    bench.note(reader.log())


OFFERED = ("a", "b", "c", "a,b")
ASKED = {"a": (0, 3), "a,b": (0, 1, 3), "b,a,b": (0, 1, 3), "c,z": (2,), "z": (), "b,?": (0, 1, 2, 3)}


def partitions(bench, type_name, words, asked):
    """Of writers in one or several the samples come once, live and from before the reader's time."""
    writer, reader = bench.start("writer", "reader")
    for number, offered in enumerate(OFFERED):
        writer.writer(type_name, f"{words} partition={offered} id={number + 1}")
        writer.do(f"write {number} 4 keys=2 stamp=1")
    reader.reader(type_name, f"{words} partition={asked}")
    matched = ASKED[asked]
    reader.do(f"matched r 0 {len(matched)}")
    for number in matched:
        writer.do(f"matched w {number} 1")
    reader.take(least=4 * len(matched) if TRANSIENT in words else 0)
    for number, _ in enumerate(OFFERED):
        writer.do(f"write {number} 3 keys=2 stamp=1 acked=1")
    reader.take(least=3 * len(matched))


def by_source(bench, type_name):
    """Samples that are older than what is there do not count."""
    words = "depth=4 order=source"
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 4 age=0 acked=1")
    writer.do("write 0 4 age=2000 acked=1")
    writer.do("write 0 2 age=0 acked=1")
    reader.take(least=4)


def is_late(node, which, wanted):
    """Whether a deadline has been missed, which it is within some seconds if that is `wanted`."""
    tries = 100 if wanted else 1
    while node.do(f"status {which} 0")["late"] == 0 and tries > 0:
        tries -= 1
        time.sleep(0.05)
    return tries > 0


def watched(bench, type_name, words, deadline):
    """Both sides are told of a deadline that is missed, and of none that is not."""
    words = f"{words} deadline={deadline}"
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 6 keys=2 stamp=1 acked=1")
    reader.take(least=6)
    for node, which in ((writer, "w"), (reader, "r")):
        bench.note(f"{node.name}: missed {is_late(node, which, deadline == SOON)}")
    writer.do("write 0 4 keys=2 stamp=1 acked=1")
    reader.take(least=4)


def asked(bench, type_name, offered, wanted):
    """A reader that asks for more than is offered gets nothing."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, offered)
    reader.reader(type_name, wanted)
    meet_aside(writer, reader)
    writer.do("write 0 6 keys=2 stamp=1")
    reader.take()
    reader.status()


SOON, LONG = 300, 100000  # ms


def watching():
    latched = f"{PLAIN} {TRANSIENT}"
    for type_name in ("fixed", "keyed", "unbounded"):
        for name, words in (("latched", latched), ("volatile", PLAIN)):
            for deadline in (SOON, LONG):
                yield Scenario(f"uses/deadline/{type_name}/{name}-{deadline}", watched, type_name,
                               words, deadline)
    for kind in ("participant", "topic"):
        words = f"{PLAIN} liveliness=manual-by-{kind}"
        yield Scenario(f"uses/by-hand/{kind}", read_first, "keyed", words)
        yield Scenario(f"uses/by-hand/{kind}-asked", asked, "keyed", PLAIN, words)
    for offered, wanted in ((LONG, SOON), (SOON, LONG), (None, SOON)):
        yield Scenario(f"uses/deadline/{offered}-{wanted}", asked, "keyed",
                       latched if offered is None else f"{latched} deadline={offered}",
                       f"{latched} deadline={wanted}")


def both_ways(bench, type_name, words, rounds):
    """Two programs that answer each other."""
    server, client = bench.start("server", "client")
    server.writer(type_name, words, topic="Answer")
    server.open(f"reader Ask {type_name} listen=answer {words}")
    client.reader(type_name, words, topic="Answer")
    client.writer(type_name, words, topic="Ask")
    for node in (server, client):
        node.do("matched w 0 1")
        node.do("matched r 0 1")
    client.note(f"call 0 {rounds} stamp=1 seconds=8")


def scenarios():
    for type_name in ("fixed", "keyed", "large"):
        for name, words in (("reliable", PLAIN), ("latched", f"depth=16 {TRANSIENT}")):
            yield Scenario(f"uses/loans/{type_name}/{name}", loans, type_name, words)
    for type_name in ("keyed", "octets-key", "unbounded"):
        for command in ("dispose", "unregister", "writedispose"):
            for dispose in (0, 1):
                for each in (False, True):
                    yield Scenario(f"uses/ends/{type_name}/{command}-{dispose}-"
                                   f"{'each' if each else 'all'}", ends, type_name, command,
                                   dispose, each)
        yield Scenario(f"uses/lookup/{type_name}", lookup, type_name)
    for type_name in ("fixed", "keyed", "unbounded"):
        for leaves in (False, True):
            yield Scenario(f"uses/ownership/{type_name}/{'leaves' if leaves else 'stays'}",
                           ownership, type_name, leaves)
        for name, words in (("reliable", PLAIN), ("all", "history=keep-all"),
                            ("latched", f"depth=100 {TRANSIENT}")):
            yield Scenario(f"uses/filter/{type_name}/{name}", filtered, type_name, words, words,
                           name == "latched")
            yield Scenario(f"uses/query/{type_name}/{name}", queried, type_name, words)
            yield Scenario(f"uses/read/{type_name}/{name}", read_first, type_name, words)
            if name != "all":  # it may wait in the listener for what the listener holds
                yield Scenario(f"uses/ping/{type_name}/{name}", both_ways, type_name, words, 100)
        yield Scenario(f"uses/by-source/{type_name}", by_source, type_name)
        for delay in (200, 2000):
            yield Scenario(f"uses/slow/{type_name}/{delay}", slow, type_name, "depth=400", delay)
    for size, count in ((70000, 8), (1 << 20, 4), (16 << 20, 2)):
        for name, words in (("last", "depth=16"), ("all", "history=keep-all"),
                            ("latched", f"depth=4 {TRANSIENT}")):
            yield Scenario(f"uses/sizes/{size}/{name}", sizes, words, size, count)
    for asked in ASKED:
        for name, words in (("reliable", PLAIN), ("latched", f"{PLAIN} {TRANSIENT}")):
            yield Scenario(f"uses/partitions/{asked}/{name}", partitions, "keyed", words, asked)
    yield from watching()
    for order in ("reader-first", "writer-first"):
        yield Scenario(f"uses/burst/fixed/10000/{order}", burst, "fixed", "depth=20000", 10000, 1,
                       order)
        yield Scenario(f"uses/burst/keyed/10000/{order}", burst, "keyed", "depth=20000", 10000,
                       1000, order)
        yield Scenario(f"uses/burst/fixed/all/{order}", burst, "fixed", "history=keep-all", 5000, 1,
                       order)
    for depth in (1, 4, 16):
        for keys in (3, 100):
            yield Scenario(f"uses/shallow/{depth}-{keys}", shallow, "keyed", depth, keys)
