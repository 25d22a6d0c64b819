# What Eddy means to reach, and what this run measured: ratios within the run wherever possible.
# SPDX-License-Identifier: Apache-2.0
from .machine import IN_GROUPS, NEVER_SPINS


def find(rows, bench, transport, **key):
    for row in rows:
        if row["bench"] == bench and row["transport"] == transport:
            if all(row.get(name) == value for name, value in key.items()):
                return row
    return {}


def failed(row):
    """It was there and broke, as opposed to not being there."""
    return str(row.get("missing")).startswith("failed")


def target(text, limit, at_most, measured):
    """One line; `measured` is None where the run did not measure it."""
    row = {"bench": "target", "text": text, "limit": limit, "measured": measured}
    if measured is not None:
        row["met"] = measured <= limit if at_most else measured >= limit
    return row


def native_targets(rows):
    spin = {"mode": "spin", "size": "64"}
    eddy = find(rows, "native-pingpong", "eddy", **spin)
    iceoryx = find(rows, "native-pingpong", "iceoryx", **spin)
    kilobyte = find(rows, "native-pingpong", "eddy", mode="spin", size="1k")
    yield target("ping-pong spinning, 64 B: p50 by the floor, at most", 2, True,
                 eddy.get("by_floor"))
    yield target("ping-pong spinning, 64 B: iceoryx's p50 by Eddy's, at least", 5, False,
                 iceoryx.get("p50_us_by_eddy"))
    yield target("ping-pong spinning, 1 kB: p99 in us, at most", 5, True, kilobyte.get("p99_us"))
    waiting = find(rows, "native-pingpong", "iceoryx2", mode="wait", size="64")
    yield target("ping-pong waiting, 64 B: iceoryx2's p50 by Eddy's, at least", 50, False,
                 waiting.get("p50_us_by_eddy"))
    waitset = find(rows, "native-pingpong", "eddy", mode="waitset", size="64")
    yield target("ping-pong in a wait set, 64 B: p50 by the spinning floor, at most", 4, True,
                 waitset.get("by_floor"))


def publish_targets(rows):
    costs = {n: find(rows, "publish", "eddy", readers=n, size="64") for n in (1, 64)}
    one, many = costs[1].get("by_floor"), costs[64].get("by_floor")
    yield target("loan + publish: 64 readers by 1 reader, at most", 1.3, True,
                 many / one if one and many else None)
    for readers, row in costs.items():
        yield target(f"loan + publish, for {readers}: by an atomic addition, at most", 10, True,
                     row.get("by_floor"))
    udp = find(rows, "publish", "udp", readers=1, size="1k")
    yield target("publish 1 kB: UDP's sendto by Eddy, at least", 5, False, udp.get("ns_by_eddy"))


def throughput_targets(rows):
    rates = [row["bytes_per_s"] for row in rows if row["bench"] == "throughput"
             and row["transport"] == "eddy" and row["writers:readers"] == "1:1"
             and "bytes_per_s" in row]
    yield target("throughput 1:1 at its best size: GB/s, at least", 1, False,
                 max(rates) / 1e9 if rates else None)
    for shape in ("1:1", "4:4"):
        row = find(rows, "throughput", "iceoryx", **{"writers:readers": shape, "size": "64k"})
        by_eddy = row.get("samples_per_s_by_eddy")
        yield target(f"throughput {shape}, 64 KiB: Eddy's rate by iceoryx's, at least", 1.2, False,
                     1 / by_eddy if by_eddy else None)
        by_eddy = find(rows, "throughput", "floor", **{"writers:readers": shape, "size": "64k"}
                       ).get("samples_per_s_by_eddy" if shape != "1:1" else "bytes_per_s_by_eddy")
        yield target(f"throughput {shape}, 64 KiB: by what no transport moves, at least", 0.85,
                     False, 1 / by_eddy if by_eddy else None)


def groups_targets(rows):
    together = find(rows, "groups", IN_GROUPS, size="64")
    yield target("one writer, one reader, 64 B, in groups of 16: samples a second by one at a time, "
                 "at least", 2.5, False, together.get("samples_per_s_by_eddy"))


def trusted(row):
    """The row, unless others had the cores so often that it says nothing: fewer slices than that
    were kept, or it was faster than its floor."""
    return row if row.get("slices", 0) >= 3 and row.get("by_floor", 1) > 0.9 else {}


def ring_targets(rows):
    for slots in (5, 1024):
        row = trusted(find(rows, "ring", "semaphores", size="64", slots=slots))
        yield target(f"ring of {slots}, 64 B: semaphores' time by Eddy's, at least", 3, False,
                     row.get("ns_by_eddy"))
    by_floor = trusted(find(rows, "ring", "eddy", size="2M", slots=5)).get("by_floor")
    yield target("ring of 5, 2 MiB: rate by that of two flags and no ring, at least", 0.9, False,
                 1 / by_floor if by_floor else None)


def no_targets(rows):
    """Measured for the reader."""
    return ()


# (mode, size) -> what iceoryx's p50 and p99 are to be by Eddy's, at least; 1 where nothing stands.
DDS_LIMITS = {
    ("listener", "64"): (15, 5),
    ("waitset", "64"): (3, 1.5),
    ("listener", "1M"): (1.5, 1.2),
    ("waitset", "1M"): (1.5, 1.2),
}


def dds_targets(rows):
    """Eddy against iceoryx at every size; where iceoryx fails, Eddy has to work."""
    for row in rows:
        if row["bench"] != "dds-pingpong" or row["transport"] != "iceoryx":
            continue
        name = f"DDS {row['mode']} {row['size']}"
        eddy = find(rows, "dds-pingpong", "eddy", mode=row["mode"], size=row["size"])
        if failed(row):
            measured = None if "missing" in eddy and not failed(eddy) else eddy.get("slices")
            yield target(f"{name}: iceoryx fails; slices through Eddy, at least", 1, False,
                         measured)
            continue
        limits = DDS_LIMITS.get((row["mode"], row["size"]), (1, 1))
        for key, limit in zip(("p50", "p99"), limits):
            yield target(f"{name}: iceoryx's {key} by Eddy's, at least", limit, False,
                         row.get(f"{key}_us_by_eddy"))


# size -> what UDP's p50 is to be by Eddy's, at least
UDP_LIMITS = {"64": 10, "1M": 100}


def dds11_pingpong_targets(rows):
    native = find(rows, "dds11-pingpong", "native", mode="listener", size="64")
    by_eddy = native.get("p50_us_by_eddy")
    yield target("DDS 11 listener 64: p50 by that of Eddy's own wait sets, at most", 3, True,
                 1 / by_eddy if by_eddy else None)
    for row in rows:
        if row["transport"] == "udp" and row["size"] in UDP_LIMITS:
            yield target(f"DDS 11 {row['mode']} {row['size']}: UDP's p50 by Eddy's, at least",
                         UDP_LIMITS[row["size"]], False, row.get("p50_us_by_eddy"))
    yield from slower_nowhere(rows, "dds11-pingpong", ("mode", "size"))


def slower_nowhere(rows, bench, names):
    """psmx_iox is faster in no row; where it fails, Eddy has to work."""
    for row in rows:
        is_there = "missing" not in row or failed(row)
        if row["bench"] != bench or row["transport"] != "iceoryx" or not is_there:
            continue
        key = {name: row[name] for name in names}
        words = "DDS 11 " + " ".join([bench.split("-")[1], *map(str, key.values())])
        eddy = find(rows, bench, "eddy", **key)
        if failed(row):
            yield target(f"{words}: psmx_iox fails; slices through Eddy, at least", 1, False,
                         None if "missing" in eddy and not failed(eddy) else eddy.get("slices"))
            continue
        for figure in ("p50", "p99"):
            yield target(f"{words}: psmx_iox's {figure} by Eddy's, at least", 1, False,
                         row.get(f"{figure}_us_by_eddy"))


def dds11_sizes_targets(rows):
    for row in rows:
        if row["transport"] == "eddy":
            yield target(f"DDS 11 {row['mode']}, {row['size']}: p50 by that of 64 bytes, at most",
                         1.1, True, row.get("p50_us_by_first"))


def dds11_readers_targets(rows):
    yield from slower_nowhere(rows, "dds11-readers", ("readers", "size"))


def dds11_paced_targets(rows):
    yield from slower_nowhere(rows, "dds11-paced", ("way", "period_us"))


def memory_targets(rows):
    row = find(rows, "memory", "eddy")
    for key, text in (("stats_bytes", "by its statistics"), ("folder_bytes", "in its folder")):
        measured = row.get(key)
        yield target(f"memory of a default topic {text}: KiB, at most", 256, True,
                     measured / 1024 if measured is not None else None)


def aged_targets(rows):
    for what in ("publish", "take", "join", "memory"):
        figure = "stats_bytes_by_eddy" if what == "memory" else "ns_by_eddy"
        yield target(f"{what} on an aged topic: by a fresh one, at most", 1.2, True,
                     find(rows, "aged", "aged", what=what).get(figure))


def by_never_spinning(rows, bench, key, figure):
    """Eddy's figure by that of Eddy that never spins: the median over rounds."""
    by_eddy = find(rows, bench, NEVER_SPINS, **key).get(f"{figure}_by_eddy")
    return 1 / by_eddy if by_eddy else None


def paced_targets(rows):
    for period, words, limit in ((1000, "1 ms", 1.1), (100, "100 us", 1.5)):
        for way in ("waitset", "listener"):
            key = {"way": way, "period_us": period}
            yield target(f"CPU of a {way}, a sample each {words}: by never spinning, at most",
                         limit, True, by_never_spinning(rows, "paced", key, "cpu_us"))


def idle_targets(rows):
    for row in rows:
        yield target(f"idle: wake-ups of {row['listeners']} times a {row['way']}, at most", 0,
                     True, row.get("wakeups"))


def dds11_idle_targets(rows):
    for row in idle_targets(rows):
        yield {**row, "text": "DDS 11 " + row["text"]}


def crowded_targets(rows):
    """Slices differ by so much that the medians of all are compared, not slice by slice."""
    for row in rows:
        if row["transport"] != "eddy":
            continue
        key = {name: row[name] for name in ("api", "mode", "busy", "pinned")}
        other = find(rows, "crowded", NEVER_SPINS, **key)
        how = "pinned" if row["pinned"] == "yes" else "not pinned"
        measured = "p50_us" in row and "p50_us" in other
        yield target(f"{row['busy']} busy programs, {how}, {row['api']} {row['mode']}: p50 by "
                     "never spinning, at most", 1.1, True,
                     row["p50_us"] / other["p50_us"] if measured else None)


OF_BENCH = {
    "native-pingpong": native_targets,
    "publish": publish_targets,
    "throughput": throughput_targets,
    "groups": groups_targets,
    "ring": ring_targets,
    "ring-pingpong": no_targets,
    "dds-pingpong": dds_targets,
    "memory": memory_targets,
    "aged": aged_targets,
    "paced": paced_targets,
    "idle": idle_targets,
    "dds11-pingpong": dds11_pingpong_targets,
    "dds11-sizes": dds11_sizes_targets,
    "dds11-readers": dds11_readers_targets,
    "dds11-throughput": no_targets,
    "dds11-paced": dds11_paced_targets,
    "dds11-idle": dds11_idle_targets,
    "dds11-memory": no_targets,
    "crowded": crowded_targets,
}
