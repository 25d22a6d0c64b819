# known.py - where Cyclone DDS itself gives something else over any shared memory than over the
# network: which versions, what, and what Eddy is held to all the same.
#
# SPDX-License-Identifier: Apache-2.0
import fnmatch
import re

SOURCE = re.compile(r"^(w\d+)\.k(-?\d+)(?:-(\d+))?$")
ENTRY = re.compile(r"^(\d+|\*)(?:-(\d+)|x(\d+))?(:\S*)?$")


def samples_of(line, forget):
    """The samples of a record's line, one by one, without what is to be forgotten."""
    samples = []
    for words in line.split():
        source, _, entries = words.partition("=")
        match = SOURCE.match(source)
        if match is None:
            samples.append(words)
            continue
        writer, first, last = match.groups()
        for key in range(int(first), int(last or first) + 1):
            samples += [f"{writer}.k{key} {sample}" for entry in entries.split(",")
                        for sample in samples_of_entry(entry, forget)]
    return samples


def samples_of_entry(entry, forget):
    first, last, times, looks = ENTRY.match(entry).groups()
    seen = forget.sub("", looks or "")
    if last is not None:
        return [f"{number}{seen}" for number in range(int(first), int(last) + 1)]
    return [f"{first}{seen}"] * int(times or 1)


class Fault:
    """`patterns`: of the names of the scenarios that show it; `until`: the first version without.

    `forget`: what has to be left out of what is said of each sample for both to be the same (a
    regular expression), `drop`: of the lines; `first`: a record may lack the first sample, and
    nothing else.  None of the three: anything may happen, e.g. the program may crash."""

    def __init__(self, what, until, patterns, forget=None, drop=None, first=False, since="0"):
        self.what, self.until, self.patterns, self.first = what, until, patterns, first
        self.since = since  # the first version with it
        self.forget = None if forget is None else re.compile(forget)
        self.drop = None if drop is None else re.compile(drop)

    def concerns(self, name, version):
        return numbers(self.since) <= numbers(version) < numbers(self.until) and any(
            fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns)

    def seen(self, lines):
        if self.drop is not None:
            lines = [self.drop.sub("", line) for line in lines]
        return [samples_of(line, self.forget) for line in lines]

    def covers(self, network, eddy):
        if self.forget is None:
            return True
        network, eddy = self.seen(network), self.seen(eddy)
        return len(network) == len(eddy) and all(
            got == wanted or (self.first and got == wanted[:1] + wanted[2:])
            for got, wanted in zip(eddy, network))


def numbers(version):
    return [int(number) for number in version.split(".")]


NEVER = "99"
GENERATION = "11"  # from which on Cyclone DDS has a plug-in instead
NOTHING = r"$^"
STATES = r":.*"  # all that is said of a sample but its number

FAULTS = [
    Fault("an optional member in a type of one size: the pointer is sent as it is; crash",
          GENERATION,
          ["types/optional/" + way for way in ("live", "late", "local", "both-*")]),
    Fault("key of unbounded strings: the writer crashes, unless somebody reads by the network",
          "0.10.4", ["types/text-key/" + way for way in ("live", "local", "both-writers")]),
    Fault("key of bounded strings: instances are mixed up", "0.10.4",
          ["types/short-text-key/" + way for way in ("live", "local", "both-writers")], STATES),
    Fault("an instance written over both ways is two instances", "0.10.4",
          ["types/*/both-writers"], "!instance"),
    Fault("an instance written over both ways is two instances", "0.10.4",
          ["near/*/latched-latched/*-late"], STATES),
    Fault("a sample without data has its key in the wrong byte order", "0.10.4",
          ["uses/ends/keyed/*", "uses/ends/unbounded/*"], "!key"),
    Fault("a sample without data has its key in the wrong byte order", "0.10.4",
          ["history/keyed/*", "history/unbounded/*"], "!key", r" w\d+\.k(1|16777216|5|83886080)=\S+"),
    # A writer that is not in shared memory takes a reader that is for one that has acknowledged
    # all, and keeps nothing for it; the reader drops what comes before the first heartbeat.
    Fault("network to shared memory: the first sample within a round trip of the match is lost",
          GENERATION, ["types/*/from-network", "near/*/all-last16/*", "near/*/ignore-last16/*",
                  "near/*/ignore-process-last16/*", "pairs/*/all-last5000/*",
                  "pairs/*/all-lifespan/*", "pairs/*/deadline-last5000/*",
                  "pairs/*/deadline-lifespan/*", "pairs/*/manual-last5000/*",
                  "pairs/*/manual-lifespan/*", "pairs/*/ignore-last5000/*",
                  "pairs/*/ignore-lifespan/*"], NOTHING, first=True),
    # Writers linger when DDS tells of their leaving; a participant that is deleted deletes what would
    # hear of it in an order that is drawn at random.  Each sample arrives all the same.
    Fault("what is handed over after its writer was forgotten has another handle and generation",
          NEVER, ["departures/*/left-*", "departures/*/quit-*"],
          r"(?<=[AWD])\d+\.\d+(!writer)?", since=GENERATION),
    Fault("dds_lookup_instance finds nothing", "0.10.4", ["uses/lookup/*"], r"=\d", r"found=\d"),
]


def fault_of(name, version):
    return next((fault for fault in FAULTS if fault.concerns(name, version)), None)
