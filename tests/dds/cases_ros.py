# cases_ros.py - what ROS 2 nodes do goes as well through Eddy as over the network.
#
# Each case is a scenario that is run twice, over the network alone and under `eddy run`; what the
# nodes answer has to be the same both times, and what the scenario itself demands.
#
# SPDX-License-Identifier: Apache-2.0
import os
import statistics

from world import check, check_equal, LOOPBACK, Node

ROUNDS = 10
SLACK = 300  # ms by which the end of a node may differ; a lost acknowledgement costs 1,000

QUICK_LEASE = LOOPBACK.replace("<Discovery>", "<Discovery><LeaseDuration>1s</LeaseDuration>")


class Nodes:
    """Starts nodes, all of one scenario over the network or all under Eddy."""

    def __init__(self, world, eddy, uri=LOOPBACK):
        self.world, self.eddy, self.uri = world, eddy, uri
        self.program = os.path.join(os.path.dirname(world.options.node), "ros", "ros_node")
        self.started = []

    def begin(self, name, eddy=None):
        """A node whose answer to `node` is still to come, so that several can start at once."""
        under_eddy = self.eddy if eddy is None else eddy
        command = self.world.under_eddy(self.program) if under_eddy else [self.program]
        node = self.world.add(Node(command, self.world.environment(uri=self.uri), name))
        node.send(f"node {name} {self.world.dds_domain}")
        self.started.append(node)
        return node

    def start(self, name, eddy=None):
        node = self.begin(name, eddy)
        node.answer()
        return node

    def open(self, node, what):
        """Opens an endpoint, which is in shared memory exactly if the node is under Eddy."""
        check_equal(node.do(what)["shm"], int(self.eddy), f"{node.name}: {what}: shared memory")

    def end(self):
        """Ends those that still live, all in order; ms that each took."""
        times = []
        for node in self.started:
            if node.process.poll() is None:
                times.append(node.do("end")["ms"])
                node.quit()
            if node.process.returncode == 0:
                check_equal(node.said(), "", f"what {node.name} said on standard error")
        return times


def compare(world, scenario, uri=LOOPBACK):
    found = {}
    for way in ("network", "Eddy"):
        nodes = Nodes(world, way == "Eddy", uri)
        found[way] = scenario(nodes)
        nodes.end()
    check_equal(found["Eddy"], found["network"], "over Eddy, compared with the network")
    world.check_nothing_left()


def all_of(first, last):
    """The answer of a subscription that has got each message once."""
    return {"valid": last - first + 1, "bad": 0, "repeated": 0, "first": first, "last": last}


def receive(node, index, first, last, what):
    answer = node.do(f"receive {index} {last - first + 1}")
    check_equal(answer, all_of(first, last), what)
    return answer


def case_ros_graph(world):
    """Nodes that started earlier are seen by those that come later, and the other way round."""
    def scenario(nodes):
        for count in range(1, 5):
            nodes.start(f"n{count}")
            for node in nodes.started:
                node.do(f"nodes {count}")
        for count in range(3, 0, -1):
            nodes.started[count].do("end")
            nodes.started[count].quit()
            for node in nodes.started[:count]:
                node.do(f"nodes {count}")
    compare(world, scenario)


def case_ros_graph_mixed(world):
    """Nodes under Eddy and nodes outside see each other, and talk."""
    def scenario(nodes):
        inside = nodes.start("inside")
        outside = nodes.start("outside", eddy=False)
        later = nodes.start("later")
        for node in (inside, outside, later):
            node.do("nodes 3")
        inside.do("server add default")
        outside.do("client add default")
        answers = [outside.do("call 0 5")["answered"],
                   outside.do("parameters later 2")["answered"],
                   later.do("parameters outside 2")["answered"]]
        check_equal(answers, [5, 12, 12], "questions answered")
    compare(world, scenario)


def case_ros_services(world):
    """A request that is sent as soon as the server is there is answered, whoever came first."""
    def scenario(nodes):
        server, client = nodes.start("server"), nodes.start("client")
        answered = []
        for round in range(ROUNDS):
            first, second = ((server, "server"), (client, "client"))[::1 if round % 2 else -1]
            for node, what in (first, second):
                nodes.open(node, f"{what} add{round} default")
            answered.append(client.do(f"call {round} 5")["answered"])
        check_equal(answered, [5] * ROUNDS, "questions answered")
        return answered
    compare(world, scenario)


def case_ros_new_client(world):
    """The first thing that a new process does is to ask, as the command line does."""
    def scenario(nodes):
        nodes.open(nodes.start("server"), "server add default")
        answered = []
        for round in range(ROUNDS):
            client = nodes.start(f"client{round}")
            nodes.open(client, "client add default")
            answered.append(client.do("call 0 1")["answered"])
        check_equal(answered, [1] * ROUNDS, "first questions answered")
        return answered
    compare(world, scenario)


def case_ros_parameters(world):
    """Each of a node's six parameter services answers, to a node that comes later and an older."""
    def scenario(nodes):
        older, node = nodes.start("older"), nodes.start("node")
        newer = nodes.start("newer")
        answered = [who.do("parameters node 3")["answered"] for who in (older, newer)]
        check_equal(answered, [18, 18], "questions answered")
        return answered
    compare(world, scenario)


def latched(nodes, round, publisher, subscriber, publisher_first):
    topic = f"rt/tf_static{round}"
    reader = "latched" if round % 4 < 2 else "latched-reader"
    if publisher_first:
        nodes.open(publisher, f"publisher {topic} latched")
        publisher.do(f"publish {round} 3 200")
        nodes.open(subscriber, f"subscription {topic} {reader}")
        receive(subscriber, round, 3, 3, f"round {round}, publisher first")
    else:
        nodes.open(subscriber, f"subscription {topic} {reader}")
        nodes.open(publisher, f"publisher {topic} latched")
        publisher.do(f"publish {round} 1 200")
        receive(subscriber, round, 1, 1, f"round {round}, subscriber first")


def case_ros_latched(world):
    """A latched topic reaches its subscribers in both start orders, within nodes that live."""
    def scenario(nodes):
        publisher, subscriber = nodes.start("publisher"), nodes.start("subscriber")
        for round in range(ROUNDS):
            latched(nodes, round, publisher, subscriber, round % 2 == 0)
    compare(world, scenario)


def case_ros_latched_new(world):
    """The same with a new node each time, whose first message is the latched one."""
    def scenario(nodes):
        subscriber = nodes.start("subscriber")
        for round in range(ROUNDS):
            nodes.open(subscriber, f"subscription rt/map{round} latched-reader")
            publisher = nodes.start(f"publisher{round}")
            nodes.open(publisher, f"publisher rt/map{round} latched")
            publisher.do("publish 0 1 1000")
            receive(subscriber, round, 1, 1, f"round {round}")
    compare(world, scenario)


def case_ros_rosout(world):
    """/rosout keeps 1,000 messages, for those who are there and those who come later."""
    def scenario(nodes):
        node, live = nodes.start("node"), nodes.start("live")
        nodes.open(live, "subscription rt/rosout rosout")
        node.do("publish rosout 900 120")
        receive(live, 0, 1, 900, "the subscriber that was there")
        node.do("publish rosout 600 120")
        receive(live, 0, 1, 1500, "the subscriber that was there, of the second part")
        late = nodes.start("late")
        nodes.open(late, "subscription rt/rosout rosout")
        receive(late, 0, 501, 1500, "the subscriber that came late")
        node.do("publish rosout 10 120")
        receive(live, 0, 1, 1510, "live messages, to the one that was there")
        return late.do("receive 0 1010")
    compare(world, scenario)


def case_ros_messages(world):
    """What is published right after the match arrives: small, of fixed size, and images."""
    def scenario(nodes):
        publisher, subscriber = nodes.start("publisher"), nodes.start("subscriber")
        shapes = (("default", 100, ""), ("default", 0, "fixed"), ("default", 1 << 20, ""),
                  ("sensor", 300, ""))
        index = 0
        for _ in range(3):
            for profile, size, fixed in shapes:
                nodes.open(publisher, f"publisher rt/t{index} {profile} {fixed}")
                nodes.open(subscriber, f"subscription rt/t{index} {profile} {fixed}")
                publisher.do(f"matched p {index} 1")
                subscriber.do(f"matched s {index} 1")
                publisher.do(f"publish {index} 5 {size}")
                receive(subscriber, index, 1, 5, f"{profile} {size} {fixed}")
                index += 1
    compare(world, scenario)


def case_ros_many(world):
    """Eight nodes that start at once see each other, and each hears all the others."""
    count = 8

    def scenario(nodes):
        everybody = [nodes.begin(f"n{i}") for i in range(count)]
        for node in everybody:
            node.answer()
        for i, node in enumerate(everybody):
            nodes.open(node, f"publisher rt/t{i} default")
        for node in everybody:
            for i in range(count):
                nodes.open(node, f"subscription rt/t{i} default")
        for node in everybody:
            node.do(f"nodes {count}")
            node.do(f"matched p 0 {count}")
            for i in range(count):
                node.do(f"matched s {i} 1")
        for node in everybody:
            node.do("publish 0 10 1000")
        for node in everybody:
            for i in range(count):
                receive(node, i, 1, 10, f"{node.name} from n{i}")
    compare(world, scenario)


def case_ros_killed(world):
    """A node is killed and started again: it is missed, seen again, and heard from the first."""
    def scenario(nodes):
        watcher = nodes.start("watcher")
        watcher.do("client add default")
        for round in range(4):
            nodes.open(watcher, f"subscription rt/map{round} latched-reader")
            victim = nodes.start("victim")
            victim.do("nodes 2")
            watcher.do("nodes 2")
            nodes.open(victim, f"publisher rt/map{round} latched")
            victim.do("publish 0 1 500")
            receive(watcher, round, 1, 1, f"round {round}: the first message")
            nodes.open(victim, "server add default")
            check_equal(watcher.do("call 0 3")["answered"], 3, f"round {round}: questions answered")
            victim.kill()
            watcher.do("nodes 1")
    compare(world, scenario, QUICK_LEASE)


def case_ros_end(world):
    """To end takes a node no longer than over the network."""
    times = {}
    for way in ("network", "Eddy", "network", "Eddy"):
        nodes = Nodes(world, way == "Eddy")
        for i in range(4):
            nodes.start(f"n{i}").do(f"nodes {i + 1}")
        times.setdefault(way, []).extend(nodes.end())
    middle = {way: statistics.median(taken) for way, taken in times.items()}
    print(f"ms to end: {times}")
    check(middle["Eddy"] <= middle["network"] + SLACK, f"ms to end: {middle}")
