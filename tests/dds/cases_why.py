# cases_why.py - `eddy why` names what keeps samples from arriving, or from going through Eddy.
#
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from cases_network import ADDRESSES, as_user, container, ip, need_root, two_hosts, uri_at
from world import check, check_equal, DEADLINE, Failure, LOOPBACK, Skip


def settings(inside):
    """The tests' own settings, and more."""
    return f'{LOOPBACK},<Domain id="any">{inside}</Domain>'


def ask(world, *options, dir=None, uri=LOOPBACK, prefix=(), cwd=None):
    """What `eddy why` exits with and prints."""
    command = [*prefix, world.options.eddy, "why", "--domain", str(world.dds_domain),
               "--seconds", "0.7", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, cwd=cwd,
                            env=world.environment(dir, uri))
    check(result.returncode in (0, 1, 2), f"eddy why: {result.returncode}: {result.stderr}")
    return result.returncode, result.stdout


def pairs(world, *options, **where):
    code, text = ask(world, "--json", *options, **where)
    found = [json.loads(line) for line in text.splitlines()]
    check_equal(code, max((pair["grade"] for pair in found), default=2), "exit code and grades")
    return found


def verdict(pair):
    """(path, grade, codes with their sides) of a pair; notes are left out."""
    return pair["path"], pair["grade"], sorted(f'{reason["side"]} {reason["code"]}'
                                               for reason in pair["reasons"] if reason["grade"])


def expect(world, wanted, *options, **where):
    """Discovery may take a moment: asks until each topic has just the verdicts that are wanted, a
    list for each."""
    end = time.monotonic() + DEADLINE
    found = None
    while time.monotonic() < end:
        found = {}
        for pair in pairs(world, *options, **where):
            found.setdefault(pair["topic"], []).append(verdict(pair))
        if found == wanted:
            return
    raise Failure(f"eddy why: {found!r}, not {wanted!r}")


def expect_one(world, path, grade, *reasons, **where):
    """The same of the one pair on topic T."""
    expect(world, {"T": [(path, grade, sorted(reasons))]}, **where)


def expect_text(world, code, *parts, options=(), lines=None, **where):
    """What people read, sooner or later."""
    end = time.monotonic() + DEADLINE
    found = None
    while time.monotonic() < end:
        found = ask(world, *options, **where)
        if (found[0] == code and all(part in found[1] for part in parts) and
                lines in (None, found[1].count("\n"))):
            return
    raise Failure(f"eddy why: {found!r}, not {code} with {parts!r}")


def node_beside(world, name, *command, uri=LOOPBACK, dir=None, **more):
    """A node that is started in a way of its own."""
    from world import Node
    node = world.add(Node([*command], {**world.environment(dir, uri), **more}, name))
    node.do(f"join {world.dds_domain}")
    return node


def plain(world, name, uri=LOOPBACK):
    return node_beside(world, name, world.options.node, uri=uri)


def writer_and(world, reader, uri=LOOPBACK):
    """A writer of T in Eddy beside a reader in that node."""
    writer = world.node("writer", uri=uri)
    writer.open("writer T fixed depth=8")
    reader.do("reader T fixed depth=8")
    return writer


# --- all is well ------------------------------------------------------------------------------


def case_why_well(world):
    """One line if all is well; a topic by its name in DDS and in ROS 2."""
    writer, reader = world.node("writer"), world.node("reader")
    reader.open("reader rt/chatter fixed depth=8")
    writer.open("writer rt/chatter fixed depth=8")
    writer.do("writer rt/rosout fixed depth=8")  # nobody reads it, and nobody minds
    expect(world, {"rt/chatter": [("Eddy", 0, [])]})
    expect_text(world, 0, "All is well", lines=1)
    for name in ("rt/chatter", "/chatter"):
        expect_text(world, 0, "rt/chatter (/chatter)", f"pid {writer.process.pid} -> ", "in Eddy",
                    options=[name])
    expect_text(world, 2, "nobody reads", options=["/rosout"])
    expect_text(world, 2, "Nobody writes or reads '/chater'", options=["/chater"])


def case_why_creates_nothing(world):
    """No folder, no file; and none of those that the settings ask for."""
    parent = world.new_dir()
    here = tempfile.mkdtemp()
    world.undo.append(lambda: shutil.rmtree(here))
    trace = settings("<Tracing><Verbosity>finest</Verbosity><OutputFile>log</OutputFile>"
                     "<PacketCaptureFile>pcap</PacketCaptureFile></Tracing>"
                     "<SharedMemory><Enable>true</Enable></SharedMemory>")
    expect_text(world, 2, "Nobody", dir=os.path.join(parent, "none"), uri=trace, cwd=here)
    check_equal((os.listdir(parent), os.listdir(here)), ([], []), "created by eddy why")


def case_why_width(world):
    """Lines fit the terminal, however long a name is."""
    writer, reader = world.node("writer"), plain(world, "reader")
    topic = "a/topic/with/a/long/name/that/would/fill/a/line"
    writer.open(f"writer {topic} fixed depth=8")
    reader.do(f"reader {topic} fixed depth=8")
    expect(world, {topic: [("network", 1, ["reader not-launched"])]})
    for options in ([], [topic]):
        result = subprocess.run(
            [world.options.eddy, "why", "--domain", str(world.dds_domain), *options],
            capture_output=True, text=True, timeout=DEADLINE,
            env={**world.environment(), "COLUMNS": "60"})
        longest = max(len(line) for line in result.stdout.splitlines())
        check(longest <= 60, f"a line of {longest} columns: {result.stdout}")


# --- policies ---------------------------------------------------------------------------------


def open_topics(world, rows):
    """A writer and a reader for each row: (policies of the writer, of the reader, verdict)."""
    writer, reader = world.node("writer"), world.node("reader")
    wanted = {}
    for index, (writer_qos, reader_qos, result) in enumerate(rows):
        type_name = "fixed"
        if reader_qos.startswith("type="):
            type_name = reader_qos[len("type="):]
            reader_qos = ""
        reader.do(f"reader T{index} {type_name} {reader_qos}")
        writer.do(f"writer T{index} fixed {writer_qos}")
        wanted[f"T{index}"] = [result]
    return wanted


def outside(*reasons):
    return "network", 1, sorted(reasons)


def refused(*reasons):
    return "none", 2, sorted(f"pair {reason}" for reason in reasons)


LATCHED = "durability=transient-local"


def case_why_policies(world):
    """What keeps a writer or a reader off shared memory."""
    expect(world, open_topics(world, [
        ("depth=8", "depth=8", ("Eddy", 0, [])),
        ("history=keep-all", "depth=8", outside("writer history")),
        ("depth=8", "history=keep-all", outside("reader history")),
        ("depth=8 deadline=1000", "depth=8", outside("writer deadline")),
        ("depth=8 liveliness=manual-by-topic", "depth=8", outside("writer liveliness")),
        ("depth=8 ignorelocal=participant", "depth=8", outside("writer not-open")),
        (f"depth=40000 {LATCHED}", f"depth=8 {LATCHED}", outside("writer depth")),
        ("history=keep-all deadline=1000", "history=keep-all deadline=2000",
         outside("writer history", "writer deadline", "reader history", "reader deadline")),
    ]))


def case_why_refused(world):
    """What keeps DDS from connecting a writer and a reader."""
    expect(world, open_topics(world, [
        ("reliability=best-effort", "", refused("asked-reliability")),
        ("", LATCHED, refused("asked-durability")),
        ("", "deadline=1000", refused("asked-deadline")),
        ("", "liveliness=manual-by-topic", refused("asked-liveliness")),
        ("partition=a", "partition=b", refused("partitions")),
        ("partition=a", "", refused("partitions")),
        ("", "type=keyed", refused("type-names")),
        ("partition=a", "partition=a", ("Eddy", 0, [])),
    ]))
    expect_text(world, 2, "the writer's are 'a', the reader's 'b'", "node::Keyed")


def case_why_one_sided(world):
    """Only the writer is in shared memory, and what `eddy run` preloads against that is taken out."""
    reader = world.node("reader")
    writer = node_beside(world, "writer", *world.under_eddy("env", "-u", "LD_PRELOAD",
                                                            world.options.node))
    writer.open("writer T fixed depth=8")
    reader.do("reader T fixed history=keep-all")
    expect_one(world, "none", 2, "reader history", "pair one-sided")


# --- how programs were started ----------------------------------------------------------------


def case_why_not_launched(world):
    reader = plain(world, "reader")
    writer_and(world, reader)
    expect_one(world, "network", 1, "reader not-launched")
    expect_text(world, 1, "the reader was not started with `eddy run`", options=["T"])


def case_why_switched_off(world):
    off = settings("<SharedMemory><Enable>false</Enable></SharedMemory>")
    writer_and(world, world.node("reader", uri=off))
    expect_one(world, "network", 1, "reader switched-off")


def case_why_iceoryx(world):
    """The real one, in the place of Eddy, waits for its daemon; nothing hears of it."""
    from world import Node
    if not any(os.path.exists(f"{folder}/libiceoryx_posh.so.2")
               for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")):
        raise Skip("needs the real iceoryx")
    without = ("env", "-u", "LD_LIBRARY_PATH", "-u", "LD_PRELOAD")
    node = world.add(Node(world.under_eddy(*without, world.options.node), world.environment(),
                          "node"))
    node.send(f"join {world.dds_domain}")
    end = time.monotonic() + DEADLINE
    codes = []
    while codes != [["waits-for-daemon"]] and time.monotonic() < end:
        codes = [[reason["code"] for reason in pair["reasons"]] for pair in pairs(world)]
    check_equal(codes, [["waits-for-daemon"]], "reasons")
    expect_text(world, 2, f"pid {node.process.pid}, takes no part in DDS", "libiceoryx_binding_c")
    check_equal(pairs(world, dir=world.new_dir()), [], "what is said of it in another folder")
    node.kill()


def case_why_folders(world):
    """Each in a folder of its own; `eddy why` finds both."""
    writer_and(world, world.node("reader", dir=world.new_dir()))
    expect_one(world, "network", 1, "pair folders")
    one = settings("<SharedMemory><Locator>aa:</Locator></SharedMemory>")
    for program in world.programs:
        program.quit()
    writer_and(world, world.node("reader", dir=world.dirs[1], uri=one), uri=one)
    expect_one(world, "none", 2, "pair folders")


def case_why_scopes(world):
    other = settings("<SharedMemory><Prefix>other</Prefix></SharedMemory>")
    writer_and(world, world.node("reader", uri=other))
    expect_one(world, "none", 2, "pair scopes")
    expect_text(world, 2, "the reader in other", options=["T"])


def case_why_locators(world):
    other = settings("<SharedMemory><Locator>aa:</Locator></SharedMemory>")
    writer_and(world, world.node("reader", uri=other))
    expect_one(world, "Eddy", 1, "pair locators")


def case_why_domains(world):
    """Another DDS domain: nobody is there, but Eddy knows where they are."""
    reader = world.node("reader", dds_domain=world.dds_domain + 100)
    reader.open("reader T fixed depth=8")
    expect_text(world, 2, f"EDDY.{world.dds_domain + 100}", "--domain", options=["T"])
    world.node("writer").open("writer T fixed depth=8")
    expect(world, {"T": [("none", 2, ["pair no-reader"])]}, "T")


# --- types ------------------------------------------------------------------------------------


def cyclone_patch(node):
    """N of the Cyclone DDS 0.10.N that a node has loaded."""
    with open(f"/proc/{node.process.pid}/maps", encoding="utf-8") as maps:
        return int(re.search(r"/libddsc[^/]*\.so\.0\.10\.(\d+)", maps.read())[1])


def case_why_types(world):
    """Types that Cyclone DDS itself breaks in any shared memory."""
    writer, reader = world.node("writer"), world.node("reader")
    for topic, type_name in (("plain", "fixed"), ("keyed", "keyed"), ("text", "text-key"),
                             ("short", "short-text-key"), ("maybe", "optional")):
        reader.do(f"reader {topic} {type_name} depth=8")
        writer.do(f"writer {topic} {type_name} depth=8")
    well, faulty = [("Eddy", 0, [])], cyclone_patch(writer) < 4
    expect(world, {"plain": well, "keyed": well, "short": well,
                   "text": [("Eddy", 2, ["pair string-key"])] if faulty else well,
                   "maybe": [("Eddy", 2, ["pair optional"])]})
    if faulty:
        expect_text(world, 0, "note", "dds_lookup_instance", options=["keyed"])


def case_why_longer_type(world):
    """A writer whose version of the type is longer than the reader's."""
    from world import Program
    reader = world.node("reader")
    reader.do("reader T appendable depth=8")
    longer = os.path.join(os.path.dirname(world.options.node), "dds_longer")
    writer = world.add(Program(world.under_eddy(longer, str(world.dds_domain)),
                               world.environment(), "writer"))
    writer.line_with("ready")
    expect_one(world, "Eddy", 2, "pair longer-type")


# --- what becomes of processes and files ------------------------------------------------------


def case_why_stopped(world):
    writer, reader = world.pair("fixed", "depth=8")
    expect_one(world, "Eddy", 0)
    reader.suspend()
    writer.do("write 0 5")
    expect_one(world, "Eddy", 2, "reader stopped")
    expect_text(world, 2, "SIGSTOP", "the reader has 5 samples yet to take", options=["T"])
    reader.signal(signal.SIGCONT)
    reader.do("take 0 5")
    expect_one(world, "Eddy", 0)


def case_why_missed(world):
    """A reader that was further behind than its queue is long, or than the plug-in leaves to it."""
    writer, reader = world.pair("fixed", "depth=8")
    reader.suspend()
    writer.do(f"write 0 {40000 if world.options.library else 2000}")
    reader.signal(signal.SIGCONT)
    reader.do("take 0 1")
    expect_one(world, "Eddy", 2, "reader missed")


def case_why_dead(world):
    """A killed writer: who asks for its topic is told."""
    writer, reader = world.pair("fixed", "depth=8")
    writer.kill()
    expect(world, {"T": [("none", 2, ["writer dead"])]}, "T")


def case_why_removed(world):
    """The files are gone while processes, which do not notice, have them open."""
    writer, reader = world.pair("fixed", "depth=8")
    for node in (writer, reader):
        node.suspend()
    for name in os.listdir(world.dir):
        os.unlink(os.path.join(world.dir, name))
    gone = ("none", 2, ["pair holds-removed"])
    expect(world, {None: [gone, gone]})
    expect_text(world, 2, f"pid {writer.process.pid}, has files in {world.dir} open",
                f"pid {reader.process.pid}, has files")


def small_file_system(world):
    """A domain's folder of 4 MiB."""
    need_root()
    here = world.new_dir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", here], check=True,
                       capture_output=True, timeout=30)
    except subprocess.CalledProcessError as error:
        raise Skip(f"cannot mount here: {error.stderr.decode().strip()}") from None
    world.undo.append(lambda: subprocess.run(["umount", "-l", here], timeout=30))
    return here


def case_why_full(world):
    """The file system is full before writer and reader are opened."""
    here = small_file_system(world)
    writer, reader = world.node("writer", dir=here), world.node("reader", dir=here)
    with open(os.path.join(here, "filler"), "wb") as file:
        try:
            while True:
                os.write(file.fileno(), bytes(4096))
        except OSError:
            pass
    writer.do("writer T fixed depth=8")
    reader.do("reader T fixed depth=8")
    expect_one(world, "network", 1, "writer full", "reader full", dir=here)


# --- other hosts, namespaces and users --------------------------------------------------------


def case_why_other_host(world):
    """A reader on another host, which has another name."""
    here, there = two_hosts(world)
    other_name = ["unshare", "-pu", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                  'hostname elsewhere; exec "$@"', "sh"]
    in_here = ["ip", "netns", "exec", here]
    writer = world.node("writer", prefix=in_here, uri=uri_at(ADDRESSES[0]))
    # Seen from here its process id is not the one that it says: nobody can look into another host.
    reader = world.node("reader", prefix=["ip", "netns", "exec", there, *other_name],
                        uri=uri_at(ADDRESSES[1]), dir=world.new_dir())
    writer.open("writer T fixed depth=8")
    reader.open("reader T fixed depth=8")
    blind = [*in_here, "unshare", "-p", "--fork", "--mount-proc"]
    expect_one(world, "network", 1, "reader other-host", "writer out-of-sight", prefix=blind,
               uri=uri_at(ADDRESSES[0]), dir=world.new_dir())
    expect_text(world, 1, "the reader is on another host, elsewhere", prefix=blind,
                uri=uri_at(ADDRESSES[0]), dir=world.dirs[-1])


def case_why_containers(world):
    """Two containers that share the folder, seen from outside."""
    names = two_hosts(world)
    for name, host, address in zip(("writer", "reader"), names, ADDRESSES):
        prefix = container(world, "ip", "netns", "exec", host)
        node = world.node(name, prefix=prefix, uri=uri_at(address))
        node.open(f"{name} T fixed depth=8")
    outside = {"prefix": ["ip", "netns", "exec", names[0]], "uri": uri_at(ADDRESSES[0])}
    expect_one(world, "Eddy", 0, **outside)


def case_why_mounted(world):
    """Programs that have the folder at another place, in mount namespaces of their own."""
    need_root()
    elsewhere = world.new_dir()
    mounted = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh",
               world.dir, elsewhere]
    try:
        subprocess.run([*mounted, "true"], check=True, capture_output=True, timeout=30)
    except subprocess.CalledProcessError as error:
        raise Skip(f"cannot mount here: {error.stderr.decode().strip()}") from None
    writer, reader = (world.node(name, prefix=mounted, dir=elsewhere)
                      for name in ("writer", "reader"))
    writer.open("writer T fixed depth=8")
    reader.open("reader T fixed depth=8")
    expect_text(world, 0, "in Eddy", lines=2, options=["T"])  # with no note that it is presumed


def case_why_undiscovered(world):
    """Somebody is in the folder whom discovery does not reach."""
    need_root()
    try:
        ip("netns", "add", name := f"eddy-{os.getpid()}-why")
    except subprocess.CalledProcessError as error:
        raise Skip(f"no network namespaces here: {error.stderr.decode().strip()}") from None
    world.undo.append(lambda: ip("netns", "del", name))
    ip("-n", name, "link", "set", "lo", "up")
    reader = world.node("reader")
    reader.open("reader T fixed depth=8")
    writer = world.node("writer", prefix=["ip", "netns", "exec", name])
    writer.open("writer T fixed depth=8")
    expect_one(world, "none", 2, "writer undiscovered")
    writer.do("write 0 3")
    expect_one(world, "none", 2, "writer undiscovered", "reader waiting")
    expect_one(world, "none", 2, "writer undiscovered", "reader given-up")
    expect_text(world, 2, "3 samples for the reader were given up", options=["T"])


def case_why_other_user(world):
    """Two users, each with a folder: why says so to root, and to either of them."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs root and setpriv, to be two users")
    alice, bob = 54321, 54322
    theirs = world.new_dir()
    os.chown(world.dir, alice, alice)
    os.chown(theirs, bob, bob)
    writer = world.node("writer", prefix=as_user(world, alice))
    reader = world.node("reader", prefix=as_user(world, bob), dir=theirs)
    writer.open("writer T fixed depth=8")
    reader.open("reader T fixed depth=8")
    expect_one(world, "network", 1, "pair folders")
    expect_one(world, "network", 1, "reader other-user", prefix=as_user(world, alice))
