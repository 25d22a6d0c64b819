# What there is to measure: every benchmark as a list of cases.
# SPDX-License-Identifier: Apache-2.0
from .cases import (Case, CrowdedCase, IdleCase, OnceCase, PacedCase, SizesCase, dds, dds11,
                    floor_of, native)
from .machine import IN_GROUPS, NEVER_SPINS

SIZES = ("64", "1k", "64k", "1M")
DDS_SIZES = ("64", "1k", "64k", "1M", "4M", "16M")
DDS11_SIZES = (*DDS_SIZES, "64M")
DDS11_READERS = (1, 4, 16, 32)
DDS11_TOPICS = 600
# Five slots are what a trace ring has in use; small chunks also with as many as suits them.
CHUNKS = (("64", 5), ("64", 1024), ("4k", 5), ("64k", 5), ("2M", 5), ("32M", 5), ("256M", 5))
KERNEL = ("pipe", "socket", "queue")
QUEUE_SIZES = ("64", "4k")  # the kernel's default limit is 8 KiB
SHAPES = ("1:1", "1:4", "4:1", "4:4")
FLOOR_SLOTS = 16  # as many as Eddy's readers have by default
# Its ways through shared memory: readers map the writer's history, or the transport copies it.
FASTDDS = (("fastdds", "data-sharing"), ("fastdds-shm", "shm"))
FASTDDS_DOMAIN = 3  # the first that Cyclone DDS does not use
READERS = (0, 1, 8, 64, 512)
PERIODS = ("1000", "100")  # microseconds
LISTENERS = 100
AGED_OPENS, AGED_QUICK_OPENS = 50000, 10000  # a million by hand: minutes
CROWDS = (2, 4)


def fastdds(machine, name, *arguments):
    """Fast DDS in both of its ways through shared memory, each in a DDS domain of its own."""
    for number, (transport, way) in enumerate(FASTDDS):
        domain = machine.domain + FASTDDS_DOMAIN + number
        yield native(machine, transport, f"fastdds-{name}", *arguments, domain, way)


def native_pingpong(machine, quick):
    for mode in ("spin", "wait", "sleep", "fd", "waitset"):
        sizes = SIZES if mode in ("spin", "waitset") else SIZES[:1]
        for size in sizes[:2] if quick else sizes:
            contenders = [native(machine, "eddy", "eddy-pingpong", size, mode)]
            if mode in ("spin", "waitset"):
                contenders.append(native(machine, "iceoryx", "iceoryx-pingpong", size, mode))
            if mode not in ("sleep", "fd"):
                contenders.append(native(machine, "iceoryx2", "iceoryx2-pingpong", size, mode))
            if mode == "waitset":
                contenders += fastdds(machine, "native-pingpong", size, mode)
            # what may spin as well as sleep has the flag as the floor of what it can reach
            floor = floor_of(machine, size, "sleep" if mode in ("sleep", "fd") else "spin")
            yield Case("native-pingpong", {"mode": mode, "size": size}, contenders, floor)


def publish(machine, quick):
    cases = [(readers, "64") for readers in READERS] + [(1, "1k")]
    for readers, size in cases:
        contenders = [native(machine, "eddy", "eddy-publish", readers, size),
                      native(machine, "iceoryx", "iceoryx-publish", readers, size),
                      native(machine, "iceoryx2", "iceoryx2-publish", readers, size)]
        if 0 < readers <= 64:
            contenders.append(native(machine, "udp", "udp-publish", readers, size))
            contenders += fastdds(machine, "publish", readers, size)
        yield Case("publish", {"readers": readers, "size": size}, contenders,
                   floor_of(machine, "atomic"))


def throughput(machine, quick):
    for shape in SHAPES:
        for size in ("1k",) if quick else SIZES if shape == "1:1" else ("1k", "64k"):
            arguments = [*shape.split(":"), size]
            contenders = [native(machine, "eddy", "eddy-throughput", *arguments),
                          native(machine, "iceoryx", "iceoryx-throughput", *arguments),
                          native(machine, "iceoryx2", "iceoryx2-throughput", *arguments),
                          *fastdds(machine, "throughput", *arguments)]
            if shape == "1:1":
                contenders.append(native(machine, "floor", "floor-channel", "stream", size,
                                         FLOOR_SLOTS, "flags"))
            else:
                contenders.append(native(machine, "floor", "floor-stream", *arguments))
            yield Case("throughput", {"writers:readers": shape, "size": size}, contenders,
                       floor_of(machine, "64", "spin"))


def groups(machine, quick):
    for size in ("64",) if quick else ("64", "1k"):
        yield Case("groups", {"size": size},
                   [native(machine, "eddy", "eddy-throughput", 1, 1, size),
                    native(machine, IN_GROUPS, "eddy-throughput", 1, 1, size, 16)],
                   floor_of(machine, "64", "spin"))


def channels(machine, way, size, slots, mode="wait"):
    """The ring and what else carries chunks one way; and the floor of them."""
    contenders = [native(machine, "eddy", "eddy-channel", way, size, slots, mode)]
    if mode == "wait":
        contenders.append(native(machine, "semaphores", "semaphore-channel", way, size, slots,
                                 mode))
        contenders += [native(machine, kind, "kernel-channel", way, size, slots, kind)
                       for kind in KERNEL if kind != "queue" or size in QUEUE_SIZES]
    if way == "stream":
        contenders.append(native(machine, "single", "floor-channel", way, size, slots, "single"))
    return contenders, ("flags", [machine.program("floor-channel"), way, size, str(slots), "flags"])


def ring(machine, quick):
    for size, slots in [(s, n) for s, n in CHUNKS if not quick or s in ("64", "2M")]:
        yield Case("ring", {"size": size, "slots": slots},
                   *channels(machine, "stream", size, slots))


def ring_pingpong(machine, quick):
    for size, mode in [("64", "spin")] + [(s, "wait") for s, n in CHUNKS if n == 5]:
        if not quick or size in ("64", "2M"):
            yield Case("ring-pingpong", {"mode": mode, "size": size},
                       *channels(machine, "pingpong", size, 2, mode))


def dds_pingpong(machine, quick):
    for mode in ("waitset", "listener"):
        for size in ("64", "1M", "16M") if quick else DDS_SIZES:
            contenders = [dds(machine, transport, number, "pingpong", size, mode)
                          for number, transport in enumerate(("eddy", "iceoryx", "udp"))]
            contenders += fastdds(machine, "dds-pingpong", size, mode)
            yield Case("dds-pingpong", {"mode": mode, "size": size}, contenders,
                       floor_of(machine, "64", "sleep"))


def all_dds11(machine, name, *arguments):
    """Eddy's plug-in for Cyclone DDS 11, iceoryx's, and loopback UDP."""
    return [dds11(machine, transport, number, name, *arguments)
            for number, transport in enumerate(("eddy", "iceoryx", "udp"))]


def dds11_pingpong(machine, quick):
    for mode in ("waitset", "listener"):
        for size in ("64", "1M", "64M") if quick else DDS11_SIZES:
            contenders = all_dds11(machine, "pingpong", size, mode)
            if size == "64":  # what Eddy itself takes, between two wait sets
                contenders.append(native(machine, "native", "eddy-pingpong", size, "waitset"))
            yield Case("dds11-pingpong", {"mode": mode, "size": size}, contenders,
                       floor_of(machine, "64", "spin"))


def dds11_sizes(machine, quick):
    sizes = ("64", "1M", "64M") if quick else DDS11_SIZES
    for mode in ("waitset", "listener"):
        contenders = [dds11(machine, "eddy", number, "pingpong", size, mode)
                      for number, size in enumerate(sizes)]
        yield SizesCase("dds11-sizes", {"mode": mode}, contenders, floor_of(machine, "64", "spin"),
                        sizes)


def dds11_readers(machine, quick):
    for size in ("64",) if quick else ("64", "1M"):
        for readers in (1, 32) if quick else DDS11_READERS:
            yield Case("dds11-readers", {"readers": readers, "size": size},
                       all_dds11(machine, "readers", readers, size),
                       floor_of(machine, "64", "spin"))


def dds11_throughput(machine, quick):
    for shape, size in (("1:1", "1k"),) if quick else (
            ("1:1", "64"), ("1:1", "1k"), ("1:1", "64k"), ("1:1", "1M"), ("1:4", "64k"),
            ("4:1", "64k")):
        yield Case("dds11-throughput", {"writers:readers": shape, "size": size},
                   all_dds11(machine, "throughput", *shape.split(":"), size),
                   floor_of(machine, "64", "spin"))


def dds11_paced(machine, quick):
    for period in PERIODS:
        yield PacedCase("dds11-paced", {"way": "listener", "period_us": int(period)},
                        all_dds11(machine, "paced", period))


def dds11_idle(machine, quick):
    yield IdleCase("dds11-idle", {"way": "listener", "listeners": LISTENERS},
                   [dds11(machine, "eddy", 0, "idle", LISTENERS)], quick)


def dds11_memory(machine, quick):
    topics = DDS11_TOPICS // 10 if quick else DDS11_TOPICS
    yield OnceCase("dds11-memory", {"topics": topics}, all_dds11(machine, "memory", topics))


def spinning_or_not(of):
    """Eddy as it is and Eddy that never spins; `of` makes a contender of a transport's name and of
    the number of a DDS domain that it has to itself."""
    return [of(transport, number) for number, transport in enumerate(("eddy", NEVER_SPINS))]


def paced(machine, quick):
    for period in PERIODS:
        key = {"period_us": int(period)}
        yield PacedCase("paced", {"way": "waitset", **key}, spinning_or_not(
            lambda transport, _: native(machine, transport, "eddy-paced", period)))
        yield PacedCase("paced", {"way": "listener", **key}, spinning_or_not(
            lambda transport, number: dds(machine, transport, number, "paced", period)))


def idle(machine, quick):
    for way, contender in (("waitset", native(machine, "eddy", "eddy-idle", LISTENERS)),
                           ("listener", dds(machine, "eddy", 0, "idle", LISTENERS))):
        yield IdleCase("idle", {"way": way, "listeners": LISTENERS}, [contender], quick)


def crowded(machine, quick):
    pairs = (
        ("native", "wait", lambda transport, _: native(
            machine, transport, "eddy-pingpong", "64", "wait")),
        ("native", "waitset", lambda transport, _: native(
            machine, transport, "eddy-pingpong", "64", "waitset")),
        ("dds", "listener", lambda transport, number: dds(
            machine, transport, number, "pingpong", "64", "listener")),
        ("dds", "waitset", lambda transport, number: dds(
            machine, transport, number, "pingpong", "64", "waitset")),
    )
    for busy in CROWDS[:1] if quick else CROWDS:
        for pinned in ("yes", "no"):
            for api, mode, of in pairs:
                key = {"api": api, "mode": mode, "busy": busy, "pinned": pinned}
                yield CrowdedCase("crowded", key, spinning_or_not(of))


def memory(machine, quick):
    yield Case("memory", {"size": "64"}, [native(machine, "eddy", "eddy-memory", "64")],
               floor_of(machine, "atomic"))


def aged(machine, quick):
    """`aged` is Eddy's topic that has been through much, `eddy` a fresh one."""
    for what in ("publish", "take", "join", "memory"):
        yield Case("aged", {"what": what}, [
            native(machine, transport, "eddy-aged", what, opens) for transport, opens in
            (("eddy", 0), ("aged", AGED_QUICK_OPENS if quick else AGED_OPENS))],
            floor_of(machine, "atomic"))


BENCHES = {
    "native-pingpong": native_pingpong,
    "publish": publish,
    "throughput": throughput,
    "groups": groups,
    "ring": ring,
    "ring-pingpong": ring_pingpong,
    "dds-pingpong": dds_pingpong,
    "memory": memory,
    "aged": aged,
    "paced": paced,
    "idle": idle,
    "dds11-pingpong": dds11_pingpong,
    "dds11-sizes": dds11_sizes,
    "dds11-readers": dds11_readers,
    "dds11-throughput": dds11_throughput,
    "dds11-paced": dds11_paced,
    "dds11-idle": dds11_idle,
    "dds11-memory": dds11_memory,
    "crowded": crowded,
}
# What takes long and asks a narrow question runs only by its name.
DEFAULT = [name for name in BENCHES if name != "crowded"]
