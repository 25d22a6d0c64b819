# main.py - the command `differential`.
#
# SPDX-License-Identifier: Apache-2.0
import argparse
import collections
import concurrent.futures
import fnmatch
import os
import queue
import re
import resource
import sys
import tempfile
import time

import bench
import families
import known

HERE = os.path.dirname(os.path.realpath(__file__))
BUILD = os.path.join(HERE, "..", "..", "..", "build", "release")
ROUNDS, ROUNDS_LONG = 20, 1000
NETWORK_AGAIN = 2  # times that the network is asked once more where Eddy differs


class Outcome:
    """`verdict`: "equal", "known" (a fault of Cyclone DDS's own, see known.py) or "differs"."""

    def __init__(self, scenario, verdict, network, eddy, seconds, reason=""):
        self.scenario, self.verdict, self.network, self.eddy = scenario, verdict, network, eddy
        self.seconds, self.reason = seconds, reason

    def print(self, out):
        print(f"{self.verdict}: {self.scenario.name}  {self.seconds:.1f} s  {self.reason}",
              file=out)
        for network in self.network:
            print("".join(f"  - {line}\n" for line in network), end="", file=out)
        print("".join(f"  + {line}\n" for line in self.eddy), end="", file=out)


class Driver:
    def __init__(self, options):
        self.options = options
        self.network = bench.Product(options, eddy=False)
        self.other = bench.Product(options, eddy=not options.network_only)
        self.domains = queue.SimpleQueue()
        for number in range(options.jobs):
            self.domains.put(options.domain + number)

    def compare(self, scenario, domain):
        """Eddy gets one try.  The network gets more: what it gives now and then, Eddy may, too."""
        start = time.monotonic()
        first = bench.run(scenario, self.network, domain)
        fault = known.fault_of(scenario.name, self.options.version)
        patience = bench.PATIENCE if fault is None else bench.LITTLE_PATIENCE
        eddy = bench.run(scenario, self.other, domain, first.arrivals, patience)
        networks = [first.lines]
        for _ in range(NETWORK_AGAIN):
            if eddy.lines in networks or fault is not None or self.options.network_only:
                break
            networks.append(bench.run(scenario, self.network, domain).lines)
        verdict, reason = "equal", ""
        if any(line.startswith("failed") for line in networks[0]):
            verdict, reason = "differs", "the network's run failed: the scenario is badly written"
        elif eddy.lines not in networks:
            verdict = "differs"
            if fault is not None and fault.covers(networks[0], eddy.lines):
                verdict, reason = "known", fault.what
        shown = [lines for i, lines in enumerate(networks) if lines not in networks[:i]]
        return Outcome(scenario, verdict, shown, eddy.lines, time.monotonic() - start, reason)

    def one(self, scenario):
        domain = self.domains.get()
        try:
            return self.compare(scenario, domain)
        finally:
            self.domains.put(domain)

    def all(self, scenarios, seen):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for done in concurrent.futures.as_completed(
                    [pool.submit(self.one, scenario) for scenario in scenarios]):
                seen(done.result())


def print_table(outcomes, out):
    families_seen = collections.defaultdict(collections.Counter)
    for outcome in outcomes:
        families_seen[outcome.scenario.family][outcome.verdict] += 1
    print(f"{'family':24}{'rows':>6}{'equal':>7}{'known':>7}{'differ':>8}", file=out)
    total = collections.Counter()
    for family, verdicts in families_seen.items():
        total += verdicts
    for family, verdicts in [*sorted(families_seen.items()), ("all", total)]:
        print(f"{family:24}{sum(verdicts.values()):6}{verdicts['equal']:7}{verdicts['known']:7}"
              f"{verdicts['differs']:8}", file=out)


def parse():
    parser = argparse.ArgumentParser(
        prog="differential", description="Runs each scenario over the network and over Eddy, and "
        "compares what the programs were given.")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN",
                        help="only scenarios with such names, e.g. 'pairs/*/late'")
    parser.add_argument("--node", default=os.path.join(BUILD, "tests", "dds", "dds_node"))
    parser.add_argument("--eddy", default=os.path.join(BUILD, "bin", "eddy"))
    parser.add_argument("--library", metavar="DIR", help="the folder of another libddsc")
    parser.add_argument("--version", default="0.10.2", help="of that libddsc (%(default)s)")
    parser.add_argument("--long", action="store_true", help="all scenarios, and more rounds")
    parser.add_argument("--rounds", type=int, help="of each scenario about first samples "
                        f"({ROUNDS}; with --long {ROUNDS_LONG})")
    parser.add_argument("--jobs", type=int, default=28, help="at the same time (%(default)s)")
    parser.add_argument("--domain", type=int, default=83, help="the first DDS domain to use")
    parser.add_argument("--general", default="", metavar="XML",
                        help="settings to add to <General> where Eddy is used")
    parser.add_argument("--settings", default="", metavar="XML",
                        help="settings to add to <Domain> where Eddy is used")
    parser.add_argument("--network-only", action="store_true",
                        help="compare the network with itself: is a scenario well written?")
    parser.add_argument("--list", action="store_true", help="print the scenarios' names")
    parser.add_argument("--verbose", action="store_true", help="print each row and what it gave")
    options = parser.parse_args()
    options.rounds = options.rounds or (ROUNDS_LONG if options.long else ROUNDS)
    return options


def as_named_here(folder, options):
    """Of a libddsc that was built elsewhere: its version, and a folder in which it has all names by
    which a program may look for it."""
    if not os.path.isdir(options.library):
        print(f"skipped: there is no {options.library}")
        sys.exit(77)
    found = [name for name in os.listdir(options.library) if re.match(r"libddsc\.so\.\d+\.", name)]
    if len(found) != 1:
        sys.exit(f"differential: {options.library}: there has to be one libddsc.so.VERSION")
    for name in ("libddsc.so.0", "libddsc.so.0debian"):
        os.symlink(os.path.realpath(os.path.join(options.library, found[0])),
                   os.path.join(folder, name))
    options.library, options.version = folder, found[0].removeprefix("libddsc.so.")


def chosen(options):
    wanted = options.patterns or ["*"]
    return [scenario for scenario in families.all_scenarios(options.long, options.rounds)
            if any(fnmatch.fnmatchcase(scenario.name, pattern) for pattern in wanted)]


def main():
    options = parse()
    scenarios = chosen(options)
    if options.list:
        print("\n".join(scenario.name for scenario in scenarios))
        return 0
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some of Cyclone DDS's own faults are crashes
    with tempfile.TemporaryDirectory(prefix="eddy-diff-") as folder:
        if options.library:
            as_named_here(folder, options)
        return run(options, scenarios)


def run(options, scenarios):
    start, outcomes = time.monotonic(), []

    def seen(outcome):
        outcomes.append(outcome)
        if options.verbose or outcome.verdict == "differs":
            outcome.print(sys.stdout)
            sys.stdout.flush()

    Driver(options).all(scenarios, seen)
    print_table(outcomes, sys.stdout)
    print(f"{len(outcomes)} scenarios in {time.monotonic() - start:.0f} s")
    return 1 if any(outcome.verdict == "differs" for outcome in outcomes) else 0
