# families.py - all scenarios there are.
#
# SPDX-License-Identifier: Apache-2.0
import pairs

MODULES = (pairs,)


def all_scenarios(long):
    return [scenario for module in MODULES for scenario in module.scenarios()
            if long or not scenario.long]
