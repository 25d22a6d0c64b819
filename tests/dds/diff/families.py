# families.py - all scenarios there are.
#
# SPDX-License-Identifier: Apache-2.0
import departures
import history
import near
import pairs
import shapes
import slow
import starts
import uses

MODULES = (pairs, shapes, history, starts, departures, near, uses, slow)


def all_scenarios(long):
    return [scenario for module in MODULES for scenario in module.scenarios()
            if long or not scenario.long]
