# cases_cost.py - what `eddy run` costs on networks, and that nothing is lost between readers and
# writers of which one side alone may use shared memory.  These need root, for network namespaces.
#
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

from cases_data import check_all_came
from cases_network import ip, need_root
from world import check, Node

NETWORKS = ("192.0.2", "198.51.100")
MAY, MAY_NOT = "depth=2000", "depth=2000 history=keep-all"  # use shared memory
LATE = "durability=transient-local"


class Host:
    """A network namespace."""

    def __init__(self, world, side):
        self.side = side
        self.name = f"eddy-{os.getpid()}-{'ab'[side]}"
        self.links = []
        ip("netns", "add", self.name)
        world.undo.append(self.close)
        ip("-n", self.name, "link", "set", "lo", "up")

    def close(self):
        if self.name is not None:
            ip("netns", "del", self.name)
        self.name = None

    def address(self, cable):
        return f"{NETWORKS[cable]}.{self.side + 1}"

    def counted(self, link):
        """Packets and bytes that it has sent there."""
        lines = subprocess.run(
            ["ip", "netns", "exec", self.name, "cat", "/proc/net/dev"], check=True,
            capture_output=True, text=True, timeout=30).stdout.splitlines()
        fields = next(line for line in lines if line.split(":")[0].strip() == link)
        fields = fields.split(":")[1].split()
        return int(fields[9]), int(fields[8])

    def uri(self):
        listed = "".join(f'<NetworkInterface address="{self.address(cable)}"/>'
                         for cable in range(len(self.links)))
        return f"<General><Interfaces>{listed}</Interfaces></General>"


def two_hosts(world, cables):
    need_root()
    hosts = [Host(world, side) for side in range(2)]
    for cable in range(cables):
        ends = [f"ed{os.getpid()}{side}{cable}" for side in "ab"]
        ip("link", "add", ends[0], "netns", hosts[0].name, "type", "veth",
           "peer", "name", ends[1], "netns", hosts[1].name)
        for host, end in zip(hosts, ends):
            ip("-n", host.name, "address", "add", f"{host.address(cable)}/24", "dev", end)
            ip("-n", host.name, "link", "set", end, "up")
            host.links.append(end)
    return hosts


def start(world, host, name, under_eddy, more=""):
    command = [world.options.node]
    if under_eddy:
        command = world.under_eddy(*command)
    environment = world.environment(world.dir, host.uri() + more)
    node = world.add(Node(["ip", "netns", "exec", host.name, *command], environment, name))
    node.do(f"join {world.dds_domain}")
    return node


def send(writer, readers, count, options=""):
    writer.do(f"matched w 0 {len(readers)}")
    for reader in readers:
        reader.do("matched r 0 1")
    writer.do(f"write 0 {count} {options}")
    for reader in readers:
        check_all_came(reader.do(f"take 0 {count}"), count)


def mixed(world, cables):
    """Either side may use shared memory and the other not; readers here and on another host."""
    here, there = two_hosts(world, cables)
    for qos in ((MAY, MAY_NOT), (MAY_NOT, MAY)):
        writer = start(world, here, "writer", True)
        readers = [start(world, here, "local", True), start(world, there, "remote", False)]
        for reader in readers:
            reader.do(f"reader T variable {qos[1]}")
        writer.do(f"writer T variable {qos[0]}")
        send(writer, readers, 200, "size=70000")
        writer.do("write 0 1 size=10")  # had one come twice, it would be before this one
        for reader in readers:
            check_all_came(reader.do("take 0 201"), 201)
        for node in (writer, *readers):
            node.quit()


def case_mixed_late(world):
    """The same for readers that come when all has been written."""
    here, there = two_hosts(world, 1)
    for qos in ((MAY, MAY_NOT), (MAY_NOT, MAY)):
        writer = start(world, here, "writer", True)
        writer.do(f"writer T variable {qos[0]} {LATE}")
        writer.do("write 0 200 size=1000")
        readers = [start(world, here, "local", True), start(world, there, "remote", False)]
        for reader in readers:
            reader.do(f"reader T variable {qos[1]} {LATE}")
            check_all_came(reader.do("take 0 200"), 200)
        for node in (writer, *readers):
            node.quit()


def case_mixed_burst(world):
    """More at once than the buffers of a socket hold: what is lost on the way is sent again."""
    here, _ = two_hosts(world, 1)
    for qos in ((MAY, MAY_NOT), (MAY_NOT, MAY)):
        writer, reader = start(world, here, "writer", True), start(world, here, "reader", True)
        reader.do(f"reader T variable {qos[1]}")
        writer.do(f"writer T variable {qos[0]}")
        send(writer, [reader], 500, "size=70000")
        for node in (writer, reader):
            node.quit()


def case_mixed_one_interface(world):
    mixed(world, 1)


def case_mixed_two_interfaces(world):
    mixed(world, 2)


def cost(world, cables, under_eddy):
    """Packets and bytes sent on each link and on the loopback device for 1,000 samples to a reader
    here and one on another host."""
    here, there = two_hosts(world, cables)
    writer = start(world, here, "writer", under_eddy)
    readers = [start(world, here, "local", under_eddy), start(world, there, "remote", False)]
    for reader in readers:
        reader.do("reader T variable depth=2000")
    writer.do("writer T variable depth=2000")
    send(writer, readers, 10)
    before = [here.counted(link) for link in (*here.links, "lo")]
    writer.do("write 0 1000 size=200")
    for reader in readers:
        check_all_came(reader.do("take 0 1010"), 1010)
    after = [here.counted(link) for link in (*here.links, "lo")]
    for node in (writer, *readers):
        node.quit()
    for host in (here, there):
        host.close()
    return [(now[0] - then[0], now[1] - then[1]) for then, now in zip(before, after)]


def check_cost(world, cables):
    """Other hosts are sent what they were sent before, and the loopback device nearly nothing."""
    plain, ours = (cost(world, cables, under_eddy) for under_eddy in (False, True))
    print(f"packets and bytes on {cables} links and loopback: network alone {plain}, Eddy {ours}")
    for before, now in zip(plain[:-1], ours[:-1]):
        check(now[0] <= 1.1 * before[0] + 50 and now[1] <= 1.1 * before[1] + 10000,
              f"packets and bytes to another host: {now}, with the network alone {before}")
    check(ours[-1][0] < 100, f"packets and bytes on the loopback device: {ours[-1]}")


def case_cost_one_interface(world):
    check_cost(world, 1)


def case_cost_two_interfaces(world):
    check_cost(world, 2)


def case_cost_big(world):
    """Large samples between programs of one host do not touch any network."""
    here, _ = two_hosts(world, 1)
    writer, reader = start(world, here, "writer", True), start(world, here, "reader", True)
    reader.open("reader T big depth=20")
    writer.open("writer T big depth=20")
    before = [here.counted(link)[1] for link in (*here.links, "lo")]
    send(writer, [reader], 20)
    after = [here.counted(link)[1] for link in (*here.links, "lo")]
    used = sum(after) - sum(before)
    print(f"bytes on the link and loopback for 80 MiB: {used}")
    check(used < 1 << 20, f"{used} bytes went over networks")
    world.end()
