# cases_launch.py - the stand-in is found whatever a script does to the environment, in all kinds of
# programs.
#
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
import tempfile

from cases_data import check_all_came
from cases_network import exchange
from world import check, check_equal, Node, Skip

LIBRARY = "libiceoryx_binding_c.so.2"


def foreign_folder(world):
    """A folder with a library of that name which no program can work with, as a script may put in
    front of LD_LIBRARY_PATH."""
    folder = tempfile.TemporaryDirectory(prefix="eddy-foreign-")
    world.undo.append(folder.cleanup)
    with open(os.path.join(folder.name, LIBRARY), "w") as file:
        file.write("not the stand-in")
    return folder.name


def started(world, name, *command):
    """A node that is started like that under `eddy run`."""
    node = world.add(Node(world.under_eddy(*command), world.environment(), name))
    node.do(f"join {world.dds_domain}")
    return node


def case_launch_front(world):
    """Another folder in front, none at all, and `eddy run` inside of it."""
    folder, node = foreign_folder(world), world.options.node
    front = ["sh", "-c", 'LD_LIBRARY_PATH="$0:$LD_LIBRARY_PATH" exec "$@"', folder]
    reader = started(world, "reader", *front, node)
    writer = started(world, "writer", *front, *world.under_eddy(*front, node))
    exchange(reader=reader, writer=writer)
    world.check_published(100)
    last = started(world, "alone", "env", "-u", "LD_LIBRARY_PATH", node)
    last.open("reader T fixed depth=100")
    writer.do("matched w 0 2")
    writer.do("write 0 100")
    check_all_came(reader.do("take 0 200"), 200)
    check_all_came(last.do("take 0 100"), 100)
    world.check_published(200, readers=2)
    world.end()


def case_launch_library_path_alone(world):
    """A program whose script clears LD_PRELOAD finds it as before."""
    reader = started(world, "reader", "env", "-u", "LD_PRELOAD", world.options.node)
    exchange(reader=reader, writer=started(world, "writer", world.options.node))
    world.check_published(100)
    world.end()


def case_launch_sanitized(world):
    """AddressSanitizer ends programs that load certain libraries first, and not ours."""
    sanitized = world.options.node + "_asan"
    if not os.path.exists(sanitized):
        raise Skip("dds_node_asan was not built: no AddressSanitizer")
    front = ["sh", "-c", 'LD_LIBRARY_PATH="$0:$LD_LIBRARY_PATH" exec "$@"', foreign_folder(world)]
    reader = started(world, "reader", *front, sanitized)
    exchange(reader=reader, writer=started(world, "writer", world.options.node))
    world.check_published(100)
    world.end()


LOAD = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(library.dds_create_participant(int(sys.argv[2]), None, None) > 0)
print({line.split()[-1] for line in open("/proc/self/maps") if "iceoryx_binding" in line})
"""


def case_launch_loaded_later(world):
    """An interpreter that loads Cyclone DDS by itself, as ROS 2's does."""
    linked = subprocess.run(["ldd", world.options.node], capture_output=True, text=True).stdout
    cyclone = next(line.split()[2] for line in linked.splitlines() if "libddsc" in line)
    if "asan" in linked:
        raise Skip("the interpreter is not built for AddressSanitizer")
    front = ["env", f"LD_LIBRARY_PATH={foreign_folder(world)}", "EDDY_LOG=info"]
    result = subprocess.run(
        world.under_eddy(*front, sys.executable, "-c", LOAD, cyclone, str(world.dds_domain)),
        capture_output=True, text=True, env=world.environment(), timeout=60)
    check("cannot be asked" not in result.stderr, f"DDS was not found: {result.stderr}")
    check("True" in result.stdout, f"a participant: {result.stdout} {result.stderr}")
    check(result.stdout.count("/lib/eddy/") == 2, f"the door and the stand-in: {result.stdout}")
    world.check_nothing_left()
