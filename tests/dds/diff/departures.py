# departures.py - writers and readers that leave, die, stand still and come back.
#
# SPDX-License-Identifier: Apache-2.0
import signal

from scenario import meet, pair, Scenario, TRANSIENT

KINDS = {
    "reliable": "depth=100",
    "latched": f"depth=16 {TRANSIENT}",
    "all": "history=keep-all",
}
SHORT_LEASE = "<LeaseDuration>2 s</LeaseDuration>"  # of who is to be killed
COUNT = 12


def write_and_leave(bench, type_name, words, how, count, keys):
    """What has been written before the writer left is there; how it ended shows in the states."""
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 1 stamp=1 acked=1")
    writer.post(f"write 0 {count - 1} keys={keys} stamp=1")
    if how == "removed":
        writer.post("remove w 0")
    elif how == "left":
        writer.post("leave")
    elif how == "vanished":
        writer.post("vanish")
    writer.wait()
    if how == "quit":
        writer.quit()
    elif how == "killed":
        writer.kill()
    if how in ("removed", "left", "quit"):
        reader.do("matched r 0 0")
    reader.take(least=min(count, 16))


def writer_killed(bench, type_name, words):
    """The reader keeps what it has, learns that the writer is gone, and hears the next one."""
    reader = bench.node("reader")
    writer = bench.node("writer", discovery=SHORT_LEASE)
    reader.reader(type_name, words)
    writer.writer(type_name, words)
    meet(writer, reader)
    writer.do(f"write 0 {COUNT} keys=3 stamp=1 acked=1")
    reader.settle(least=COUNT)
    writer.kill()
    reader.do("matched r 0 0")
    reader.take()
    writer = bench.node("writer2")
    writer.writer(type_name, f"{words} id=2")
    meet(writer, reader)
    writer.do(f"write 0 {COUNT} keys=3 stamp=1 acked=1")
    reader.take(least=COUNT)


def reader_killed(bench, type_name, words, waits):
    """With samples that it has read and keeps; another comes, at once or when DDS has noticed."""
    writer = bench.node("writer")
    reader = bench.node("reader", discovery=SHORT_LEASE)
    reader.reader(type_name, words)
    writer.writer(type_name, words)
    meet(writer, reader)
    writer.do(f"write 0 {COUNT} keys=3 stamp=1 acked=1")
    reader.settle(least=COUNT)
    reader.do("record 0 read=1")
    reader.kill()
    if waits:
        writer.do("matched w 0 0")
    reader = bench.node("reader2")
    reader.reader(type_name, words)
    reader.do("matched r 0 1")
    if not waits:
        writer.do("matched w 0 2")
    writer.do("matched w 0 1")
    reader.take()
    writer.do(f"write 0 {COUNT} keys=3 stamp=1 acked=1")
    reader.take(least=COUNT)


def stopped(bench, type_name, words, who):
    """One of them stands still for a moment, shorter than its lease."""
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 3 keys=3 stamp=1 acked=1")
    node = reader if who == "reader" else writer
    node.suspend()
    if who == "reader":
        writer.do(f"write 0 {COUNT} keys=3 stamp=1")
    else:
        reader.take(least=3)
    node.signal(signal.SIGCONT)
    writer.do(f"write 0 {COUNT} keys=3 stamp=1")
    writer.do("acks 0")
    reader.take(least=COUNT)


def late_reader_of_leaving(bench, type_name, words):
    """A reader comes while the first writer goes; the second one stays."""
    goes, stays, reader = bench.start("goes", "stays", "reader")
    for number, writer in enumerate((goes, stays), 1):
        writer.writer(type_name, f"{words} id={number}")
        writer.do(f"write 0 {COUNT} keys=3 stamp=1")
    goes.quit()
    reader.reader(type_name, words)
    reader.do("matched r 0 1")
    reader.take(least=COUNT)


def scenarios():
    for type_name in ("fixed", "keyed", "unbounded"):
        for kind, words in KINDS.items():
            for how in ("removed", "left", "quit", "vanished", "killed"):
                for count in (2, 40) if kind != "latched" else (2, 16):
                    for dispose in (0, 1) if how in ("removed", "quit") else (1,):
                        name = f"departures/{type_name}/{kind}/{how}-{count}-{dispose}"
                        yield Scenario(name, write_and_leave, type_name,
                                       f"{words} autodispose={dispose}", how, count, 1,
                                       long=type_name == "unbounded")
        for kind in ("reliable", "latched", "all"):
            words = KINDS[kind]
            yield Scenario(f"departures/{type_name}/{kind}/writer-killed", writer_killed,
                           type_name, words)
            for waits in (False, True):
                yield Scenario(f"departures/{type_name}/{kind}/reader-killed-"
                               f"{'noticed' if waits else 'at-once'}", reader_killed, type_name,
                               words, waits)
            for who in ("reader", "writer"):
                yield Scenario(f"departures/{type_name}/{kind}/{who}-stopped", stopped, type_name,
                               words, who)
        yield Scenario(f"departures/{type_name}/latched/one-of-two", late_reader_of_leaving,
                       type_name, KINDS["latched"])
