# cases_torture.py - DDS programs start, write, read, leave, stop, die and come back at random; one
# reader that never dies checks all that comes.
#
# The whole schedule is drawn from the seed, never from what happens or when: the same seed gives
# the same schedule.  How far a run gets in its time depends on the machine.
#
# SPDX-License-Identifier: Apache-2.0
import random
import signal
import sys
import time

from cases_death import clear_up
from world import check, check_equal, Failure

PROGRAMS = 5
MOST_TRIES = 30  # seconds that the newcomer may take to be heard
MOST_HANDLES = 4  # writers, and readers, of one program
TOPICS = [("fixed", ""), ("variable", "size=900"), ("keyed", "keys=3"), ("octets", "size=70000")]
WEIGHTS = {"writer": 14, "reader": 10, "write": 40, "flood": 3, "take": 25, "hold": 4, "leave": 2,
           "quit": 2, "kill": 8, "stop": 4}


class Slot:
    """What the plan knows of a program: what it decided itself."""

    def __init__(self):
        self.life, self.due = "dead", 0.0
        self.writers, self.readers, self.flooding = [], [], None

    def begin(self, life, due=0.0):
        self.__init__()
        self.life, self.due = life, due


class Plan:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.slots = [Slot() for _ in range(PROGRAMS)]
        self.clock, self.number = 0.0, 0

    def due(self):
        for index, slot in enumerate(self.slots):
            if slot.life != "running" and slot.due <= self.clock:
                was, slot.life = slot.life, "running"
                return index, "start" if was == "dead" else "continue", None
        return None

    def open(self, index, verb):
        slot = self.slots[index]
        handles = slot.writers if verb == "writer" else slot.readers
        if len(handles) == MOST_HANDLES:
            return None
        topic = self.random.randrange(len(TOPICS))
        handles.append(topic)
        reliable = self.random.random() < 0.7
        depth = self.random.choice([1, 8, 64, 256])
        return index, verb, (topic, f"depth={depth} reliability="
                             f"{'reliable' if reliable else 'best-effort'}")

    def use(self, index, verb):
        slot = self.slots[index]
        handles = slot.writers if verb in ("write", "flood") else slot.readers
        handles = [i for i in range(len(handles)) if i != slot.flooding or verb == "take"]
        if not handles:
            return None
        handle = self.random.choice(handles)
        if verb == "flood":
            if slot.flooding is not None:
                return None
            slot.flooding = handle
        return index, verb, (handle, self.random.randint(1, 60))

    def deed(self):
        """None: what was drawn cannot happen."""
        index = self.random.randrange(PROGRAMS)
        verb = self.random.choices(list(WEIGHTS), WEIGHTS.values())[0]
        slot = self.slots[index]
        if slot.life == "dead" or (slot.life == "stopped" and verb != "kill"):
            return None
        if verb in ("writer", "reader"):
            return self.open(index, verb)
        if verb in ("write", "flood", "take", "hold"):
            return self.use(index, verb)
        if verb == "leave":
            slot.begin("running")
        elif verb == "stop":
            slot.life, slot.due = "stopped", self.clock + self.random.uniform(0, 0.6)
        else:
            slot.begin("dead", self.clock + self.random.uniform(0, 0.5))
        return index, verb, None

    def next(self):
        self.number += 1
        pause = self.random.uniform(0, 0.02)
        self.clock += pause
        event = self.due() or self.deed()
        while event is None:
            self.clock += 0.005
            event = self.due() or self.deed()
        return pause, event


class Run:
    def __init__(self, world, seed):
        self.world, self.plan = world, Plan(seed)
        self.nodes = [None] * PROGRAMS
        self.counts = dict.fromkeys([*WEIGHTS, "start", "continue"], 0)
        self.refused, self.longest, self.heard = 0, 0.0, [0] * len(TOPICS)
        self.checker = world.node("checker")
        for index, (type_name, _) in enumerate(TOPICS):
            self.checker.open(f"reader T{index} {type_name} depth=256")

    def ask(self, node, command):
        """A write may find no room while a reader is stopped; nothing else may fail."""
        start = time.monotonic()
        node.send(command)
        line = node.line()
        self.longest = max(self.longest, time.monotonic() - start)
        if line.startswith("fail write") and "Timeout" in line:
            self.refused += 1
            return None
        check(line.startswith("ok"), f"{node.name}: {command}: {line}\n{node.said()}")
        return dict(word.split("=") for word in line.split()[1:])

    def in_order(self, node, reader):
        answer = self.ask(node, f"take {reader} 0 seconds=1")
        check_equal((answer["repeated"], answer["bad"]), ("0", "0"),
                    f"{node.name}, reader {reader}: samples repeated and torn")
        return int(answer["valid"])

    def check_all(self):
        self.heard = [self.in_order(self.checker, index) for index in range(len(TOPICS))]

    def end(self, index, verb):
        node, self.nodes[index] = self.nodes[index], None
        if verb == "quit":
            node.quit()
        else:
            node.kill()
        node.close()
        self.world.programs.remove(node)

    def open(self, node, verb, topic, qos):
        type_name, _ = TOPICS[topic]
        identity = f"id={self.plan.number}" if verb == "writer" else ""
        answer = self.ask(node, f"{verb} T{topic} {type_name} {identity} {qos}")
        check_equal(answer["shm"], "1", f"{node.name}: {verb}: shared memory")

    def use(self, index, verb, handle, count):
        node, slot = self.nodes[index], self.plan.slots[index]
        if verb in ("write", "flood"):
            _, how = TOPICS[slot.writers[handle]]
            self.ask(node, f"write {handle} {count} {how}" if verb == "write"
                     else f"flood {handle} {how}")
        elif verb == "take":
            self.in_order(node, handle)
        else:
            # What is there, up to `count`; the node answers "fail" if less came in the time.
            node.send(f"hold {handle} {count} seconds=0")
            node.line()

    def carry_out(self, event):
        index, verb, details = event
        self.counts[verb] += 1
        if verb == "start":
            self.nodes[index] = self.world.node(f"program {index}.{self.plan.number}")
        elif verb == "continue":
            self.nodes[index].signal(signal.SIGCONT)
        elif verb == "stop":
            self.nodes[index].suspend()
        elif verb in ("kill", "quit"):
            self.end(index, verb)
        elif verb == "leave":
            self.ask(self.nodes[index], "leave")
            self.ask(self.nodes[index], f"join {self.world.dds_domain}")
        elif verb in ("writer", "reader"):
            self.open(self.nodes[index], verb, *details)
        else:
            self.use(index, verb, *details)

    def step(self):
        pause, event = self.plan.next()
        time.sleep(pause)
        if self.world.options.trace:
            print(self.plan.number, f"{pause:.4f}", *event, flush=True)
        self.carry_out(event)
        if self.plan.number % 20 == 0:
            self.check_all()

    def end_all(self):
        for index, node in enumerate(self.nodes):
            if node is not None:
                if self.plan.slots[index].life == "stopped":
                    node.signal(signal.SIGCONT)
                self.end(index, "kill")

    def newcomer_is_heard(self):
        """All that went before leaves the topics as good as new.  What the newcomer writes before
        the checker knows of it is not for the checker: DDS promises no more."""
        node = self.world.node("newcomer")
        for index, (type_name, how) in enumerate(TOPICS):
            id = self.plan.number + 1 + index
            node.open(f"writer T{index} {type_name} depth=256 id={id}")
            for _ in range(MOST_TRIES):
                node.do(f"write {index} 30 {how}")
                if self.is_heard(index, id):
                    break
            else:
                raise Failure(f"topic {index}: the newcomer is not heard")
        self.check_all()
        node.quit()

    def is_heard(self, index, id):
        self.checker.send(f"take {index} 10 from={id} seconds=1")
        return self.checker.line().startswith("ok")

    def summary(self, seconds):
        counts = ", ".join(f"{count} {verb}" for verb, count in self.counts.items() if count)
        print(f"{self.plan.number} events in {seconds:.1f} s: {counts}")
        print(f"{sum(self.heard)} samples checked; {self.refused} writes without room in time; "
              f"longest stall {self.longest * 1000:.1f} ms")


def case_torture(world):
    seed = world.options.seed if world.options.seed is not None else time.time_ns() % 1000000007
    print(f"seed {seed}, {PROGRAMS} programs", flush=True)
    run = Run(world, seed)
    start = shown = time.monotonic()
    while time.monotonic() - start < world.options.seconds:
        run.step()
        if sys.stderr.isatty() and time.monotonic() - shown > 0.25:
            shown = time.monotonic()
            print(f"\r{shown - start:5.0f} s  {run.plan.number} events  {sum(run.heard)} samples  "
                  f"{run.counts['kill']} killed ", end="", file=sys.stderr, flush=True)
    run.end_all()
    clear_up(world)
    run.newcomer_is_heard()
    run.summary(time.monotonic() - start)
    members = [row for row in world.probe() if row[0] != "topic"]
    check_equal(len(members), len(TOPICS), "readers and writers that are left")
    world.end()
