# run.py - runs one case of the DDS tests; exit code 0: held, 1: did not, 77: cannot run here.
#
# SPDX-License-Identifier: Apache-2.0
import argparse
import sys
import time

import cases_cost
import cases_data
import cases_death
import cases_domains
import cases_examples
import cases_folder
import cases_generations
import cases_idle
import cases_launch
import cases_network
import cases_psmx
import cases_ros
import cases_torture
import cases_why
import cases_why_newer
import world


def all_cases():
    found = {}
    for module in (cases_cost, cases_data, cases_death, cases_domains, cases_examples, cases_folder,
                   cases_generations, cases_idle, cases_launch, cases_network, cases_psmx,
                   cases_ros, cases_torture, cases_why, cases_why_newer):
        for name, value in vars(module).items():
            if name.startswith("case_"):
                found[name[len("case_"):]] = value
    return found


def run(case, options):
    try:
        the_world = world.World(options)
    except world.Skip as reason:
        print(f"skipped: {reason}")
        return 77
    try:
        world.need_loopback()
        case(the_world)
        return 0
    except world.Skip as reason:
        print(f"skipped: {reason}")
        return 77
    except world.Failure as reason:
        print(f"failed: {reason}", file=sys.stderr)
        the_world.report()
        return 1
    finally:
        the_world.close()


def main():
    cases = all_cases()
    parser = argparse.ArgumentParser(description="Run one case of the DDS tests.")
    for name in ("node", "probe", "eddy", "examples"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--library", metavar="DIR", help="the folder of another libddsc")
    parser.add_argument("--domain", type=int, required=True, help="the DDS domain to use")
    parser.add_argument("--seconds", type=float, default=30, help="of torture")
    parser.add_argument("--seed", type=int, help="of torture: repeats a schedule")
    parser.add_argument("--trace", action="store_true", help="print each event of torture")
    parser.add_argument("case", choices=sorted(cases))
    options = parser.parse_args()
    start = time.monotonic()
    result = run(cases[options.case], options)
    print(f"{options.case}: {time.monotonic() - start:.2f} s")
    return result


sys.exit(main())
