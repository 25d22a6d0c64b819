# Results as a picture; needs matplotlib (Debian: python3-matplotlib).
# SPDX-License-Identifier: Apache-2.0
import sys

COLOURS = {"floor": "#9a9a9a", "eddy": "#0072b2", "iceoryx": "#e69f00", "iceoryx2": "#d55e00",
           "udp": "#cc79a7", "fastdds": "#009e73", "fastdds-shm": "#56b4e9",
           "semaphores": "#d55e00", "pipe": "#009e73", "socket": "#56b4e9", "queue": "#f0e442",
           "single": "#444444"}
PANELS = {
    "native-pingpong": ("p50_us", "one way, us (p50)", ("mode", "size")),
    "publish": ("ns", "loan and publish, ns", ("readers", "size")),
    "throughput": ("bytes_per_s", "bytes a second", ("writers:readers", "size")),
    "ring": ("bytes_per_s", "chunks written and read whole, bytes a second", ("size", "slots")),
    "ring-pingpong": ("p50_us", "chunks, one way, us (p50)", ("mode", "size")),
    "dds-pingpong": ("p50_us", "Cyclone DDS, one way, us (p50)", ("mode", "size")),
}


def available():
    """None, or why no picture can be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return (f"a picture needs matplotlib, which {sys.executable} does not have; on Debian "
                "install python3-matplotlib and run /usr/bin/python3 bench/run")
    return None


def cases_of(rows, names):
    """The cases of a benchmark in the order in which they ran: values of `names` -> transport ->
    row."""
    cases = {}
    for row in rows:
        # the floor's row has the floor's own mode; a case begins with it, where it has one
        if row["transport"] == "floor" and row["bench"] != "throughput":
            floor = row
            continue
        case = cases.setdefault(tuple(row[name] for name in names), {})
        case[row["transport"]] = row
        if row["bench"] != "throughput":
            case["floor"] = floor
    return cases


def draw_panel(axes, rows, field, title, names):
    cases = cases_of(rows, names)
    transports = [t for t in COLOURS if any(t in case for case in cases.values())]
    width = 0.8 / len(transports)
    for number, transport in enumerate(transports):
        places = [place + number * width for place in range(len(cases))]
        values = [case.get(transport, {}).get(field) or float("nan") for case in cases.values()]
        axes.bar(places, values, width, label=transport, color=COLOURS[transport])
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(cases))])
    labels = [" ".join(str(value) for value in key) for key in cases]
    axes.set_xticklabels(labels, rotation=30, ha="right")
    axes.set_yscale("log")
    axes.set_title(title, loc="left")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, ncols=4)


def draw(rows, facts, path):
    """One panel a benchmark, with logarithmic axes, into an SVG or PNG file."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    benches = [bench for bench in PANELS if any(row["bench"] == bench for row in rows)]
    figure, panels = pyplot.subplots(len(benches), 1, figsize=(11, 3.6 * len(benches)),
                                     squeeze=False, layout="constrained")
    for axes, bench in zip(panels[:, 0], benches):
        of_bench = [row for row in rows if row["bench"] == bench]
        field, title, names = PANELS[bench]
        draw_panel(axes, of_bench, field, f"{bench}: {title}", names)
    figure.supxlabel(f"{facts['machine']}; Eddy {facts['commit']}", fontsize=8)
    figure.savefig(path)
