# cases_examples.py - the programs in examples/ do what its README says.
#
# SPDX-License-Identifier: Apache-2.0
import os
import re
import signal
import sys

from world import check, check_equal

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples")


def shared(program):
    check("shared memory: yes" in program.line(), f"{program.name}: shared memory is not in use")
    return program


def start(world, path, *arguments):
    domain = str(world.dds_domain)
    return shared(world.example(path, "--domain", domain, *arguments))


def stop(program):
    """Ctrl-C ends an example in order."""
    program.signal(signal.SIGINT)
    check_equal(program.ended(), 0, f"{program.name}: exit code after Ctrl-C")


def is_sanitized(library):
    with open(library, "rb") as file:
        return b"__asan_init" in file.read()


def carried(world, topic):
    return sum(int(row[4]) for row in world.probe() if row[0] == "topic" and row[1] == topic)


def case_examples(world):
    listener = start(world, "dds/listener", "--count", "5")
    talker = start(world, "dds/talker", "--rate", "50")
    numbers = [int(listener.line().split(":")[0]) for _ in range(5)]
    check_equal(numbers, list(range(numbers[0], numbers[0] + 5)), "numbers in order")
    check_equal(listener.ended(), 0, "listener: exit code")
    check(carried(world, "greeting") >= numbers[-1], "the greetings went through Eddy")
    stop(talker)

    detectors = [start(world, "dds/detector", "--count", "40") for _ in range(2)]
    camera = start(world, "dds/camera")
    for detector in detectors:
        while not (said := detector.line()).startswith("40 received"):
            pass
        check(re.search(r"p50 \d+ us, p90 \d+ us, p99 \d+ us", said), f"percentiles: {said}")
        check_equal(detector.ended(), 0, "detector: exit code")
    check(carried(world, "camera") >= 40, "the frames went through Eddy")
    stop(camera)

    listener = start(world, "dds/image_listener", "--count", "20")
    talker = start(world, "dds/image_talker")
    check("640 x 480 rgb8, 921600 bytes" in listener.line_with("first image"), "the first image")
    check_equal(listener.ended(), 0, "image_listener: exit code")
    check(carried(world, "rt/image") >= 20, "the images went through Eddy")
    stop(talker)
    world.end()


def flink_of(world):
    (name,) = [name for name in os.listdir(world.dir) if name.endswith(".flink")]
    return os.path.join(world.dir, name)


def case_in_cpp(world):
    """The talker and listener of C and of C++ understand each other."""
    for talking, listening in (("talker", "listener_cpp"), ("talker_cpp", "listener")):
        listener = world.example(f"native/{listening}", "--count", "3", eddy=False)
        talker = world.example(f"native/{talking}", "--rate", "50", eddy=False)
        for _ in range(3):
            listener.line_with("hello number")
        check_equal(listener.ended(), 0, f"{listening}: exit code")
        stop(talker)
    world.end()


def case_calls(world):
    """A server, its clients, and another server when the first is killed."""
    def ask():
        return world.example("native/client", "1", "2", "3.5", "--seconds", "20", eddy=False)

    server = world.example("native/server", eddy=False)
    client = ask()
    client.line_with("sum: 6.5")
    check_equal(client.ended(), 0, "client: exit code")
    server.line_with("6.5")
    server.signal(signal.SIGKILL)
    client = ask() # which waits for a server
    server = world.example("native/server", eddy=False)
    client.line_with("sum: 6.5")
    check_equal(client.ended(), 0, "client: exit code")
    stop(server)
    world.end()


def case_event_loops(world):
    """What polls on a wait set's descriptor: a loop of epoll, and Python's asyncio."""
    programs = [world.example("native/event_loop", "--count", "3", eddy=False)]
    library = os.path.join(world.options.examples, "../lib/libeddy.so.0.2")
    if not is_sanitized(library):  # which has to be there when Python starts
        programs.append(world.start(
            ["env", f"EDDY_LIBRARY={library}", sys.executable,
             os.path.join(SOURCES, "native/asyncio_listener.py"), "greeting", "3"],
            "asyncio_listener"))
    talker = world.example("native/talker", "--rate", "50", eddy=False)
    for program in programs:
        for _ in range(3):
            program.line_with("heard: hello")
        check_equal(program.ended(), 0, "exit code")
    stop(talker)
    world.end()


def case_meter(world):
    """Groups, what goes with each sample, and a timer on the wait set."""
    meter = world.example("native/meter", "--count", "2", eddy=False)
    sensor = world.example("native/sensor", eddy=False)
    meter.line_with("of them inside; the last is number ")
    for word in meter.line_with("of them inside; the last is number ").split(" readings")[:1]:
        check(int(word.split()[-1]) > 16, f"readings in a second: {word}")
    check_equal(meter.ended(), 0, "meter: exit code")
    stop(sensor)
    world.end()


def case_ways(world):
    """The newest alone; threads that release what another took; samples made of pieces."""
    sensor = world.example("native/sensor", eddy=False)
    gauge = world.example("native/gauge", "--rate", "20", "--count", "20", eddy=False)
    gauge.line_with("293.")
    check_equal(gauge.ended(), 0, "gauge: exit code")
    stop(sensor)
    pool = world.example("native/pool", "--count", "6", eddy=False)
    listener = world.example("native/listener", "--count", "2", eddy=False)
    talker = world.example("native/talker", "--rate", "50", eddy=False)
    pool.line_with("worker ")
    check_equal(pool.ended(), 0, "pool: exit code")
    check_equal(listener.ended(), 0, "listener: exit code")
    stop(talker)
    world.end()


def case_who(world):
    """Who comes, is stopped, goes on, and dies."""
    who = world.example("native/who", "--count", "4", eddy=False)
    talker = world.example("native/talker", eddy=False)
    who.line_with("writer 0 of talker (pid ")
    for number, what in ((signal.SIGSTOP, "stopped"), (signal.SIGCONT, "continued"),
                         (signal.SIGKILL, "died")):
        talker.signal(number)
        check(what in who.line_with("writer 0 of talker"), what)
    check_equal(who.ended(), 0, "who: exit code")
    world.end()


def case_peek(world):
    """Knowing only the path of a flink: what DDS programs and native ones say."""
    talker = start(world, "dds/talker", "--rate", "50")
    peek = world.example("native/peek", flink_of(world), "--count", "3", eddy=False)
    first = peek.line_with("sn ")
    check("68 bytes, header " in first, f"sizes of a DDS sample: {first}")
    check_equal(peek.ended(), 0, "peek: exit code")
    stop(talker)

    listener = world.example("native/listener", "--count", "3", eddy=False)
    talker = world.example("native/talker", "--rate", "50", eddy=False)
    talker.line_with("readers 1")
    peek = world.example("native/peek", flink_of(world), eddy=False)
    sn = [int(listener.line_with("hello").split(":")[0].split()[1]) for _ in range(3)]
    check_equal(sn, list(range(sn[0], sn[0] + 3)), "sequence numbers in order")
    check_equal(listener.ended(), 0, "listener: exit code")
    peek.line_with("68 65 6c 6c 6f")
    stop(peek)
    stop(talker)
    world.end()
