# The pictures of the README, each as SVG for light and for dark pages; needs matplotlib.
# SPDX-License-Identifier: Apache-2.0
import math
from pathlib import Path

from .plot import cases_of

INK = {"light": "#1f2328", "dark": "#e6edf3"}
GRID = {"light": "#d0d7de", "dark": "#3d444d"}
# Colours that colour-blind people tell apart (Okabe and Ito), and a marker each for the others.
# transport -> (light, dark, marker, line)
STYLES = {
    "floor": ("#6e7781", "#9198a1", "", ":"),
    "eddy": ("#0072b2", "#4aa8e0", "o", "-"),
    "iceoryx": ("#b87f00", "#e69f00", "s", "-"),
    "iceoryx2": ("#d55e00", "#f0803c", "^", "-"),
    "fastdds": ("#007a59", "#14b88a", "D", "-"),
    "fastdds-shm": ("#007a59", "#14b88a", "d", "--"),
    "udp": ("#a8558a", "#cc79a7", "v", "-"),
}
COLUMNS = 4  # of the legend
NAMES = {"floor": "floor", "eddy": "Eddy", "iceoryx": "iceoryx 2.0", "iceoryx2": "iceoryx2 0.10",
         "fastdds": "Fast DDS, data sharing", "fastdds-shm": "Fast DDS, shared memory",
         "udp": "loopback UDP"}


def size_text(size):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


CLOSE = 4  # powers of two


def sizes_at(values):
    """Place on a logarithmic axis -> text.  Between two that are close, the text of the one in the
    middle would run into theirs."""
    places = {math.log2(value): size_text(value) for value in values}
    order = sorted(places)
    for before, place, after in zip(order, order[1:], order[2:]):
        if after - before <= CLOSE:
            places[place] = ""
    return places


class Panel:
    """One field of some cases of a benchmark, over one of their keys."""

    def __init__(self, title, bench, field, key, **fixed):
        self.title, self.bench, self.field, self.key, self.fixed = title, bench, field, key, fixed

    def lines(self, rows):
        """Place on the horizontal axis -> label, and transport -> (places, values)."""
        names = [*self.fixed, self.key]
        of_bench = [row for row in rows if row["bench"] == self.bench]
        cases = [(key[-1], case) for key, case in cases_of(of_bench, names).items()
                 if list(key[:-1]) == list(self.fixed.values())]
        lines = {}
        for number, (value, case) in enumerate(cases):
            place = math.log2(value) if self.key == "size" else number
            for transport, row in case.items():
                if transport in STYLES and row.get(self.field):
                    places, values = lines.setdefault(transport, ([], []))
                    places.append(place)
                    values.append(row[self.field])
        if self.key == "size":
            return sizes_at(value for value, _ in cases), lines
        return {number: str(value) for number, (value, _) in enumerate(cases)}, lines

    def draw(self, axes, rows, page, joined=True):
        labels, lines = self.lines(rows)
        for transport in (t for t in STYLES if t in lines):
            light, dark, marker, line = STYLES[transport]
            axes.plot(*lines[transport], color=light if page == "light" else dark,
                      marker=marker or "_", linestyle=line if joined else "", markersize=6,
                      linewidth=2.4 if transport == "eddy" else 1.5, label=NAMES[transport])
        axes.set_xticks(list(labels), list(labels.values()))
        axes.margins(x=0.1)
        axes.set_yscale("log")
        axes.set_title(self.title, loc="left", fontsize=10)
        axes.grid(axis="y", color=GRID[page], linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)


# name -> (the vertical axis: title, unit, what a figure is in it; the horizontal ones, panels)
PICTURES = {
    "latency": (("one way (median)", "s", 1e-6), ["payload"] * 3, [
        Panel("C API, both sides poll", "native-pingpong", "p50_us", "size", mode="spin"),
        Panel("C API, both sides wait", "native-pingpong", "p50_us", "size", mode="waitset"),
        Panel("DDS, a listener answers", "dds-pingpong", "p50_us", "size", mode="listener")]),
    "dds11": (("one way (median)", "s", 1e-6), ["payload", "payload", "reading processes"], [
        Panel("Cyclone DDS 11, a listener answers", "dds11-pingpong", "p50_us", "size",
              mode="listener"),
        Panel("wait sets", "dds11-pingpong", "p50_us", "size", mode="waitset"),
        Panel("64 bytes, until the last has it", "dds11-readers", "p50_us", "readers", size=64)]),
    "publish": (("loan and publish (median)", "s", 1e-9), ["readers"], [
        Panel("64 bytes; the floor is one atomic addition", "publish", "ns", "readers", size=64)]),
    "throughput": (("throughput (median)", "B/s", 1), ["payload", "writers : readers"], [
        Panel("1 writer, 1 reader", "throughput", "bytes_per_s", "size", **{
            "writers:readers": "1:1"}),
        Panel("64 KiB", "throughput", "bytes_per_s", "writers:readers", size=64 << 10)]),
}


def setting(page):
    """What all of a picture follows: no background, text as text, the same bytes every time."""
    ink = INK[page]
    return {"text.color": ink, "axes.labelcolor": ink, "xtick.color": ink, "ytick.color": ink,
            "axes.edgecolor": ink, "font.size": 9, "svg.fonttype": "none", "svg.hashsalt": "eddy",
            "font.family": "sans-serif", "savefig.transparent": True}


def write_scale(axes, title, unit, factor):
    """Ticks such as "10 µs" instead of powers."""
    from matplotlib import ticker
    words = ticker.EngFormatter(unit)
    axes.yaxis.set_major_formatter(lambda value, _: words(value * factor))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_ylabel(title)


def draw_picture(pyplot, name, rows, page):
    """The figure, with one legend above all panels."""
    scale, below, panels = PICTURES[name]
    figure, all_axes = pyplot.subplots(1, len(panels), figsize=(3.4 * max(len(panels), 2), 4),
                                       squeeze=False, sharey=True, layout="constrained")
    named = {}
    for axes, panel, label in zip(all_axes[0], panels, below):
        # numbers of writers and readers are no scale
        panel.draw(axes, rows, page, joined=panel.key != "writers:readers")
        axes.set_xlabel(label)
        named.update((line.get_label(), line) for line in reversed(axes.get_lines()))
    write_scale(all_axes[0][0], *scale)
    order = [text for text in NAMES.values() if text in named]
    rows_of_legend = -(-len(order) // COLUMNS)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.07 * rows_of_legend))
    figure.legend([named[text] for text in order], order, frameon=False, ncols=COLUMNS,
                  loc="upper left")
    return figure


def write(rows, folder):
    """Writes NAME-light.svg and NAME-dark.svg for every picture of which there is something;
    sizes in bytes in the rows."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    Path(folder).mkdir(parents=True, exist_ok=True)
    measured = {row["bench"] for row in rows}
    for name in [name for name, (_, _, panels) in PICTURES.items()
                 if measured & {panel.bench for panel in panels}]:
        for page in INK:
            with matplotlib.rc_context(setting(page)):
                figure = draw_picture(pyplot, name, rows, page)
                figure.savefig(Path(folder) / f"{name}-{page}.svg", metadata={"Date": None})
                pyplot.close(figure)
