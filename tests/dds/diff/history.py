# history.py - what a reader is given of what was written before it came.
#
# SPDX-License-Identifier: Apache-2.0
import time

from scenario import meet, meet_aside, Scenario, TRANSIENT

DEPTHS = (1, 4, 16, 17, 100, 5000)
MANY = {5000: 5200}  # samples written, where not 150
KINDS = ("volatile", "transient-local", "transient", "persistent")
LIFESPAN = 1.5  # seconds


def words(depth):
    return f"depth={depth} {TRANSIENT} autodispose=0"


def depths(bench, type_name, writer_depth, reader_depth):
    """Three instances (or one), and then the writer goes on."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, f"depth=1 service-depth={writer_depth} {TRANSIENT} autodispose=0")
    count = MANY.get(min(writer_depth, reader_depth), 150)
    writer.do(f"write 0 {count} keys=3 stamp=1")
    reader.reader(type_name, words(reader_depth))
    meet(writer, reader)
    reader.take(least=min(count, writer_depth))
    writer.do("write 0 6 keys=3 stamp=1 acked=1")
    reader.take(least=min(6, reader_depth))


def ends(bench, type_name, depth, commands):
    """Instances end before the reader comes, and one begins again after that."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, words(depth))
    writer.do("write 0 12 keys=4 stamp=1")
    for command in commands:
        writer.do(f"{command} 0 1")
    writer.do("write 0 1 key=3 stamp=1")
    reader.reader(type_name, words(64))
    meet(writer, reader)
    reader.take(least=1)
    writer.do("write 0 1 key=1 stamp=1 acked=1")
    reader.take(least=1)


def lifespan(bench, type_name, live):
    """Samples whose time is over are not given to those who come later; live, they are gone from
    the reader that did not take them."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, f"{words(16)} lifespan={int(LIFESPAN * 1000)}")
    if live:
        reader.reader(type_name, words(16))
        meet(writer, reader)
    writer.do("write 0 3 stamp=1")
    if type_name == "keyed":
        writer.do("dispose 0 5")  # does not age
    time.sleep(LIFESPAN * 1.2)  # it is the time that is tried
    writer.do("write 0 2 stamp=1")
    if not live:
        reader.reader(type_name, words(16))
        meet(writer, reader)
    reader.take(least=(5 if live else 2) + (type_name == "keyed"))


def writer_gone(bench, type_name, how):
    """Nobody is left to tell what there was."""
    writer, reader = bench.start("writer", "reader")
    reader.reader(type_name, words(16), topic="Other")
    writer.writer(type_name, words(16), topic="Other")
    writer.writer(type_name, words(16))
    meet(writer, reader)
    writer.do("write 1 5 keys=3 stamp=1")
    if how == "removed":
        writer.do("remove w 1")
    else:
        writer.quit()
    reader.reader(type_name, words(16))
    reader.take(1)
    reader.status("r", 1)


def writers(bench, type_name, readers_first):
    """Three writers of the same instances, and two readers."""
    nodes = bench.start("one", "two", "three", "reader", "other")
    readers = nodes[3:]
    if readers_first:
        for reader in readers:
            reader.reader(type_name, words(40))
    for number, writer in enumerate(nodes[:3], 1):
        writer.writer(type_name, f"{words(4)} id={number}")
        if readers_first:
            writer.do("matched w 0 2")
        writer.do("write 0 9 keys=3 stamp=1 acked=1")
    if not readers_first:
        for reader in readers:
            reader.reader(type_name, words(40))
    for reader in readers:
        reader.do("matched r 0 3")
        reader.take(least=27 if type_name == "keyed" else 12, words="plain=1")


def again(bench, type_name):
    """Each of the readers that come and go is given the history, once."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, words(16))
    for number in range(4):
        writer.do("write 0 3 keys=3 stamp=1")
        reader.reader(type_name, words(16))
        reader.take(number, least=3)
        reader.do(f"remove r {number}")


def volatile_reader(bench, type_name):
    """It wants no history, and gets none."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, words(16))
    writer.do("write 0 6 keys=3 stamp=1")
    reader.reader(type_name, "depth=16")
    meet(writer, reader)
    reader.take()
    writer.do("write 0 3 keys=3 stamp=1 acked=1")
    reader.take(least=3)


def waiting(bench, type_name, reader_words):
    """A writer that waits for its readers, and keeps the last of each instance."""
    writer, reader, other = bench.start("writer", "reader", "other")
    writer.writer(type_name, f"history=keep-all service-depth=4 {TRANSIENT} autodispose=0")
    other.reader(type_name, f"history=keep-all {TRANSIENT}")
    meet(writer, other)
    writer.do("write 0 60 keys=3 stamp=1 acked=1")
    writer.do("dispose 0 1")
    other.take(least=60)
    reader.reader(type_name, reader_words)
    writer.do("matched w 0 2")
    reader.take(least=4)
    writer.do("write 0 6 keys=3 stamp=1 acked=1")
    reader.take(least=6)


def durabilities(bench, type_name, offered, asked):
    """Who matches, and what is kept for whom."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, f"depth=16 durability={offered} autodispose=0")
    writer.do("write 0 6 keys=3 stamp=1")
    reader.reader(type_name, f"depth=16 durability={asked}")
    meet_aside(writer, reader)
    reader.take(least=6 if offered == asked == "transient-local" else 0)
    writer.do("write 0 3 keys=3 stamp=1 acked=1")
    reader.take(least=3 if KINDS.index(offered) >= KINDS.index(asked) else 0)
    reader.status()


def best_effort(bench, type_name, writer_words, reader_words):
    """Nothing is owed to, nor by, who is best-effort."""
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, f"depth=16 {TRANSIENT} {writer_words} autodispose=0")
    writer.do("write 0 6 keys=3 stamp=1")
    reader.reader(type_name, f"depth=16 {TRANSIENT} {reader_words}")
    meet(writer, reader)
    reader.take()
    writer.do("write 0 3 keys=3 stamp=1")
    reader.take(least=3)


def keep_all(bench, type_name, reader_words):
    writer, reader = bench.start("writer", "reader")
    writer.writer(type_name, f"history=keep-all service-depth=keep-all {TRANSIENT}")
    writer.do("write 0 300 keys=3 stamp=1")
    reader.reader(type_name, f"{reader_words} {TRANSIENT}")
    meet(writer, reader)
    reader.take(least=16)
    writer.do("write 0 6 keys=3 stamp=1 acked=1")
    reader.take(least=6)


ENDS = {"disposed": ["dispose"], "unregistered": ["unregister"],
        "both": ["dispose", "unregister"], "write-disposed": ["writedispose"]}


def scenarios():
    for type_name in ("fixed", "keyed"):
        for writer in DEPTHS:
            for reader in DEPTHS:
                yield Scenario(f"history/{type_name}/depth-{writer}-{reader}", depths, type_name,
                               writer, reader)
        for how in ("removed", "left"):
            yield Scenario(f"history/{type_name}/writer-{how}", writer_gone, type_name, how)
        for live in (False, True):
            yield Scenario(f"history/{type_name}/lifespan-{'live' if live else 'late'}", lifespan,
                           type_name, live)
        for first in (False, True):
            yield Scenario(f"history/{type_name}/writers-{'late' if not first else 'live'}",
                           writers, type_name, first)
        yield Scenario(f"history/{type_name}/again", again, type_name)
        yield Scenario(f"history/{type_name}/volatile-reader", volatile_reader, type_name)
        for name, words_ in (("all", "history=keep-all"), ("last", "depth=16")):
            yield Scenario(f"history/{type_name}/all-{name}", keep_all, type_name, words_)
            yield Scenario(f"history/{type_name}/waiting-{name}", waiting, type_name,
                           f"{words_} {TRANSIENT}")
        best = "reliability=best-effort"
        yield Scenario(f"history/{type_name}/best-reader", best_effort, type_name, "", best)
        yield Scenario(f"history/{type_name}/best-both", best_effort, type_name, best, best)
    for offered in KINDS:
        for asked in KINDS:
            yield Scenario(f"history/kinds/{offered}-{asked}", durabilities, "keyed", offered,
                           asked)
    for type_name in ("keyed", "octets-key", "unbounded"):
        for depth in (1, 4, 17):
            for name, commands in ENDS.items():
                yield Scenario(f"history/{type_name}/{name}-{depth}", ends, type_name, depth,
                               commands)
