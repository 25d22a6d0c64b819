# cases_psmx.py - what the plug-in for Cyclone DDS 11 promises beyond what 0.10 can do.
#
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import time

from cases_data import check_all_came
from world import check, check_equal, Failure, LOOPBACK, Skip

CROWD = 600  # topics
SMALL_FILE = 4096  # bytes
SHORT, MANY = "8M", 300  # memory of a topic; samples of 70,000 bytes, which are more


def need_plugin(world):
    if not world.options.library:
        raise Skip("only for Cyclone DDS 11")


def settings(world, config):
    """Of one's own: `eddy run` then adds none."""
    library = os.path.join(os.path.dirname(world.options.eddy), "..", "lib", "libpsmx_eddy.so")
    return (LOOPBACK + ',<Domain id="any"><General><Interfaces><PubSubMessageExchange type="eddy" '
            f'library="{os.path.realpath(library)}" config="{config}"/></Interfaces></General>'
            "</Domain>")


def case_psmx_options(world):
    """Wrong ones are errors that name them; right ones do."""
    need_plugin(world)
    for config, name in [("NONSENSE=1;", "NONSENSE"), ("SPIN=soon", "SPIN"), ("LIMIT=0", "LIMIT"),
                         ("LIMIT=1Q;", "LIMIT"), ("DIR=relative", "DIR"), ("LOG=loud", "LOG"),
                         ("KEYED_TOPICS=maybe", "KEYED_TOPICS"), ("SERIALIZED=", "SERIALIZED")]:
        try:
            world.node(config, uri=settings(world, config))
        except Failure as failure:
            check(f" {name}" in str(failure), f"{config}: no word of {name}: {failure}")
        else:
            raise Failure(f"{config}: was taken")
        world.programs.pop().close()
    right = "LIMIT=64M;SPIN=off;LOG=info;SERIALIZED=false;KEYED_TOPICS=true;INSTANCE_NAME=x\\;y;"
    writer, reader = (world.node(name, uri=settings(world, right)) for name in ("writer", "reader"))
    check_equal(reader.do("reader V variable depth=8")["shm"], 0, "serialized, which is refused")
    exchange(writer, reader)
    check_all_came(reader.do("take 1 20"), 20)
    world.check_published(20)
    world.end()


def case_psmx_served(world):
    """What goes through Eddy, and what is left to the network."""
    need_plugin(world)
    late = "durability=transient-local"
    node, other = world.node("node"), world.node("other")  # one has room for 16 of each
    for words, of_writer, of_reader in [
            ("depth=5", 1, 1), ("history=keep-all", 1, 1), ("partition=here", 1, 1),
            (f"depth=5 {late}", 1, 1), (f"history=keep-all service-depth=9 {late}", 1, 1),
            (f"service-depth=32767 {late}", 1, 1), (f"service-depth=32768 {late}", 0, 1),
            (f"service-depth=keep-all {late}", 0, 1),
            (f"service-depth=keep-all reliability=best-effort {late}", 1, 1),
            ("durability=transient", 1, 1), ("durability=persistent", 1, 1),
            ("deadline=1000", 0, 1), (f"deadline=1000 {late}", 1, 1),
            ("deadline=1000 durability=persistent", 1, 1),
            ("partition=h*", 0, 0), ("partition=[here", 1, 1),
            ("partition=here,there", 1, 1), ("partition=here,t*", 0, 0),
            ("partition=here,there history=keep-all", 0, 1),
            (f"partition=here,there {late}", 0, 1),
            ("partition=here,there history=keep-all reliability=best-effort", 1, 1),
            ("partition=" + ",".join(map(str, range(16))), 1, 1),
            ("partition=" + ",".join(map(str, range(17))), 0, 0),
            ("liveliness=manual-by-participant lease=9000", 0, 1),
            ("liveliness=manual-by-topic lease=9000", 0, 1),
            ("liveliness=manual-by-participant", 1, 1), ("liveliness=manual-by-topic", 1, 1)]:
        for role, wanted in (("writer", of_writer), ("reader", of_reader)):
            check_equal(node.do(f"{role} T fixed {words}")["shm"], wanted, f"{role}: {words}")
        node, other = other, node
    world.end()


def exchange(writer, reader, is_shared=1, words="depth=64"):
    check_equal(reader.do(f"reader T fixed {words}")["shm"], is_shared, "shared memory")
    writer.do(f"writer T fixed {words}")
    writer.do("matched w 0 1")
    writer.do("write 0 20")


def case_psmx_without_folder(world):
    """The domain comes up, says why, and everything goes over the network."""
    need_plugin(world)
    uri = settings(world, "DIR=/proc/none;")
    writer, reader = (world.node(name, uri=uri) for name in ("writer", "reader"))
    exchange(writer, reader, is_shared=0)
    check_all_came(reader.do("take 0 20"), 20)
    check("everything goes over the network" in reader.said(), f"said only: {reader.said()}")
    world.end()


def case_psmx_off(world):
    """Everything goes over the network, and nothing is created."""
    need_plugin(world)
    own = os.path.join(world.dir, "own")
    writer, reader = (world.node(name, uri=settings(world, f"DIR={own};"),
                                 prefix=("env", "EDDY_PSMX=off")) for name in ("writer", "reader"))
    exchange(writer, reader, is_shared=0)
    check_all_came(reader.do("take 0 20"), 20)
    check_equal(os.path.exists(own), False, "its folder")
    try:
        world.node("another", uri=settings(world, ""), prefix=("env", "EDDY_PSMX=maybe"))
    except Failure as failure:
        check("EDDY_PSMX" in str(failure), f"no word of it: {failure}")
    else:
        raise Failure("EDDY_PSMX=maybe: was taken")
    world.programs.pop().close()
    world.end()


def case_psmx_without_memory(world):
    """The same where the folder takes no files of the size that is needed."""
    need_plugin(world)
    no_files = ("env", "--ignore-signal=XFSZ", "prlimit", f"--fsize={SMALL_FILE}")
    uri = settings(world, f"DIR={world.dir};")
    writer, reader = (world.node(name, uri=uri, prefix=no_files) for name in ("writer", "reader"))
    exchange(writer, reader, is_shared=0)
    check_all_came(reader.do("take 0 20"), 20)
    check("everything goes over the network" in reader.said(), f"said only: {reader.said()}")
    world.end()


def case_psmx_short(world):
    """What a reader keeps stays where it is while there is memory, and makes room then: no writer
    waits for it, and nothing is lost."""
    need_plugin(world)
    uri = settings(world, f"LIMIT={SHORT};")
    for words in (f"depth={MANY}", "history=keep-all max-blocking=3000"):
        reader, writer = (world.node(name, uri=uri) for name in ("reader", "writer"))
        reader.open(f"reader T large {words}")
        writer.open(f"writer T large {words}")
        writer.do("matched w 0 1")
        reader.do("matched r 0 1")
        for _ in range(MANY // 20):
            writer.do("write 0 20")
            reader.do("hold 0 20")
        check_all_came(reader.do(f"take 0 {MANY}"), MANY)
        for program in (writer, reader):
            program.quit()
        world.programs.clear()
    world.end()


def check_apart(world, configs):
    """By the network alone."""
    writer, reader = (world.node(name, uri=settings(world, config))
                      for name, config in zip(("writer", "reader"), configs))
    exchange(writer, reader)
    check_all_came(reader.do("take 0 20"), 20)
    for dir in world.dirs:
        check_equal(sum(int(row[4]) for row in world.probe(dir) if row[0] == "topic"), 0,
                    "samples through Eddy")
    world.end()


def case_psmx_instances(world):
    """Instances of other names meet by the network alone."""
    need_plugin(world)
    check_apart(world, ["INSTANCE_NAME=writer;", "INSTANCE_NAME=reader;"])


def case_psmx_folders(world):
    """So do those that have other folders."""
    need_plugin(world)
    check_apart(world, [f"DIR={world.dir};", f"DIR={world.new_dir()};"])


def times_asleep(program):
    """How often its first thread, which writes, has gone to sleep so far."""
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status
                    if line.startswith("voluntary_ctxt_switches"))


def written_to_a_suspended(world, words, count):
    """Seconds that `count` samples take to write, the writer's answer, and how often it slept."""
    writer, reader = world.pair("fixed", words)
    writer.do("write 0 1")  # the first waits until DDS would tell of its writer
    reader.suspend()
    before, start = times_asleep(writer), time.monotonic()
    writer.send(f"write 0 {count}")
    answer = writer.line()
    taken = time.monotonic() - start
    asleep = times_asleep(writer) - before
    reader.signal(signal.SIGCONT)
    return taken, answer, reader, asleep


def case_psmx_keep_all(world):
    """A writer waits for a reader that does not read, for max_blocking_time, and says so; nothing
    that it has written is lost."""
    need_plugin(world)
    taken, answer, reader, _ = written_to_a_suspended(
        world, "history=keep-all reliability=reliable max-blocking=200", 5000)
    check("imeout" in answer, f"wrote all the same: {answer}")
    check(0.2 <= taken < 2, f"it took {taken:.3f} s")
    got = reader.do("take 0 900")
    check_equal({name: got[name] for name in ("lost", "repeated", "bad")},
                {"lost": 0, "repeated": 0, "bad": 0}, "samples")
    world.end()


def case_psmx_keep_last(world):
    """No other writer waits for one that does not read, however far that is behind.  A lock that is
    taken may put a thread to sleep now and then."""
    need_plugin(world)
    late = "durability=transient-local"
    for words in ("depth=1", "depth=100", f"depth=1 {late}", "depth=1 reliability=best-effort",
                  "history=keep-all reliability=best-effort"):
        taken, answer, _, asleep = written_to_a_suspended(world, words, 20000)
        print(f"{words}: {taken:.3f} s, asleep {asleep} times")
        check(answer.startswith("ok"), f"{words}: {answer}")
        check(taken < 2 and asleep < 50, f"{words}: {taken:.3f} s, and asleep {asleep} times")
        for program in world.programs:
            program.do("leave")
            program.quit()
        world.programs.clear()
    world.end()


def case_psmx_crowd(world):
    """600 topics with a writer and a reader each, twice: few threads, few descriptors."""
    need_plugin(world)
    crowd = os.path.join(os.path.dirname(world.options.node), "..", "psmx", "psmx_crowd")
    command = [crowd, str(world.dds_domain), str(CROWD)]
    crowds = [world.start(world.under_eddy(*command), f"crowd {number}") for number in (1, 2)]
    for program in crowds:
        words = program.line_with("ready").split()
        threads, descriptors = int(words[1]), int(words[2])
        print(f"{program.name}: {threads} threads, {descriptors} descriptors, {words[3]} MiB")
        check(threads <= 10 and descriptors <= 40,
              f"{threads} threads and {descriptors} descriptors")
    for command, answer in (("matched", 0), ("write", CROWD), (f"take {2 * CROWD}", 2 * CROWD)):
        for program in crowds:
            program.process.stdin.write(command.encode() + b"\n")
        for program in crowds:
            check_equal(program.line_with("").split(), ["ok", str(answer)], f"{program.name}: {command}")
    for program in crowds:
        program.process.stdin.close()
        check_equal(program.ended(), 0, f"{program.name}: exit code")
    world.check_nothing_left()


def case_psmx_sizes(world):
    """Loans of any size, several at once, written past their end: as ROS 2's layer does."""
    need_plugin(world)
    program = os.path.join(os.path.dirname(world.options.node), "..", "psmx", "psmx_sizes")
    reader, writer = (world.start(world.under_eddy(program, role, str(world.dds_domain)), role)
                      for role in ("reader", "writer"))
    check_equal(reader.line_with(""), "ready", "the reader")
    counts = [end.line_with("").split() for end in (writer, reader)]
    published = sum(int(row[4]) for row in world.probe() if row[0] == "topic")
    check_equal(counts, 2 * [["ok", str(published)]], f"of {published} samples through Eddy")
    for end in (writer, reader):
        end.process.stdin.close()
        check_equal(end.ended(), 0, f"{end.name}: exit code")
    world.check_nothing_left()
