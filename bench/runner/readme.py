# The table of figures in the README, from the rows of a run.
# SPDX-License-Identifier: Apache-2.0
import re

from .machine import ROOT
from .targets import failed, find

# of a part: the begin and the end of its table
MARKS = {
    "all": ("<!-- figures: written by bench/run --readme; not by hand -->",
            "<!-- end of figures -->"),
    "dds11": ("<!-- figures of Cyclone DDS 11: by bench/run dds11 --readme; not by hand -->",
              "<!-- end of figures of Cyclone DDS 11 -->"),
}
ROWS = {"all": "rows.jsonl", "dds11": "dds11.jsonl"}  # files in bench/results
RIVALS = {"iceoryx": "iceoryx", "iceoryx2": "iceoryx2", "fastdds": "Fast DDS by data sharing",
          "fastdds-shm": "Fast DDS by shared memory", "udp": "loopback UDP",
          "semaphores": "a ring with named semaphores", "pipe": "a pipe"}
K, M = 1 << 10, 1 << 20


def number(value):
    """Two digits that count, and all digits before the point."""
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def both(values, unit):
    """"36 and 39 ns"; None if one of them is missing."""
    if any(value is None for value in values):
        return None
    return " and ".join(number(value) for value in values) + f" {unit}"


def time_text(microseconds):
    return f"{number(microseconds / 1e3)} ms" if microseconds >= 1e3 else (
        f"{number(microseconds)} µs")


def rate_text(row):
    if row["bytes_per_s"] >= 5e9:
        return f"{number(row['bytes_per_s'] / 1e9)} GB/s"
    return f"{number(row['samples_per_s'] / 1e6)} million a second"


def joined(*parts):
    return "; ".join(part for part in parts if part)


class Figures:
    """Looks up what the table says."""

    def __init__(self, rows):
        self.rows = rows

    def row(self, bench, transport="eddy", **key):
        return find(self.rows, bench, transport, **key)

    def by_eddy(self, bench, field, keys, unit):
        """What each rival's figure is by Eddy's, in each of the cases `keys`; those that were not
        measured are not named."""
        measured, broken = [], []
        for transport, name in RIVALS.items():
            rows = [self.row(bench, transport, **key) for key in keys]
            values = [row.get(f"{field}_by_eddy") for row in rows]
            if all(values):
                measured.append(f"{name} " + " and ".join(number(value) for value in values))
            elif any(failed(row) for row in rows):
                broken.append(f"{name} fails")
        text = ", ".join(measured) + f" times {unit}" if measured else ""
        return joined(text, *broken)

    def latency(self, bench, what, floor, **key):
        row = self.row(bench, **key)
        if "p50_us" not in row:
            return None
        beside = self.by_eddy(bench, "p50_us", [key], "as long")
        if floor:
            beside = joined(f"{number(row['by_floor'])} times the floor ({floor})", beside)
        return what, time_text(row["p50_us"]), beside

    def publish(self, what, size):
        keys = [{"readers": readers, "size": size} for readers in (1, 64)]
        rows = [self.row("publish", **key) for key in keys]
        costs = both([row.get("ns") for row in rows], "ns")
        if costs is None:
            return None
        floor = both([row["by_floor"] for row in rows], "times an atomic addition")
        return what, costs, joined(floor, self.by_eddy("publish", "ns", keys, "as long"))

    def throughput(self, what, shape, size):
        key = {"writers:readers": shape, "size": size}
        row = self.row("throughput", **key)
        if "samples_per_s" not in row:
            return None
        beside = self.by_eddy("throughput", "samples_per_s", [key], "as many")
        floor = self.row("throughput", "floor", **key).get("bytes_per_s_by_eddy")
        if floor:
            means = "two flags" if shape == "1:1" else "counters"
            beside = joined(f"{number(1 / floor)} times what {means} and no transport move", beside)
        return what, rate_text(row), beside

    def ring(self, what, size, all_slots):
        keys = [{"size": size, "slots": slots} for slots in all_slots]
        rows = [self.row("ring", **key) for key in keys]
        costs = both([row.get("ns") for row in rows], "ns a chunk")
        if costs is None:
            return None
        if len(rows) == 1:
            costs = f"{number(rows[0]['bytes_per_s'] / 1e9)} GB/s"
        floor = both([row["by_floor"] for row in rows], "times as long as two flags and no ring")
        return what, costs, joined(floor, self.by_eddy("ring", "ns", keys, "as long"))

    def memory(self, what):
        row = self.row("memory")
        return (what, f"{row['stats_bytes'] / K:.0f} KiB", "") if "stats_bytes" in row else None


    def newer_latency(self, what, mode, size):
        """On Cyclone DDS 11; for the smallest size also by what Eddy itself takes."""
        key = {"mode": mode, "size": size}
        row = self.row("dds11-pingpong", **key)
        if "p50_us" not in row:
            return None
        native = self.row("dds11-pingpong", "native", **key).get("p50_us_by_eddy")
        floor = native and f"{number(1 / native)} times what Eddy's own wait sets take"
        beside = joined(floor, self.by_eddy("dds11-pingpong", "p50_us", [key], "as long"))
        return what, f"{time_text(row['p50_us'])}, p99 {time_text(row['p99_us'])}", beside

    def newer_sizes(self, what, mode):
        rows = [row for row in self.rows if row["bench"] == "dds11-sizes"
                and row.get("mode") == mode and "p50_us_by_first" in row]
        if not rows:
            return None
        ratios = [row["p50_us_by_first"] for row in rows]
        return what, f"{min(ratios):.2f} to {max(ratios):.2f} times that of 64 bytes", ""

    def newer_readers(self, what, readers, size):
        key = {"readers": readers, "size": size}
        row = self.row("dds11-readers", **key)
        if "p50_us" not in row:
            return None
        return what, time_text(row["p50_us"]), joined(
            self.by_eddy("dds11-readers", "p50_us", [key], "as long"),
            self.by_eddy("dds11-readers", "cpu_us", [key], "as much processor time"))

    def newer_throughput(self, what, shape, size):
        key = {"writers:readers": shape, "size": size}
        row = self.row("dds11-throughput", **key)
        if "samples_per_s" not in row:
            return None
        return what, rate_text(row), joined(
            self.by_eddy("dds11-throughput", "samples_per_s", [key], "as many"),
            self.by_eddy("dds11-throughput", "cpu_us", [key], "as much processor time a sample"))

    def newer_paced(self, what, period):
        key = {"way": "listener", "period_us": period}
        row = self.row("dds11-paced", **key)
        if "cpu_us" not in row:
            return None
        return what, f"{number(row['cpu_us'])} µs", self.by_eddy("dds11-paced", "cpu_us", [key],
                                                                 "as much")

    def newer_memory(self, what):
        rows = [row for row in self.rows if row["bench"] == "dds11-memory"]
        row = next((row for row in rows if row["transport"] == "eddy"), {})
        if "private_bytes" not in row:
            return None
        beside = [f"{RIVALS[other['transport']]} {memory_text(other)}" if "private_bytes" in other
                  else f"{RIVALS[other['transport']]} fails" for other in rows
                  if other["transport"] != "eddy" and ("private_bytes" in other or failed(other))]
        return what.format(row["topics"]), memory_text(row), "; ".join(beside)


def memory_text(row):
    return (f"{row['private_bytes'] / M:.0f} MiB, and {row['shared_bytes'] / M:.0f} MiB shared; "
            f"{row['threads']:.0f} threads, {row['descriptors']:.0f} descriptors")


def newer_lines(figures):
    """The same of Cyclone DDS 11."""
    for size, text in ((64, "64 bytes"), (M, "1 MiB"), (64 * M, "64 MiB")):
        yield figures.newer_latency(f"a listener answers, {text}, one way", "listener", size)
        yield figures.newer_latency(f"wait set, {text}", "waitset", size)
    yield figures.newer_sizes("a listener answers, 64 bytes to 64 MiB, all sizes in turns",
                              "listener")
    for readers in (1, 32):
        yield figures.newer_readers(
            f"64 bytes to {readers} process{'es' * (readers > 1)}, until the last has it",
            readers, 64)
    for shape, size, text in (("1:1", K, "one writer, one reader, 1 KiB samples"),
                              ("1:1", 64 * K, "one writer, one reader, 64 KiB samples"),
                              ("1:4", 64 * K, "one writer, four readers, 64 KiB samples")):
        yield figures.newer_throughput(text, shape, size)
    yield figures.newer_paced("processor time of a listener for a sample each millisecond", 1000)
    yield figures.newer_memory("memory of {} topics, a program that writes and one that reads")


def lines(figures):
    """(what, Eddy's figure, what stands beside it); None for what was not measured."""
    pingpong, dds, ring = "native-pingpong", "dds-pingpong", "ring-pingpong"
    yield figures.latency(pingpong, "C API, 64 bytes to another process and back, both polling, "
                          "one way", "a cache line and a payload", mode="spin", size=64)
    yield figures.latency(pingpong, "C API, 64 bytes, both in a wait set", None, mode="waitset",
                          size=64)
    yield figures.publish("loan and publish 64 bytes, 1 reader and 64 readers", 64)
    yield figures.throughput("one writer, one reader, 1 KiB samples written and read whole",
                             "1:1", K)
    yield figures.throughput("one writer, one reader, 64 KiB samples", "1:1", 64 * K)
    yield figures.throughput("four writers, four readers, 64 KiB samples", "4:4", 64 * K)
    for size, text in ((64, "64 bytes"), (M, "1 MiB"), (16 * M, "16 MiB")):
        yield figures.latency(dds, f"Cyclone DDS, a listener answers, {text}, one way", None,
                              mode="listener", size=size)
        yield figures.latency(dds, f"Cyclone DDS, wait set, {text}", None, mode="waitset",
                              size=size)
    yield figures.memory("shared memory of a topic with 64-byte samples")
    yield figures.latency(ring, "trace ring, 64 bytes to another process and back, one way",
                          "two flags", mode="wait", size=64)
    yield figures.ring("trace ring, 64-byte chunks, 5 slots and 1,024 slots", 64, (5, 1024))
    yield figures.ring("trace ring, 2 MiB chunks, 5 slots", 2 * M, (5,))


LINES = {"all": lines, "dds11": newer_lines}
# What a part shows besides; the page itself has those of the other.
SHOWS = {"dds11": """<picture>
  <source media="(prefers-color-scheme: dark)" srcset="bench/results/dds11-dark.svg">
  <img alt="One way between two programs of Cyclone DDS 11, for payloads of 64 bytes and more, and \
to many readers" src="bench/results/dds11-light.svg">
</picture>
""".splitlines() + [""]}


def part_of(row):
    is_newer = row["bench"].startswith("dds11-") or row.get("text", "").startswith("DDS 11 ")
    return "dds11" if is_newer else "all"


def table(rows, part="all"):
    """The text between the markers; sizes in bytes in the rows."""
    begin, end = MARKS[part]
    where = re.sub(r"(Linux \d+\.\d+)\S*", r"\1", rows[0]["machine"])
    commits = list(dict.fromkeys(row["commit"] for row in rows))
    runs = "One run" if len(commits) == 1 else "Runs"
    text = [begin, *SHOWS.get(part, []), f"{runs} on {where}; Eddy {' and '.join(commits)}.", "",
            "| | Eddy | beside it |", "| --- | --- | --- |"]
    text += ["| " + " | ".join(line).rstrip() + " |" for line in LINES[part](Figures(rows)) if line]
    return "\n".join([*text, end])


def replaced(page, rows, part="all"):
    """The page with the table of these rows."""
    begin, end = MARKS[part]
    before, rest = page.split(begin, 1)
    return before + table(rows, part) + rest.split(end, 1)[1]


def write(rows, part):
    path = ROOT / "README.md"
    path.write_text(replaced(path.read_text(), rows, part))
