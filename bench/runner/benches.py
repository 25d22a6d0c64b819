# What there is to measure: every benchmark as a list of cases.
# SPDX-License-Identifier: Apache-2.0
from .turns import Contender, median_of, median_ratio, take_turns

TIMES = ("p50_us", "p99_us", "ns", "cpu_us")
RATES = ("samples_per_s", "chunks_per_s", "bytes_per_s", "taken_per_s")
COUNTS = ("faults", "first_faults", "preempted")
BYTES = ("stats_bytes", "folder_bytes")
SIZES = ("64", "1k", "64k", "1M")
DDS_SIZES = ("64", "1k", "64k", "1M", "4M", "16M")
# Five slots are what a trace ring has in use; small chunks also with as many as suits them.
CHUNKS = (("64", 5), ("64", 1024), ("4k", 5), ("64k", 5), ("2M", 5), ("32M", 5), ("256M", 5))
KERNEL = ("pipe", "socket", "queue")
QUEUE_SIZES = ("64", "4k")  # the kernel's default limit is 8 KiB
SHAPES = ("1:1", "1:4", "4:1", "4:4")
FLOOR_SLOTS = 16  # as many as Eddy's readers have by default
# Its ways through shared memory: readers map the writer's history, or the transport copies it.
FASTDDS = (("fastdds", "data-sharing"), ("fastdds-shm", "shm"))
FASTDDS_DOMAIN = 3  # the first that Cyclone DDS does not use
# Here the floor beside a slice only tells whether a slice was undisturbed.
FLOORLESS = ("throughput", "memory")
READERS = (0, 1, 8, 64, 512)


class Case:
    """Contenders that take turns over one question, with the floor beneath them."""

    def __init__(self, bench, key, contenders, floor):
        self.bench, self.key, self.contenders, self.floor = bench, key, contenders, floor

    def title(self):
        return " ".join([self.bench] + [str(value) for value in self.key.values()])

    def run(self, seconds, slice_ms):
        """One row for each contender and one for the floor."""
        answers, failure = take_turns(self.contenders, self.floor[1], seconds, slice_ms)
        if failure:
            return [self._failed_row(name, failure)
                    for name in ["floor"] + [c.transport for c in self.contenders]]
        rows = [self._floor_row(answers)] if self.bench not in FLOORLESS else []
        eddy = next((c.rounds for c in self.contenders if c.transport == "eddy"), {})
        for contender in self.contenders:
            rows.append(self._row(contender, eddy))
        return rows

    def _failed_row(self, transport, failure):
        """What the others measured counts for nothing without the floor beside it."""
        return {"bench": self.bench, "transport": transport, **self.key,
                "missing": f"failed: the floor {failure}"}

    def _floor_row(self, answers):
        rounds = dict(enumerate(answers))
        row = {"bench": self.bench, "transport": "floor", **self.key, "mode": self.floor[0]}
        row.update({key: median_of(rounds, key) for key in TIMES + RATES + COUNTS
                    if key in answers[0]})
        return row

    def _row(self, contender, eddy):
        rounds = contender.rounds
        row = {"bench": self.bench, "transport": contender.transport, **self.key,
               "slices": len(rounds), "dropped": contender.dropped}
        if not rounds:
            row["missing"] = contender.missing or "the floor never held still"
            return row
        for key in TIMES + RATES + BYTES:
            if median_of(rounds, key) is not None:
                row[key] = median_of(rounds, key)
                if contender.transport != "eddy" and eddy:
                    row[f"{key}_by_eddy"] = median_ratio(rounds, key, eddy, key)
        row.update({key: median_of(rounds, key) for key in COUNTS
                    if median_of(rounds, key) is not None})
        time = next((key for key in ("p50_us", "ns") if key in row), None)
        if time and self.bench not in FLOORLESS:
            row["by_floor"] = median_ratio(rounds, time, rounds, "floor")
        return row


def floor_of(machine, *arguments):
    return arguments[-1], [machine.program("floor"), *arguments]


def native(machine, transport, name, *arguments):
    return Contender(transport, [machine.program(name), *map(str, arguments)],
                     machine.env(transport), machine.missing(transport, name))


def fastdds(machine, name, *arguments):
    """Fast DDS in both of its ways through shared memory, each in a DDS domain of its own."""
    for number, (transport, way) in enumerate(FASTDDS):
        domain = machine.domain + FASTDDS_DOMAIN + number
        yield native(machine, transport, f"fastdds-{name}", *arguments, domain, way)


def native_pingpong(machine, quick):
    for mode in ("spin", "wait", "sleep", "waitset"):
        sizes = SIZES if mode in ("spin", "waitset") else SIZES[:1]
        for size in sizes[:2] if quick else sizes:
            contenders = [native(machine, "eddy", "eddy-pingpong", size, mode)]
            if mode in ("spin", "waitset"):
                contenders.append(native(machine, "iceoryx", "iceoryx-pingpong", size, mode))
            if mode != "sleep":
                contenders.append(native(machine, "iceoryx2", "iceoryx2-pingpong", size, mode))
            if mode == "waitset":
                contenders += fastdds(machine, "native-pingpong", size, mode)
            # what may spin as well as sleep has the flag as the floor of what it can reach
            floor = floor_of(machine, size, "sleep" if mode == "sleep" else "spin")
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
            yield Case("throughput", {"writers:readers": shape, "size": size}, contenders,
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
            contenders = [dds(machine, transport, number, size, mode)
                          for number, transport in enumerate(("eddy", "iceoryx", "udp"))]
            contenders += fastdds(machine, "dds-pingpong", size, mode)
            yield Case("dds-pingpong", {"mode": mode, "size": size}, contenders,
                       floor_of(machine, "64", "sleep"))


def dds(machine, transport, number, size, mode):
    argv = [machine.program("dds-pingpong"), size, mode, str(machine.domain + number)]
    if transport != "udp":
        argv.append("shm")
    return Contender(transport, argv, machine.dds_env(transport),
                     machine.missing(transport, "dds-pingpong"))


def memory(machine, quick):
    yield Case("memory", {"size": "64"}, [native(machine, "eddy", "eddy-memory", "64")],
               floor_of(machine, "atomic"))


BENCHES = {
    "native-pingpong": native_pingpong,
    "publish": publish,
    "throughput": throughput,
    "ring": ring,
    "ring-pingpong": ring_pingpong,
    "dds-pingpong": dds_pingpong,
    "memory": memory,
}
