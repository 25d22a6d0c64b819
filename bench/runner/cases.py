# Cases: contenders over one question, and what became of them as rows.
# SPDX-License-Identifier: Apache-2.0
from .crowd import Crowd
from .turns import Contender, median_of, median_ratio, take_plain_turns, take_turns

TIMES = ("p50_us", "p99_us", "ns", "cpu_us")
RATES = ("samples_per_s", "chunks_per_s", "bytes_per_s", "taken_per_s")
COUNTS = ("faults", "first_faults", "preempted", "wakeups", "threads", "descriptors")
BYTES = ("stats_bytes", "folder_bytes", "private_bytes", "shared_bytes")
# Here the floor beside a slice only tells whether a slice was undisturbed.
FLOORLESS = ("throughput", "groups", "memory", "aged", "paced", "idle", "crowded", "dds11-throughput", "dds11-paced",
             "dds11-idle", "dds11-memory")
# What a listener learns comes and goes within some 100 ms: turns, and the whole, are so many times
# as long as others.
PACED_SLICES, PACED_SECONDS = 2, 4
IDLE_MS, IDLE_QUICK_MS = 10000, 2000
CROWDED_MS = 100


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
        floor = [self._floor_row(answers)] if self.bench not in FLOORLESS else []
        return floor + self._rows()

    def _rows(self):
        eddy = next((c.rounds for c in self.contenders if c.transport == "eddy"), {})
        return [self._row(contender, eddy) for contender in self.contenders]

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


class SizesCase(Case):
    """Eddy alone, with each size as a contender: what a size costs by the first of them."""

    def __init__(self, bench, key, contenders, floor, sizes):
        super().__init__(bench, key, contenders, floor)
        self.sizes = sizes

    def _rows(self):
        first = self.contenders[0].rounds
        rows = []
        for size, contender in zip(self.sizes, self.contenders):
            row = {**self._row(contender, first), "size": size}
            if contender.rounds and first:
                row["p50_us_by_first"] = median_ratio(contender.rounds, "p50_us", first, "p50_us")
            rows.append(row)
        return rows

    def _failed_row(self, transport, failure):
        return {**super()._failed_row(transport, failure), "size": self.sizes[0]}


class PlainCase(Case):
    """Contenders that take turns with no floor beneath them."""

    def __init__(self, bench, key, contenders):
        super().__init__(bench, key, contenders, None)

    def run(self, seconds, slice_ms):
        take_plain_turns(self.contenders, *self.turns(seconds, slice_ms))
        return self._rows()


class PacedCase(PlainCase):
    """With turns that are long for what a listener learns."""

    def turns(self, seconds, slice_ms):
        return PACED_SECONDS * seconds, PACED_SLICES * slice_ms


class OnceCase(PlainCase):
    """One turn."""

    def turns(self, seconds, slice_ms):
        return 0, slice_ms


class IdleCase(PlainCase):
    """One long turn."""

    def __init__(self, bench, key, contenders, quick):
        super().__init__(bench, key, contenders)
        self.slice_ms = IDLE_QUICK_MS if quick else IDLE_MS

    def turns(self, seconds, slice_ms):
        return 0, self.slice_ms


class CrowdedCase(PlainCase):
    """With busy programs beside it all the time, in short turns."""

    def __init__(self, bench, key, contenders):
        super().__init__(bench, key, contenders)
        self.pinned = key["pinned"] == "yes"
        for contender in contenders:
            if not self.pinned:
                contender.env["BENCH_UNPINNED"] = "1"

    def turns(self, seconds, slice_ms):
        return seconds, CROWDED_MS

    def run(self, seconds, slice_ms):
        with Crowd(self.key["busy"], self.pinned):
            return super().run(seconds, slice_ms)


def floor_of(machine, *arguments):
    return arguments[-1], [machine.program("floor"), *arguments]


def native(machine, transport, name, *arguments):
    return Contender(transport, [machine.program(name), *map(str, arguments)],
                     machine.env(transport), machine.missing(transport, name))


def dds(machine, transport, number, name, *arguments):
    """`number`: of the DDS domain, which it has to itself."""
    argv = [machine.program(f"dds-{name}"), *map(str, arguments), str(machine.domain + number)]
    if transport != "udp":
        argv.append("shm")
    return Contender(transport, argv, machine.dds_env(transport),
                     machine.missing(transport, f"dds-{name}"))


def dds11(machine, transport, number, name, *arguments):
    """The same program on Cyclone DDS 11."""
    argv = [machine.program(f"dds-{name}"), *map(str, arguments), str(machine.domain + number)]
    if transport != "udp":
        argv.append("shm")
    missing = machine.missing_newer(transport, f"dds-{name}")
    return Contender(transport, argv, None if missing else machine.newer_env(transport), missing)
