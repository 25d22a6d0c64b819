# cases_data.py - every kind of sample gets across, as its quality of service says.
#
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess

from world import check, check_equal, DEADLINE, Failure, LOOPBACK

OTHER_DDS_DOMAIN = 35  # of no other case
MOST_BEHIND = 256  # samples; Cyclone DDS 0.10 is told that a queue holds no more


def check_all_came(answer, count):
    """Exactly `count` samples, each whole, in order, none twice."""
    wanted = {"valid": count, "lost": 0, "repeated": 0, "bad": 0}
    check_equal({name: answer[name] for name in wanted}, wanted, "samples")


def exchange(world, type_name, count, how=""):
    writer, reader = world.pair(type_name)
    writer.do(f"write 0 {count} {how}")
    check_all_came(reader.do(f"take 0 {count}"), count)
    world.check_published(count)
    world.end()


def case_fixed(world):
    exchange(world, "fixed", 50)


def case_keyed(world):
    exchange(world, "keyed", 60, "keys=6")


def case_variable(world):
    exchange(world, "variable", 50, "size=1000")


def case_big(world):
    exchange(world, "big", 20, "loan=1")


def case_octets(world):
    """1 byte to 64 MiB on one topic: nobody has said before how large they get."""
    sizes = [1, 7, 8, 100, 4096, 65536, 1 << 20, 16 << 20, 64 << 20]
    writer, reader = world.pair("octets", "depth=4")
    for count, size in enumerate(sizes, 1):
        writer.do(f"write 0 2 size={size}")
        check_all_came(reader.do(f"take 0 {2 * count}"), 2 * count)
    world.check_published(2 * len(sizes))
    world.end()


def case_loans(world):
    """Loans are written in place; those given back can be taken again, for ever."""
    writer, reader = world.pair("fixed")
    most = 64 if world.options.library else 8  # as many as the node asks for; what Cyclone DDS allows
    for _ in range(3):
        check_equal(writer.do("loans 0")["loans"], most, "loans that one writer may have out")
    writer.do("write 0 50 loan=1")
    check_all_came(reader.do("take 0 50"), 50)
    check_equal(writer.do("loans 0")["loans"], most, "loans after writing")
    world.check_published(50)
    world.end()


def case_reliable(world):
    """No sample is lost as long as the reader is not more than its depth behind."""
    writer, reader = world.pair("fixed", f"depth={MOST_BEHIND}")
    for round in range(1, 21):
        writer.send(f"write 0 {MOST_BEHIND}")
        check_all_came(reader.do(f"take 0 {MOST_BEHIND * round}"), MOST_BEHIND * round)
        writer.answer()
    world.check_published(20 * MOST_BEHIND)
    world.end()


def case_best_effort(world):
    """It may lose samples, but repeats and tears none, and the newest arrives."""
    writer, reader = world.pair("fixed", "depth=8 reliability=best-effort")
    writer.do("write 0 20000")
    answer = reader.do("take 0 1")
    while answer["last"] < 20000:
        answer = reader.do(f"take 0 {answer['valid'] + 1}")
    check_equal((answer["repeated"], answer["bad"]), (0, 0), "samples repeated and torn")
    world.check_published(20000)
    world.end()


def case_late_joiner(world):
    """What a late reader in another process is owed arrives without a further publication."""
    qos = "depth=10 durability=transient-local"
    writer = world.node("writer")
    writer.open(f"writer T fixed {qos}")
    writer.do("write 0 25")
    for name in ("first", "second"):
        reader = world.node(name)
        reader.open(f"reader T fixed {qos}")
        answer = reader.do("take 0 10")
        check_all_came(answer, 10)
        check_equal((answer["first"], answer["last"]), (16, 25), "first and last of the history")
    world.check_published(25, readers=2)
    writer.do("write 0 5")
    check_all_came(reader.do("take 0 15"), 15)
    world.end()


def case_many(world):
    """8 writers and 8 readers, each in a process of its own: everybody gets everything."""
    writers = [world.node(f"writer {id}") for id in range(8)]
    readers = [world.node(f"reader {id}") for id in range(8)]
    burst = MOST_BEHIND // len(writers)
    for reader in readers:
        reader.open(f"reader T fixed depth={MOST_BEHIND}")
    for id, writer in enumerate(writers, 1):
        writer.open(f"writer T fixed depth={MOST_BEHIND} id={id}")
    for writer in writers:
        writer.do("matched w 0 8")
    for reader in readers:
        reader.do("matched r 0 8")
    for count in range(8 * burst, 8 * burst * 10 + 1, 8 * burst):
        for node in readers:
            node.send(f"take 0 {count}")
        for node in writers:
            node.send(f"write 0 {burst}")
        for node in writers:
            node.answer()
        for reader in readers:
            answer = reader.answer()
            check_all_came(answer, count)
            check_equal(answer["sources"], 8, "writers heard")
    world.check_published(8 * burst * 10, readers=8)
    world.end()


def end_of_instance(world, command, state, qos=""):
    writer, reader = world.pair("keyed", f"depth=4 {qos}")
    writer.do("write 0 3 keys=3")
    check_all_came(reader.do("take 0 3"), 3)
    writer.do(f"{command} 0 1")
    reader.do("events 0 1")
    check_equal(reader.do("instances 0"), {"0": "alive", "1": state, "2": "alive"}, "instances")
    world.check_published(4, held=1)  # Cyclone DDS keeps what told it of the end
    world.end()


def case_disposed(world):
    end_of_instance(world, "dispose", "disposed")


def case_unregistered(world):
    end_of_instance(world, "unregister", "no-writers", "autodispose=0")


def case_domains(world):
    """Two DDS domains have the same topic and the same Eddy folder, and do not hear each other."""
    here, there = world.dds_domain, OTHER_DDS_DOMAIN
    nodes = {}
    for dds_domain, id in ((here, 1), (there, 2)):
        writer, reader = world.node("writer", dds_domain), world.node("reader", dds_domain)
        reader.open("reader T fixed depth=64")
        writer.open(f"writer T fixed depth=64 id={id}")
        nodes[dds_domain] = writer, reader
    for writer, reader in nodes.values():
        writer.do("matched w 0 1")
        reader.do("matched r 0 1")
    nodes[here][0].do("write 0 50")
    check_all_came(nodes[here][1].do("take 0 50"), 50)
    nodes[there][0].do("write 0 1")
    answer = nodes[there][1].do("take 0 1")
    check_all_came(answer, 1)
    check_equal(answer["sources"], 1, "writers heard in the other domain")
    scopes = {row[3]: int(row[4]) for row in world.probe() if row[0] == "topic"}
    check_equal(sorted(scopes.values()), [1, 50], f"samples in each domain, {scopes}")
    world.end()


def case_join_at_full_speed(world):
    """Readers that join a writer in full flow go on receiving."""
    writer = world.node("writer")
    writer.open("writer T fixed depth=16")
    writer.do("flood 0")
    for name in ("first", "second", "third"):
        reader = world.node(name)
        reader.open("reader T fixed depth=16")
        for count in (1, 2000, 4000):
            answer = reader.do(f"take 0 {count}")
        check_equal((answer["repeated"], answer["bad"]), (0, 0), "samples repeated and torn")
    number = writer.do("calm 0")["written"]
    world.check_published(number, readers=3, held=number)  # see case_stranger
    world.end()


def case_stranger(world):
    """Samples of a writer that DDS has not discovered pile up in Cyclone DDS 0.10.2, which never
    gives them back: the reader goes on receiving all the same."""
    writer, reader = world.pair("fixed")
    tagged = LOOPBACK.replace("<Discovery>", "<Discovery><Tag>apart</Tag>")
    stranger = world.node("stranger", uri=tagged)
    stranger.open("writer T fixed depth=64 id=2")
    for round in range(1, 101):
        stranger.do("write 0 200")
        writer.do("write 0 5")
        check_all_came(reader.do(f"take 0 {5 * round}"), 5 * round)
    world.check_published(100 * 205, held=100 * 200)
    world.end()


def case_harness_without_eddy(world):
    """The tests notice when samples take another way: programs started without `eddy run`."""
    world.under_eddy = lambda *command: list(command)
    try:
        world.pair("fixed")
        raise RuntimeError("a writer without Eddy passed for one with it")
    except Failure as reason:
        check("shared memory" in str(reason), f"another reason than expected: {reason}")
    writer, reader = world.node("writer"), world.node("reader")
    reader.do("reader U fixed depth=64")
    writer.do("writer U fixed depth=64")
    writer.do("matched w 0 1")
    reader.do("matched r 0 1")
    writer.do("write 0 10")
    check_all_came(reader.do("take 0 10"), 10)
    try:
        world.check_published(10, "U")
        raise RuntimeError("samples that went over the network passed for Eddy's")
    except Failure as reason:
        check("Eddy has carried" in str(reason), f"another reason than expected: {reason}")
    world.end()


def case_keeps_all(world):
    """A late reader is owed all that was written, if the writer says so."""
    writer = world.node("writer")
    writer.open("writer T fixed depth=1 durability=transient-local service-depth=keep-all")
    writer.do("write 0 300")
    reader = world.node("reader")
    reader.open("reader T fixed depth=400 durability=transient-local")
    check_all_came(reader.do("take 0 300"), 300)
    world.end()


def reliability_in_eddy(world):
    """What `eddy ls` says of each writer and reader of topic T."""
    listed = subprocess.run([world.options.eddy, "ls", "--json", "-d", world.dir],
                            capture_output=True, text=True, check=True, timeout=DEADLINE).stdout
    topics = map(json.loads, listed.splitlines())
    members = next(topic["members"] for topic in topics if topic["topic"] == "T")
    return sorted((member["role"], bool(member["reliable"])) for member in members)


def case_reliability(world):
    """`eddy ls` shows the reliability as DDS has it, also of the first writer of a process."""
    writer, reader = world.node("writer"), world.node("reader")
    reader.open("reader T fixed depth=5 reliability=best-effort")
    reader.open("reader T fixed depth=5")
    writer.open("writer T fixed depth=5")
    writer.open("writer T fixed depth=5 reliability=best-effort")
    writer.do("matched w 0 2")
    writer.do("matched w 1 1")
    writer.do("write 0 1")
    check_all_came(reader.do("take 1 1"), 1)
    wanted = [("reader", False), ("reader", True), ("writer", False), ("writer", True)]
    check_equal(reliability_in_eddy(world), wanted, "roles, and whether reliable")
    world.end()
