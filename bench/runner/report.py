# Results as a table for people.
# SPDX-License-Identifier: Apache-2.0

COLUMNS = {
    "native-pingpong": ("mode", "size", "transport", "p50_us", "p99_us", "by_floor",
                        "p50_us_by_eddy", "p99_us_by_eddy", "kept"),
    "publish": ("readers", "size", "transport", "ns", "by_floor", "ns_by_eddy", "kept"),
    "throughput": ("writers:readers", "size", "transport", "samples_per_s", "bytes_per_s",
                   "taken_per_s", "bytes_per_s_by_eddy", "kept"),
    "groups": ("size", "transport", "samples_per_s", "bytes_per_s", "samples_per_s_by_eddy",
               "kept"),
    "ring": ("size", "slots", "transport", "chunks_per_s", "bytes_per_s", "ns", "cpu_us", "faults",
             "first_faults", "by_floor", "ns_by_eddy", "cpu_us_by_eddy", "preempted",
             "kept"),
    "ring-pingpong": ("mode", "size", "transport", "p50_us", "p99_us", "by_floor",
                      "p50_us_by_eddy", "p99_us_by_eddy", "kept"),
    "dds-pingpong": ("mode", "size", "transport", "p50_us", "p99_us", "by_floor",
                     "p50_us_by_eddy", "p99_us_by_eddy", "kept"),
    "memory": ("size", "transport", "stats_bytes", "folder_bytes"),
    "aged": ("what", "transport", "ns", "stats_bytes", "ns_by_eddy", "stats_bytes_by_eddy", "kept"),
    "paced": ("way", "period_us", "transport", "cpu_us", "p50_us", "p99_us", "cpu_us_by_eddy",
              "p50_us_by_eddy", "kept"),
    "idle": ("way", "listeners", "transport", "threads", "wakeups"),
    "dds11-pingpong": ("mode", "size", "transport", "p50_us", "p99_us", "by_floor",
                       "p50_us_by_eddy", "p99_us_by_eddy", "kept"),
    "dds11-sizes": ("mode", "size", "transport", "p50_us", "p99_us", "by_floor",
                    "p50_us_by_first", "kept"),
    "dds11-readers": ("readers", "size", "transport", "p50_us", "p99_us", "cpu_us",
                      "p50_us_by_eddy", "p99_us_by_eddy", "cpu_us_by_eddy", "kept"),
    "dds11-throughput": ("writers:readers", "size", "transport", "samples_per_s", "bytes_per_s",
                         "taken_per_s", "cpu_us", "bytes_per_s_by_eddy", "cpu_us_by_eddy", "kept"),
    "dds11-paced": ("way", "period_us", "transport", "cpu_us", "p50_us", "p99_us",
                    "cpu_us_by_eddy", "p50_us_by_eddy", "kept"),
    "dds11-idle": ("way", "listeners", "transport", "threads", "wakeups"),
    "dds11-memory": ("topics", "transport", "private_bytes", "shared_bytes", "threads",
                     "descriptors", "private_bytes_by_eddy", "shared_bytes_by_eddy"),
    "crowded": ("api", "mode", "busy", "pinned", "transport", "p50_us", "p99_us", "samples_per_s",
                "p50_us_by_eddy", "p99_us_by_eddy", "samples_per_s_by_eddy", "kept"),
}
HEADINGS = {
    "p50_us": "p50 us", "p99_us": "p99 us", "by_floor": "x floor", "p50_us_by_eddy": "p50 x Eddy",
    "p99_us_by_eddy": "p99 x Eddy", "ns_by_eddy": "x Eddy", "bytes_per_s_by_eddy": "x Eddy",
    "cpu_us": "CPU us", "cpu_us_by_eddy": "CPU x Eddy", "first_faults": "first lap",
    "chunks_per_s": "chunks/s", "samples_per_s": "samples/s",
    "bytes_per_s": "bytes/s", "taken_per_s": "taken/s",
    "samples_per_s_by_eddy": "samples/s x Eddy", "period_us": "period us", "wakeups": "wake-ups",
    "stats_bytes": "statistics", "folder_bytes": "folder", "p50_us_by_first": "x first",
    "stats_bytes_by_eddy": "statistics x Eddy",
    "private_bytes": "private", "shared_bytes": "shared",
    "private_bytes_by_eddy": "private x Eddy", "shared_bytes_by_eddy": "shared x Eddy",
}
UNITS = {
    "native-pingpong": "one way, both processes on cores of their own",
    "publish": "loan and publish, readers keeping up; the floor is one atomic addition",
    "throughput": "reliable readers; payloads written and read whole; the floor: two flags, or counters",
    "groups": "reliable; samples written and taken one at a time (eddy), and in groups",
    "ring": "one producer, one consumer; ns, CPU (of both) and page faults are for one chunk",
    "ring-pingpong": "chunks written and read whole, one way; wait: each waits in its own way",
    "dds-pingpong": "DDS, one way; the floor is a futex wake with 64 bytes",
    "memory": "bytes of shared memory for a topic with default options",
    "aged": "a topic that has been through much, and a fresh one (eddy); x Eddy: by the fresh one",
    "paced": "a sample of 64 bytes each period; CPU: of the listening process, for each sample",
    "idle": "wake-ups of all threads that wait in Eddy, in one slice; nothing is published",
    "dds11-pingpong": "Cyclone DDS 11, one way; native: Eddy's own wait sets; the floor spins",
    "dds11-sizes": "Cyclone DDS 11 through Eddy, one way, all sizes in turns",
    "dds11-readers": "Cyclone DDS 11, until the last of all readers has it; CPU of all of them",
    "dds11-throughput": "Cyclone DDS 11, reliable, KEEP_ALL; payloads written and read whole; CPU "
                        "of all, for each sample",
    "dds11-paced": "the same on Cyclone DDS 11",
    "dds11-idle": "the same on Cyclone DDS 11",
    "dds11-memory": "bytes, threads and descriptors of a writing and a reading program",
    "crowded": "64 bytes one way, with busy programs beside it; pinned: pair and busy ones alike",
}


def scaled(value):
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.2f} {name}"
    return f"{value:.0f}"


def cell(row, column):
    if column == "kept":
        slices, dropped = row.get("slices", 0), row.get("dropped", 0)
        return f"{slices}/{slices + dropped}" if slices + dropped else ""
    value = row.get(column)
    if value is None:
        return ""
    if column.endswith("_per_s"):
        return scaled(value)
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:.0f}"
    return str(value)


def table(head, lines):
    """Columns as wide as their widest cell; a last column that only some lines have is a note."""
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    for line in [head, *lines]:
        cells = [text.rjust(width) for text, width in zip(line, widths)]
        print(("  ".join(cells) + "  " + " ".join(line[len(head):])).rstrip())


def print_bench(bench, rows):
    columns = COLUMNS[bench]
    print(f"\n{bench}: {UNITS[bench]}")
    lines = []
    for row in rows:
        line = [cell(row, column) for column in columns]
        lines.append(line + [row["missing"]] if "missing" in row else line)
    table([HEADINGS.get(column, column) for column in columns], lines)


def print_targets(targets):
    print("\ntargets: what Eddy means to reach, and this run")
    lines = []
    for row in targets:
        measured = row["measured"]
        answer = "not measured" if measured is None else "met" if row["met"] else "missed"
        lines.append([row["text"], f"{row['limit']:g}",
                      "" if measured is None else f"{measured:.2f}", answer])
    table(["target", "limit", "measured", ""], lines)


def for_machines(row):
    """A row as a program likes it: the size in bytes."""
    if "size" not in row:
        return row
    size = row["size"]
    unit = {"k": 1 << 10, "M": 1 << 20}.get(size[-1], 1)
    return {**row, "size": int(size.rstrip("kM")) * unit}
