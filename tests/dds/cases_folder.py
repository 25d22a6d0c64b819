# cases_folder.py - a domain's folder that is swept empty under its users, or full for a while.
#
# SPDX-License-Identifier: Apache-2.0
import errno
import os
import shutil
import subprocess
import time

from cases_data import check_all_came
from world import check, check_equal, DEADLINE, Skip

LATCHED = "depth=5 durability=transient-local"


def sweep(world):
    """As systemd does with RemoveIPC when a user logs out: the files go, whoever uses them."""
    for name in os.listdir(world.dir):
        os.unlink(os.path.join(world.dir, name))


def wait_until_said(program, text):
    end = time.monotonic() + DEADLINE
    while text not in program.said():
        check(time.monotonic() < end, f"{program.name} does not say '{text}': {program.said()}")
        time.sleep(0.01)


def wait_for_members(world, readers, writers):
    """Those who moved are in the new files."""
    def count(kind):
        return sum(row[0] == kind and row[3] == "alive" for row in world.probe())
    end = time.monotonic() + DEADLINE
    while (count("reader"), count("writer")) != (readers, writers):
        check(time.monotonic() < end, f"not all have moved: {world.probe()}")
        time.sleep(0.01)


def case_removed(world):
    """All go on in new files, with those who come then, and with what was kept for late readers."""
    writer, reader = world.pair("fixed", LATCHED)
    writer.do("write 0 5")
    check_all_came(reader.do("take 0 5"), 5)
    sweep(world)
    for program in (writer, reader):
        wait_until_said(program, "were removed")
    wait_for_members(world, 1, 1)
    late = world.node("late")
    late.open(f"reader T fixed {LATCHED}")
    late.do("matched r 0 1")
    writer.do("matched w 0 2")
    check_all_came(late.do("take 0 5"), 5)
    writer.do("write 0 5")
    for node in (reader, late):
        check_all_came(node.do("take 0 10"), 10)
    other = world.node("other")
    other.open(f"writer T fixed {LATCHED}")
    other.do("matched w 0 2")
    other.do("write 0 1")
    for node in (reader, late):
        check_equal(node.do("take 0 11")["valid"], 11, "samples of both writers")
    world.end()


def case_removed_idle(world):
    """Nothing has to be published, and nobody has to come, for that to be noticed."""
    reader = world.node("reader")
    reader.open("reader T fixed depth=5")
    sweep(world)
    wait_until_said(reader, "were removed")
    wait_for_members(world, 1, 0)
    world.end()


def case_full_for_a_while(world):
    """A reader that could not be opened for want of memory is opened when there is some."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise Skip("needs root, for a file system of its own")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "none", world.dir],
                             capture_output=True, text=True, timeout=30)
    if mounted.returncode != 0:
        raise Skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    world.undo.append(lambda: subprocess.run(["umount", world.dir], check=True, timeout=30))
    writer = world.node("writer")
    writer.open("writer T fixed depth=64")
    writer.do("write 0 1")
    ballast = os.path.join(world.dir, "ballast")
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            check_equal(error.errno, errno.ENOSPC, "the error that says that it is full")
    reader = world.node("reader")
    reader.open("reader U fixed depth=64")
    wait_until_said(reader, "No space left on device")
    os.unlink(ballast)
    wait_for_members(world, 1, 1)
    writer.open("writer U fixed depth=64")
    writer.do("matched w 1 1")
    writer.do("write 1 20")
    check_all_came(reader.do("take 0 20"), 20)
    world.end()
