# cases_network.py - other hosts and containers, played by namespaces, and other users.  These need
# root, and more than a chroot or some containers leave to root: where that is so they are skipped.
#
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess

from cases_data import check_all_came
from world import check_equal, cyclone_uri, Skip

NEEDED = ("ip", "unshare", "mount")


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root, for network namespaces")
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        raise Skip(f"needs {', '.join(missing)}")


def prepare(what, *command):
    """What a machine has to be able to do before anything of Eddy is tried; what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"`{' '.join(command)}` fails"]
        raise Skip(f"{what}: {said[-1]}")
    return done.stdout


def ip(*words):
    prepare("no network namespaces here", "ip", *words)


def two_hosts(world):
    """Two network namespaces with a cable between them; their names."""
    need_root()
    names = [f"eddy-{os.getpid()}-{side}" for side in "ab"]
    for name in names:
        ip("netns", "add", name)
        world.undo.append(lambda name=name: subprocess.run(["ip", "netns", "del", name]))
        ip("netns", "exec", name, "true")
    ends = [f"ed{os.getpid()}{side}" for side in "ab"]
    ip("link", "add", ends[0], "netns", names[0], "type", "veth",
       "peer", "name", ends[1], "netns", names[1])
    for name, end, address in zip(names, ends, ADDRESSES):
        inside = ("-n", name)
        ip(*inside, "address", "add", f"{address}/24", "dev", end)
        ip(*inside, "link", "set", end, "up")
        ip(*inside, "link", "set", "lo", "up")
    return names


ADDRESSES = ("192.0.2.1", "192.0.2.2")


def uri_at(address):
    return cyclone_uri(f'address="{address}"', ADDRESSES)


def exchange(writer, reader):
    """100 samples from the one node to the other."""
    reader.open("reader T fixed depth=100")
    writer.open("writer T fixed depth=100")
    writer.do("matched w 0 1")
    reader.do("matched r 0 1")
    writer.do("write 0 100")
    check_all_came(reader.do("take 0 100"), 100)


def case_network(world):
    """A reader on another host gets its samples over the network, a local one through Eddy."""
    here, there = two_hosts(world)
    in_here, in_there = ["ip", "netns", "exec", here], ["ip", "netns", "exec", there]
    writer = world.node("writer", prefix=in_here, uri=uri_at(ADDRESSES[0]))
    local = world.node("local", prefix=in_here, uri=uri_at(ADDRESSES[0]))
    dir_there = world.new_dir()
    remote = world.node("remote", prefix=in_there, uri=uri_at(ADDRESSES[1]), dir=dir_there)
    qos = "depth=100"
    for node in (local, remote):
        node.open(f"reader T fixed {qos}")
    writer.open(f"writer T fixed {qos}")
    writer.do("matched w 0 2")
    for node in (local, remote):
        node.do("matched r 0 1")
    writer.do("write 0 100")
    for node in (local, remote):
        check_all_came(node.do("take 0 100"), 100)
    writer.do("write 0 1")  # had one of them come twice, it would lie before this one
    for node in (local, remote):
        check_all_came(node.do("take 0 101"), 101)
    world.check_published(101)
    world.check_published(0, dir=dir_there, readers=0)
    world.end()


# In the container: the domain's folder and nothing else of the host's /dev/shm.
CONTAINER = """
set -e
mkdir -p "$2"
mount --bind "$1" "$2"
mount -t tmpfs none /dev/shm
mkdir -p "$1"
mount --move "$2" "$1"
shift 2
exec "$@"
"""


def container(world, *outside):
    """What a command has to begin with to run in PID and mount namespaces of its own."""
    door = f"/tmp/eddy-door-{os.getpid()}"
    world.undo.append(lambda: os.path.isdir(door) and os.rmdir(door))
    return [*outside, "unshare", "-pm", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", CONTAINER, "container", world.dir, door]


def check_apart(world, prefix):
    """The containers really are: other processes and another /dev/shm."""
    seen = prepare("no containers here", *prefix, "sh", "-c", "echo $$; ls /dev/shm")
    check_equal(seen.split(), ["1", os.path.basename(world.dir)],
                "process id and /dev/shm in a container")


def case_container(world):
    """Two containers that share the domain's folder: discovery by network, samples by Eddy."""
    hosts = two_hosts(world)
    nodes = []
    for name, host, address in zip(("writer", "reader"), hosts, ADDRESSES):
        prefix = container(world, "ip", "netns", "exec", host)
        check_apart(world, prefix)
        nodes.append(world.node(name, prefix=prefix, uri=uri_at(address)))
    exchange(*nodes)
    world.check_published(100)
    world.end()


def case_container_native(world):
    """The same without any network."""
    need_root()
    prefix = container(world, "unshare", "-n")
    check_apart(world, prefix)

    def run(name, *options):
        path = os.path.join(world.options.examples, "native", name)
        return world.start([*prefix, path, *options], name)

    listener = run("listener", "--count", "5")
    talker = run("talker", "--rate", "50", "--count", "200")
    sn = [int(listener.line_with("hello").split(":")[0].split()[1]) for _ in range(5)]
    check_equal(sn, list(range(sn[0], sn[0] + 5)), "sequence numbers in order")
    for program in (listener, talker):
        check_equal(program.ended(), 0, f"{program.name}: exit code")
    world.end()


GROUP, ALICE, BOB = 54320, 54321, 54322  # which no system gives to anybody


def as_user(world, user):
    """What a command has to begin with to run as that user, of that group."""
    prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={GROUP}"]
    prepare("no other users here", *prefix, "true")
    prepare("another user cannot start what was built here", *prefix, "test", "-x",
            world.options.node)
    return prefix


def case_group(world):
    """Programs of two users meet in Eddy, in a folder that was made for their group."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("needs root and setpriv, to be two users")
    alice, bob = as_user(world, ALICE), as_user(world, BOB)
    os.chown(world.dir, 0, GROUP)
    os.chmod(world.dir, 0o2770)
    reader = world.node("reader", prefix=alice)
    writer = world.node("writer", prefix=bob)
    exchange(writer, reader)
    for name in os.listdir(world.dir):
        found = os.stat(os.path.join(world.dir, name))
        check_equal((found.st_gid, oct(found.st_mode & 0o7777)), (GROUP, "0o660"), name)
    world.check_published(100)
    world.end()
