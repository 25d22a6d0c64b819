# cases_death.py - programs are killed or stopped; the others go on.
#
# SPDX-License-Identifier: Apache-2.0
import signal
import subprocess

from cases_data import check_all_came
from world import check, check_equal


def clear_up(world):
    subprocess.run([world.options.eddy, "gc"], env=world.environment(), check=True, timeout=30,
                   stdout=subprocess.DEVNULL)


def check_only_writer_and_reader(world):
    members = [row[0] for row in world.probe() if row[0] != "topic"]
    check_equal(sorted(members), ["reader", "writer"], "who is on the topic")


def case_writer_killed(world):
    """kill -9 in full flow: what the others write goes on arriving, whole and in order."""
    writer, reader = world.pair("fixed", "depth=256", "depth=256 id=100")
    for id in range(1, 11):
        victim = world.node(f"victim {id}")
        victim.open(f"writer T fixed depth=256 id={id}")
        victim.do("matched w 0 1")
        victim.do("flood 0")
        reader.do(f"take 0 200 from={id}")
        victim.kill()
        writer.do("write 0 100")
        answer = reader.do(f"take 0 {100 * id} from=100")
        check_equal((answer["repeated"], answer["bad"]), (0, 0), "samples repeated and torn")
    clear_up(world)
    check_only_writer_and_reader(world)
    world.end()


def case_holder_killed(world):
    """A reader dies with samples in its hands: they come back, and the others lose nothing."""
    writer, reader = world.pair("big", "depth=16")
    victim = world.node("victim")
    victim.open("reader T big depth=16")
    victim.do("matched r 0 1")
    writer.do("matched w 0 2")
    writer.do("write 0 10")
    victim.do("hold 0 10")
    reader.do("take 0 10")
    held = [int(row[5]) for row in world.probe() if row[0] == "reader"]
    check(max(held) >= 10, f"the victim holds samples: {held}")
    victim.kill()
    for round in range(2, 12):
        writer.do("write 0 10")
        answer = reader.do(f"take 0 {10 * round}")
    check_all_came(answer, 110)
    world.check_published(110, readers=1)
    clear_up(world)
    check_only_writer_and_reader(world)
    world.end()


def case_all_killed(world):
    """All die at once, in full flow; who comes after finds everything in order."""
    victims = []
    for id in range(1, 4):
        node = world.node(f"victim {id}")
        node.open("reader T fixed depth=64")
        node.open(f"writer T fixed depth=64 id={id}")
        victims.append(node)
    for node in victims:
        node.do("flood 0")
    for node in victims:
        node.do("take 0 500")
    for node in victims:
        node.signal(signal.SIGKILL)
    for node in victims:
        node.process.wait()
    world.programs = []
    writer, reader = world.pair("fixed")
    before = int(world.probe()[0][4])
    writer.do("write 0 50")
    check_all_came(reader.do("take 0 50"), 50)
    world.check_published(before + 50)
    check_only_writer_and_reader(world)
    world.end()
    for node in victims:
        node.close()


def somebody_else_comes_and_goes(world):
    """Whoever joins, leaves or clears up takes back what the dead held."""
    visitor = world.node("visitor")
    visitor.open("reader T fixed depth=64")
    visitor.open("writer T fixed depth=64 id=9")
    visitor.do("leave")
    visitor.quit()
    clear_up(world)


def case_suspended(world):
    """A stopped process is not a dead one: reader and writer go on where they were."""
    writer, reader = world.pair("fixed", "depth=64")
    reader.suspend()
    writer.do("write 0 20")
    somebody_else_comes_and_goes(world)
    writer.do("write 0 20")
    reader.signal(signal.SIGCONT)
    check_all_came(reader.do("take 0 40"), 40)
    writer.suspend()
    somebody_else_comes_and_goes(world)
    writer.signal(signal.SIGCONT)
    writer.do("write 0 20")
    check_all_came(reader.do("take 0 60"), 60)
    world.check_published(60)
    world.end()
