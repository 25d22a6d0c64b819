# bench.py - one run of a scenario: over the network, or over Eddy.
#
# A scenario is a function of a bench.  It starts nodes, tells them what to do, and notes what they
# answer; what it has noted is compared with what another run has.
#
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import tempfile
import threading

import world
from world import check, Failure

QUIET = 120  # ms without an arrival after which nothing more is expected to come
PATIENCE = 4  # seconds that Eddy may need for what has come over the network
LITTLE_PATIENCE = 1  # the same where not all is expected to come

# Of a writer or reader, these words keep Cyclone DDS from shared memory.
NETWORK_ONLY = ("history=keep-all", "deadline=", "liveliness=manual", "ignorelocal=participant",
                "ignorelocal=process")
# Of Cyclone DDS 11 with the plug-in, with these words only some.
PLUGIN_DEPENDS = ("service-depth=keep-all", "appendable", "mutable", "optional", "partition=",
                  "deadline=", "liveliness=manual")
DURABLE = ("durability=transient", "durability=persistent")


def uri(tag, peers, general="", discovery="", more=""):
    """One interface, no multicast; the tag keeps apart what else runs on the machine.  `peers`: whom
    participants tell of themselves before they know anybody."""
    return (
        '<Domain id="any"><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
        f"<AllowMulticast>false</AllowMulticast>{general}</General>"
        "<Discovery><ParticipantIndex>auto</ParticipantIndex>"
        "<MaxAutoParticipantIndex>40</MaxAutoParticipantIndex>"
        f"{peers}<Tag>{tag}</Tag>{discovery}</Discovery>{more}"
        "</Domain>"
    )


class Product:
    """What the nodes run on: `eddy` or not, and which libddsc."""

    def __init__(self, options, eddy):
        self.options, self.eddy = options, eddy
        self.name = "eddy" if eddy else "network"
        self.has_plugin = int(options.version.split(".")[0]) >= 11

    def command(self):
        launch = [self.options.eddy, "run", "--"] if self.eddy else []
        return [*launch, self.options.node]

    def environment(self, folder, cyclone_uri):
        wanted = {**os.environ, "EDDY_DIR": folder, "CYCLONEDDS_URI": cyclone_uri}
        if self.options.library:
            wanted["LD_LIBRARY_PATH"] = self.options.library
        return wanted

    @property
    def general(self):
        return self.options.general if self.eddy else ""

    @property
    def settings(self):
        return self.options.settings if self.eddy else ""


class Node(world.Node):
    """A dds_node on a bench, which notes what it answers where that matters."""

    def __init__(self, bench, name, cyclone_uri):
        product = bench.product
        super().__init__(product.command(), product.environment(bench.folder, cyclone_uri), name)
        self.bench = bench
        self.pending = 0

    def post(self, command):
        """Without waiting for the answer: the commands of a line run in one go."""
        self.send(command)
        self.pending += 1

    def wait(self):
        """The last answer, of all that were asked for."""
        answer = None
        while self.pending > 0:
            self.pending -= 1
            answer = self.answer()
        return answer

    def do(self, command):
        self.post(command)
        return self.wait()

    def open(self, what):
        self.post(what)
        self.opened(what, self.wait())

    def opened(self, what, answer):
        """On Eddy, whatever Cyclone DDS lets use shared memory has to; that of a writer with a
        history depends on the version."""
        plugin = self.bench.product.has_plugin
        network_only = () if plugin else NETWORK_ONLY
        depends = PLUGIN_DEPENDS if plugin else DURABLE
        eligible = not any(word in what for word in network_only)
        if self.bench.product.eddy and not any(word in what for word in depends):
            check(answer["shm"] == eligible, f"{self.name}: {what}: shm={answer['shm']}")

    def writer(self, type_name, words="", topic="T"):
        self.open(f"writer {topic} {type_name} {words}")

    def reader(self, type_name, words="", topic="T"):
        self.open(f"reader {topic} {type_name} listen=count {words}")

    def log(self, index=0):
        self.post(f"log {index}")
        self.pending -= 1
        line = self.line()
        check(line.startswith("ok"), f"{self.name}: {line}")
        return line[2:].strip()

    def settle(self, index=0, least=0, quiet=QUIET):
        """Waits until all that comes has come: as much as over the network, and then nothing."""
        self.bench.settled += 1
        place = f"{self.name} {index} {self.bench.settled}"
        count = least
        if self.bench.expected is not None:
            count = self.bench.expected.get(place, least)
        answer = self.do(f"await {index} {count} quiet={quiet} seconds={self.bench.patience}")
        self.bench.arrivals[place] = answer["arrivals"]

    def take(self, index=0, words="", least=0):
        """Settles, takes all, and notes each sample."""
        self.settle(index, least)
        self.do(f"record {index} {words}")
        self.bench.note(f"{self.name}.{index}: {self.log(index)}")

    def note(self, command, *names):
        answer = self.do(command)
        shown = " ".join(f"{name}={answer[name]}" for name in names or answer)
        self.bench.note(f"{self.name}: {command}: {shown}")

    def status(self, which="r", index=0):
        """A refusal may be noticed more than once."""
        answer = self.do(f"status {which} {index}")
        why = f"refused for policy {answer['policy']}" if answer["refused"] > 0 else ""
        self.bench.note(f"{self.name}: {which}{index} matched={answer['matched']} {why}")


class Bench:
    """`expected`: how many arrivals each reader had in the run to compare with, by place."""

    def __init__(self, product, domain, expected, patience):
        self.product, self.domain, self.tag = product, domain, new_tag()
        self.expected, self.patience = expected, patience
        self.folder = tempfile.mkdtemp(prefix="eddy-diff-", dir="/dev/shm")
        self.nodes, self.lines, self.arrivals, self.settled = [], [], {}, 0
        self.undo, self.peer = [], "127.0.0.1"

    def note(self, line):
        self.lines.append(line)

    def uri(self, general="", discovery="", more=""):
        # Without multicast Cyclone DDS 11 tells this host, too, unless it must not.
        alone = ' AddLocalhost="false"' if self.product.has_plugin else ""
        peers = f'<Peers{alone}><Peer address="{self.peer}"/></Peers>'
        return uri(self.tag, peers, self.product.general + general, discovery,
                   self.product.settings + more)

    def node(self, name, joined=True, **settings):
        node = Node(self, name, self.uri(**settings))
        self.nodes.append(node)
        node.post(f"join {self.domain}")
        if joined:
            node.wait()
        return node

    def start(self, *names, **settings):
        """Several at once."""
        nodes = [self.node(name, joined=False, **settings) for name in names]
        for node in nodes:
            node.wait()
        return nodes

    def end(self):
        """All that still run leave in order; whoever does not, says so."""
        running = [node for node in self.nodes if node.process.poll() is None]
        for node in running:
            node.process.stdin.close()
        for node in running:
            code = node.ended()
            if code != 0:
                self.note(f"{node.name}: exit code {code}")

    def close(self):
        for node in self.nodes:
            node.close()
        for undo in reversed(self.undo):
            undo()
        shutil.rmtree(self.folder, ignore_errors=True)


class Result:
    def __init__(self, bench):
        self.lines, self.arrivals = bench.lines, bench.arrivals


counter_lock = threading.Lock()
counter = 0


def new_tag():
    """Distinct from that of all other benches of this machine."""
    global counter
    with counter_lock:
        counter += 1
        return f"eddy-diff-{os.getpid()}-{counter}"


def run(scenario, product, domain, expected=None, patience=PATIENCE):
    bench = Bench(product, domain, expected, patience)
    try:
        scenario.run(bench)
        bench.end()
    except Failure as failure:
        bench.note(f"failed: {failure}")
    finally:
        bench.close()
    return Result(bench)
