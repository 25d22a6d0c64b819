# cases_idle.py - what listeners cost that have nothing to hear.
#
# SPDX-License-Identifier: Apache-2.0
import time
from pathlib import Path

from world import check, check_equal

LISTENERS, PROGRAMS = 16, 3  # readers of each
SECONDS = 1.5
SETTLE_SECONDS = 10


def sleeps_in_eddy(node):
    """How often the threads of the program that wait in Eddy went to sleep, by their ids.  They are
    those of its listener; Cyclone DDS has others, which keep programs known to each other."""
    found = {}
    for task in Path(f"/proc/{node.process.pid}/task").iterdir():
        if (task / "comm").read_text().strip() in ("eddy-listener", "eddy-psmx"):
            fields = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            found[task.name] = int(fields["voluntary_ctxt_switches"])
    return found


def settled(node):
    """The same, once it holds still for a while."""
    end = time.monotonic() + SETTLE_SECONDS
    before, now = None, sleeps_in_eddy(node)
    while now != before and time.monotonic() < end:
        time.sleep(0.3)
        before, now = now, sleeps_in_eddy(node)
    check(now, f"{node.name}: no thread that waits in Eddy")
    check_equal(now, before, f"{node.name}: threads still wake up, by their ids")
    return now


def case_idle(world):
    """Nothing is published: no thread that waits in Eddy is woken."""
    writer = world.node("writer")
    readers = [world.node(f"reader {number}") for number in range(PROGRAMS)]
    for node in readers:
        for _ in range(LISTENERS):
            node.open("reader T fixed listen=count depth=16")
    writer.open("writer T fixed depth=16")
    writer.do(f"matched w 0 {PROGRAMS * LISTENERS}")
    writer.do("write 0 1")
    for node in readers:
        for reader in range(LISTENERS):
            check_equal(node.do(f"take {reader} 1")["valid"], 1, f"{node.name}: samples")
    before = [settled(node) for node in readers]
    time.sleep(SECONDS)
    check_equal([sleeps_in_eddy(node) for node in readers], before,
                "how often threads went to sleep, by their ids")
    world.end()
