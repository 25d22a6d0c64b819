# families.py - all scenarios there are.
#
# SPDX-License-Identifier: Apache-2.0
import history
import pairs
import shapes
import starts

MODULES = (pairs, shapes, history, starts)


def all_scenarios(long):
    return [scenario for module in MODULES for scenario in module.scenarios()
            if long or not scenario.long]
