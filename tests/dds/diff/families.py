# families.py - all scenarios there are.
#
# SPDX-License-Identifier: Apache-2.0
import departures
import history
import near
import pairs
import shapes
import slow
import soak
import starts
import uses

MODULES = (pairs, shapes, history, starts, departures, near, uses, slow)


def all_scenarios(long, rounds):
    found = [scenario for module in MODULES for scenario in module.scenarios()]
    found += soak.scenarios(rounds)
    return [scenario for scenario in found if long or not scenario.long]
