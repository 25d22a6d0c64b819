# soak.py - first samples, round after round: none may be missing, and none may come twice.
#
# Participants come and go in processes that stay, which is the same to discovery and faster.
#
# SPDX-License-Identifier: Apache-2.0
import slow
from scenario import Scenario, TRANSIENT

TYPES = ("fixed", "keyed", "unbounded")
WORDS = {"latched": f"depth=1 {TRANSIENT}", "history": f"depth=16 {TRANSIENT}",
         "reliable": "depth=16"}
SUBSCRIBERS = 20
SECONDS = 6  # until a sample counts as missing


class Tally:
    """What was missing, by round, and how much came twice or torn."""

    def __init__(self):
        self.missing, self.wrong = [], 0

    def add(self, number, node, words="1"):
        """The reader's next sample, as the node's `take` has it."""
        node.send(f"take 0 {words} seconds={SECONDS}")
        line = node.line()
        answer = dict(word.split("=") for word in line.split()[1:])
        self.wrong = max(self.wrong, int(answer["repeated"]) + int(answer["bad"]))
        if line.startswith("fail"):
            self.missing.append(number)

    def note(self, bench):
        bench.note(f"missing in rounds {self.missing}, wrong: {self.wrong}")


def come(node, *commands):
    """Joins again, and does all of that in one go."""
    for command in (f"join {node.bench.domain}", *commands):
        node.post(command)


def start(bench, *names):
    nodes = bench.start(*names)
    for node in nodes:
        node.do("leave")
    return nodes


def reader_first(bench, type_name, words, rounds):
    """A new writer's first sample, written before anybody knows the writer."""
    reader, writer = start(bench, "reader", "writer")
    come(reader, f"reader T {type_name} {words}")
    reader.wait()
    tally = Tally()
    for number in range(1, rounds + 1):
        come(writer, f"writer T {type_name} {words} id={number}", "write 0 1")
        writer.wait()
        tally.add(number, reader, f"1 from={number}")
        writer.do("leave")
    tally.note(bench)


def writer_first(bench, type_name, words, rounds):
    """What a late reader is owed."""
    reader, writer = start(bench, "reader", "writer")
    come(writer, f"writer T {type_name} {words}", "write 0 1")
    writer.wait()
    tally = Tally()
    for number in range(1, rounds + 1):
        come(reader, f"reader T {type_name} {words}")
        reader.wait()
        tally.add(number, reader)
        reader.do("leave")
    tally.note(bench)


def writer_restarts(bench, type_name, words, rounds):
    """A new writer writes as soon as it is matched."""
    reader, writer = start(bench, "reader", "writer")
    come(reader, f"reader T {type_name} {words}")
    reader.wait()
    tally = Tally()
    for number in range(1, rounds + 1):
        come(writer, f"writer T {type_name} {words} id={number}", "matched w 0 1", "write 0 1")
        writer.wait()
        tally.add(number, reader, f"1 from={number}")
        writer.do("leave")
    tally.note(bench)


def reader_restarts(bench, type_name, words, rounds):
    """The writer writes as soon as it knows the new reader."""
    reader, writer = start(bench, "reader", "writer")
    come(writer, f"writer T {type_name} {words}")
    writer.wait()
    tally = Tally()
    for number in range(1, rounds + 1):
        come(reader, f"reader T {type_name} {words}")
        writer.post("matched w 0 1")
        writer.post("write 0 1")
        reader.wait()
        writer.wait()
        tally.add(number, reader)
        reader.do("leave")
        writer.do("matched w 0 0")
    tally.note(bench)


def request(bench, type_name, words, rounds, who):
    """The first request as soon as the client knows the server; the one or the other is new."""
    server, client = start(bench, "server", "client")
    opened = {
        server: (f"writer Answer {type_name} {words}",
                 f"reader Ask {type_name} listen=answer {words}"),
        client: (f"reader Answer {type_name} listen=count {words}",
                 f"writer Ask {type_name} {words}")}
    new, old = (server, client) if who == "server" else (client, server)
    come(old, *opened[old])
    old.wait()
    missing = []
    for number in range(1, rounds + 1):
        come(new, *opened[new])
        client.post("matched w 0 1")
        client.post("matched r 0 1")
        client.post(f"call 0 1 seconds={SECONDS}")
        answers = {node: node.wait() for node in {new, client}}
        if answers[client]["answered"] != 1:
            missing.append(number)
        new.do("leave")
        old.do("matched w 0 0")
        old.do("matched r 0 0")
    bench.note(f"missing in rounds {missing}")


def subscribers(bench, type_name, words, rounds, order):
    """Twenty that come at the same moment."""
    writer, *readers = start(bench, "writer", *[f"reader{n}" for n in range(SUBSCRIBERS)])
    written = f"writer T {type_name} {words}", "write 0 1"
    tally = Tally()
    for number in range(1, rounds + 1):
        if order == "writer-first":
            come(writer, *written)
            writer.wait()
        for reader in readers:
            come(reader, f"reader T {type_name} {words}")
        if order == "reader-first":
            come(writer, *written)
            writer.wait()
        for reader in readers:
            reader.wait()
            tally.add(number, reader)
        for node in (writer, *readers):
            node.post("leave")
        for node in (writer, *readers):
            node.wait()
    tally.note(bench)


def rows(types, kinds):
    for type_name in types:
        for kind in kinds:
            words = WORDS[kind]
            if kind != "reliable":
                yield f"{kind}/{type_name}/reader-first", (reader_first, type_name, words)
                yield f"{kind}/{type_name}/writer-first", (writer_first, type_name, words)
            yield f"{kind}/{type_name}/writer-restarts", (writer_restarts, type_name, words)
            yield f"{kind}/{type_name}/reader-restarts", (reader_restarts, type_name, words)


def scenarios(rounds):
    for name, (function, *arguments) in rows(TYPES, WORDS):
        yield Scenario(f"soak/{name}", function, *arguments, rounds)
    for type_name in TYPES:
        for who in ("server", "client"):
            yield Scenario(f"soak/reliable/{type_name}/request-{who}", request, type_name,
                           WORDS["reliable"], rounds, who)
    for order in ("reader-first", "writer-first"):
        yield Scenario(f"soak/latched/fixed/subscribers-{order}", subscribers, "fixed",
                       WORDS["latched"], rounds // 4, order)
    for name, (function, *arguments) in rows(("fixed",), ("latched", "reliable")):
        yield Scenario(f"soak/slow/{name}", slow.relayed, function, *arguments, rounds // 4)
    yield Scenario("soak/slow/reliable/fixed/request-client", slow.relayed, request, "fixed",
                   WORDS["reliable"], rounds // 4, "client")
