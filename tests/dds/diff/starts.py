# starts.py - who is there first, and what is written before all know each other.
#
# SPDX-License-Identifier: Apache-2.0
from scenario import meet, Scenario, TRANSIENT

LATCHED = f"depth=1 {TRANSIENT} autodispose=0"
HISTORY = f"depth=16 {TRANSIENT} autodispose=0"
SUBSCRIBERS = 20
EDGES = {"reliable": "depth=16", "all": "history=keep-all"}


def gone(reader):
    """Until the reader has no writer, and has said so; the record has that, too."""
    reader.do("matched r 0 0")
    reader.settle()
    reader.do("record 0 plain=1")


def latched_reader_first(bench, type_name, words, count, rounds):
    """A writer that comes writes at once, before anybody knows it."""
    reader = bench.node("reader")
    reader.reader(type_name, words)
    for number in range(rounds):
        writer = bench.node(f"writer{number}")
        writer.post(f"writer T {type_name} {words} id={number + 1}")
        writer.post(f"write 0 {count} stamp=1")
        writer.wait()
        reader.take(least=count)
        writer.quit()
        gone(reader)


def latched_writer_first(bench, type_name, words, count, rounds):
    writer = bench.node("writer")
    writer.writer(type_name, words)
    writer.do(f"write 0 {count} stamp=1")
    for number in range(rounds):
        reader = bench.node(f"reader{number}")
        reader.reader(type_name, words)
        reader.take(least=count)
        reader.quit()


def subscribers(bench, type_name, words, writer_first):
    """Many that start at the same moment."""
    names = [f"reader{number}" for number in range(SUBSCRIBERS)]
    if writer_first:
        writer = bench.node("writer")
        writer.writer(type_name, words)
        writer.do("write 0 1 stamp=1")
    readers = [bench.node(name, joined=False) for name in names]
    for reader in readers:
        reader.post(f"reader T {type_name} listen=count {words}")
    if not writer_first:
        writer = bench.node("writer", joined=False)
        writer.post(f"writer T {type_name} {words}")
        writer.post("write 0 1 stamp=1")
        writer.wait()
    for reader in readers:
        reader.wait()
        reader.take(least=1)


def at_the_match(bench, type_name, words, rounds):
    """The writer writes in the moment in which it knows the reader."""
    reader = bench.node("reader")
    reader.reader(type_name, words)
    for number in range(rounds):
        writer = bench.node(f"writer{number}", joined=False)
        writer.post(f"writer T {type_name} {words} id={number + 1}")
        writer.post("matched w 0 1")
        writer.post("write 0 3 stamp=1")
        writer.wait()
        reader.take(least=3)
        writer.quit()
        gone(reader)


def reader_joins(bench, type_name, words, rounds):
    """The same, where it is the reader that is new."""
    writer = bench.node("writer")
    writer.writer(type_name, words)
    for number in range(rounds):
        reader = bench.node(f"reader{number}", joined=False)
        reader.post(f"reader T {type_name} listen=count {words}")
        writer.post("matched w 0 1")
        writer.post("write 0 3 stamp=1")
        writer.wait()
        reader.wait()
        reader.take(least=3)
        reader.quit()
        writer.do("matched w 0 0")


def request(bench, type_name, words, rounds, server_first):
    """A client asks as soon as it sees the server, and is answered."""
    def start_server(number):
        server = bench.node(f"server{number}", joined=False)
        server.post(f"writer Answer {type_name} {words}")
        server.post(f"reader Ask {type_name} listen=answer {words}")
        return server

    for number in range(rounds):
        server = start_server(number) if server_first else None
        client = bench.node(f"client{number}", joined=False)
        client.post(f"reader Answer {type_name} listen=count {words}")
        client.post(f"writer Ask {type_name} {words}")
        server = server or start_server(number)
        server.wait()
        client.post("matched w 0 1")
        client.post("matched r 0 1")
        client.wait()
        client.note("call 0 3 stamp=1 seconds=8")
        client.quit()
        server.quit()


def restarted(bench, type_name, words, rounds):
    """One process whose participant comes and goes; each time, the first sample counts."""
    reader, writer = bench.start("reader", "writer")
    reader.reader(type_name, words)
    for number in range(rounds):
        if number > 0:
            writer.do(f"join {bench.domain}")
        writer.post(f"writer T {type_name} {words} id={number + 1}")
        writer.post("matched w 0 1")
        writer.post("write 0 1 stamp=1 acked=1")
        writer.wait()
        reader.take(least=1)
        writer.do("leave")
        gone(reader)


def together(bench, type_name, words):
    """Both at the same moment, in either order; the writer writes when it is matched."""
    writer = bench.node("writer", joined=False)
    reader = bench.node("reader", joined=False)
    writer.post(f"writer T {type_name} {words}")
    writer.post("matched w 0 1")
    writer.post("write 0 10 stamp=1")
    reader.post(f"reader T {type_name} listen=count {words}")
    writer.wait()
    reader.wait()
    reader.take(least=10)


def crowd(bench, type_name, words, count):
    """As many writers as readers, all at once: everybody gets all from everybody."""
    readers = bench.start(*[f"reader{number}" for number in range(count)])
    writers = bench.start(*[f"writer{number}" for number in range(count)])
    for reader in readers:
        reader.post(f"reader T {type_name} listen=count {words}")
    for number, writer in enumerate(writers, 1):
        writer.post(f"writer T {type_name} {words} id={number}")
        writer.post(f"matched w 0 {count}")
    for writer in writers:
        writer.wait()
        writer.do("write 0 8 stamp=1 acked=1")
    for reader in readers:
        reader.wait()
        reader.take(least=8 * count, words="plain=1")
    meet(writers[0], readers[0], count)


def scenarios(rounds=3):
    for type_name in ("fixed", "keyed", "unbounded"):
        for name, words in (("latched", LATCHED), ("history", HISTORY)):
            count = 1 if name == "latched" else 10
            for function in (latched_reader_first, latched_writer_first):
                order = function.__name__.replace("latched_", "").replace("_", "-")
                yield Scenario(f"starts/{type_name}/{name}/{order}", function, type_name, words,
                               count, rounds)
        for name, words in {**EDGES, "history": HISTORY}.items():
            for function in (at_the_match, reader_joins, restarted):
                yield Scenario(f"starts/{type_name}/{name}/{function.__name__.replace('_', '-')}",
                               function, type_name, words, rounds)
            for first in (True, False):
                who = "server" if first else "client"
                yield Scenario(f"starts/{type_name}/{name}/request-{who}-first", request,
                               type_name, words, rounds, first)
            yield Scenario(f"starts/{type_name}/{name}/together", together, type_name, words)
        yield Scenario(f"starts/{type_name}/crowd", crowd, type_name, "depth=100", 4)
    for name, words in (("latched", LATCHED), ("history", HISTORY)):
        for first in (True, False):
            yield Scenario(f"starts/fixed/{name}/subscribers-{'writer' if first else 'reader'}"
                           "-first", subscribers, "fixed", words, first)
