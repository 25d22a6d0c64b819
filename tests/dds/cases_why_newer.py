# cases_why_newer.py - `eddy why`, `eddy ls` and `eddy doctor` of programs of Cyclone DDS 11.
#
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess

from cases_generations import pair_of
from cases_psmx import need_plugin, settings
from cases_why import (LATCHED, expect, expect_one, expect_text, open_topics, outside, plain,
                       refused, writer_and)
from world import check, check_equal, DEADLINE, LOOPBACK


def case_why_newer(world):
    """The plug-in's rules, which are not those of 0.10; and DDS's own."""
    need_plugin(world)
    wanted = open_topics(world, [
        ("depth=8", "depth=8", ("Eddy", 0, [])),
        ("history=keep-all", "history=keep-all", ("Eddy", 0, [])),
        ("depth=8", "depth=8 reliability=best-effort", ("Eddy", 0, [])),
        ("partition=a", "partition=a", ("Eddy", 0, [])),
        (f"depth=4 {LATCHED}", f"depth=8 {LATCHED}", ("Eddy", 0, [])),
        ("durability=transient", "depth=8", ("Eddy", 0, [])),
        ("partition=a", "partition=*", outside("reader several-partitions")),
        ("partition=a,b depth=8", "partition=c,b", ("Eddy", 0, [])),
        ("partition=a,b history=keep-all", "partition=b", outside("writer several-partitions")),
        ("depth=8 deadline=1000", "depth=8", outside("writer deadline")),
        (f"deadline=1000 {LATCHED}", "deadline=2000", ("Eddy", 0, [])),
        ("depth=8 liveliness=manual-by-topic", "depth=8", ("Eddy", 0, [])),
        ("depth=8 liveliness=manual-by-topic lease=9000", "depth=8", outside("writer liveliness")),
        ("reliability=best-effort", "", refused("asked-reliability")),
        ("partition=a", "partition=b", refused("partitions")),
        ("", "type=keyed", refused("types")),
    ])
    # An optional member is a pointer, so samples go in their serialized form.
    for shape, result in (("optional", ("Eddy", 0, [])), ("appendable", outside(
            "writer evolving-type", "reader evolving-type"))):
        world.programs[1].do(f"writer {shape} {shape}")
        world.programs[0].do(f"reader {shape} {shape}")
        wanted[shape] = [result]
    expect(world, wanted)
    expect_text(world, 2, "the reader is in several partitions, or in a pattern of them, '*'")


def case_why_newer_shared(world):
    """Readers of one process that share a place in Eddy, and one beside them that is not in it."""
    need_plugin(world)
    reader, writer = world.node("reader"), world.node("writer")
    for words in ("depth=8", "depth=4", "depth=8 partition=?,"):
        reader.do(f"reader T fixed {words}")
    writer.do("writer T fixed depth=8 deadline=500")
    writer.do("writer U fixed depth=8")
    in_eddy = outside("writer deadline")
    expect(world, {"T": [in_eddy, in_eddy,
                         outside("reader several-partitions", "writer deadline")]}, "T")


def case_why_newer_not_launched(world):
    """Without `eddy run`; with the plug-in in settings of their own; with one that is disabled."""
    need_plugin(world)
    writer = writer_and(world, plain(world, "reader"))
    expect_one(world, "network", 1, "reader no-plugin")
    expect_text(world, 1, "has not loaded Eddy's plug-in", "eddy run -- PROGRAM", options=["T"])
    own = plain(world, "reader", uri=settings(world, ""))
    own.open("reader U fixed depth=8")
    writer.open("writer U fixed depth=8")
    expect(world, {"U": [("Eddy", 0, [])]}, "U")
    disabled = plain(world, "reader", uri=settings(world, "DIR=/proc/none;LOG=none;"))
    disabled.do("reader V fixed depth=8")
    writer.open("writer V fixed depth=8")
    expect(world, {"V": [("network", 1, ["reader no-domain"])]}, "V")


def case_why_newer_apart(world):
    """Other folders, other instances: over the network, nothing is lost."""
    need_plugin(world)
    writer_and(world, world.node("reader", dir=world.new_dir()))
    expect_one(world, "network", 1, "pair folders")
    for program in world.programs:
        program.quit()
    writer, reader = (world.node(name, uri=settings(world, f"INSTANCE_NAME={name};"))
                      for name in ("writer", "reader"))
    writer.open("writer T fixed depth=8")
    reader.open("reader T fixed depth=8")
    expect_one(world, "network", 1, "pair scopes")
    expect_text(world, 1, "the writer in psmx/writer/", options=["T"])


def case_why_newer_stopped(world):
    need_plugin(world)
    for words in ("depth=8", "history=keep-all"):
        writer, reader = world.pair("fixed", words)
        reader.suspend()
        writer.do("write 0 5")
        expect_one(world, "Eddy", 2, "reader stopped")
        expect_text(world, 2, "the reader has 5 samples yet to take, of at most", options=["T"])
        reader.kill()
        expect(world, {"T": [("none", 2, ["reader dead"])]}, "T")
        writer.kill()
        world.programs.clear()
        subprocess.run([world.options.eddy, "gc"], check=True, env=world.environment(),
                       capture_output=True, timeout=DEADLINE)


def case_why_generations(world):
    """Both ways between 0.10 and 11, as either of them sees it."""
    need_plugin(world)
    for number, (writer_is, reader_is) in enumerate([("0.10", "11"), ("11", "0.10")]):
        pair_of(world, writer_is, reader_is, f"T{number}")
        expect(world, {f"T{number}": [("network", 1, ["pair generations"])]}, f"T{number}")
        expect_text(world, 1, f"the writer's Cyclone DDS is {writer_is}, the reader's {reader_is}",
                    options=[f"T{number}"])


def case_ls_newer(world):
    """One line for a topic, whatever lies behind it, and what it is for a program."""
    need_plugin(world)
    writer, reader = world.pair("fixed", "depth=8")
    writer.do("write 0 5")
    reader.do("take 0 5")
    said = subprocess.run([world.options.eddy, "ls", "-v"], capture_output=True, text=True,
                          env=world.environment(), timeout=DEADLINE).stdout
    lines = [line for line in said.splitlines() if line.startswith("T ")]
    check_equal(len(lines), 1, f"lines of the topic in {said}")
    check("psmx/eddy/" in lines[0] and said.count("reader") >= 1, f"its line: {lines[0]}")
    listed = [json.loads(line) for line in subprocess.run(
        [world.options.eddy, "ls", "--json"], capture_output=True, text=True,
        env=world.environment(), timeout=DEADLINE).stdout.splitlines()]
    check_equal(len({row["scope"] for row in listed if row["topic"] == "T"}), 2, "topics of Eddy")


def case_why_newer_creates_nothing(world):
    """Nor does the plug-in, which has a folder in settings of the user's own."""
    need_plugin(world)
    parent = world.new_dir()
    expect_text(world, 2, "Nobody", uri=settings(world, f"DIR={parent}/none;"))
    check_equal(os.listdir(parent), [], "created by eddy why")


def doctor(world, *command, uri=LOOPBACK, **environment):
    result = subprocess.run([world.options.eddy, "doctor", "--", *command], capture_output=True,
                            text=True, env={**world.environment(uri=uri), **environment},
                            timeout=DEADLINE)
    return result.returncode, result.stdout


def expect_doctor(world, code, *parts, **where):
    found = doctor(world, world.options.node, **where)
    check(found[0] == code and all(part in found[1] for part in parts),
          f"eddy doctor: {found[0]}, {found[1]}; not {code} with {parts}")


def case_doctor_newer(world):
    """It says what Cyclone DDS 11 makes of the settings, and what keeps the plug-in out."""
    need_plugin(world)
    expect_doctor(world, 0, "the plug-in for Cyclone DDS 11 is ", "libddsc",
                  "ok     it loads Eddy's plug-in", "it would load the plug-in")
    expect_doctor(world, 0, "ok     it loads Eddy's plug-in", uri=settings(world, "LIMIT=64M;"))
    expect_doctor(world, 1, "FAULT  it does not start with these settings", "option NONSENSE",
                  uri=settings(world, "NONSENSE=1;").replace(";", ""))
    other = settings(world, "").replace('type="eddy"', 'type="iox"')
    expect_doctor(world, 1, "FAULT", uri=other)
    expect_doctor(world, 1, "FAULT", "Cyclone DDS says: ",
                  uri=LOOPBACK + "<General><Nonsense/></General>")
    expect_doctor(world, 1, "FAULT  EDDY_PSMX is \"off\"", EDDY_PSMX="off")
    own = os.path.join(world.dir, "own")
    expect_doctor(world, 0, "ok     it loads Eddy's plug-in", uri=settings(world, f"DIR={own};"))
    check_equal(os.listdir(world.dir), [], "created by eddy doctor")
