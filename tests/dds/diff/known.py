# known.py - where Cyclone DDS itself gives something else over any shared memory than over the
# network: which versions, what, and what Eddy is held to all the same.
#
# SPDX-License-Identifier: Apache-2.0
import fnmatch
import re


class Fault:
    """`pattern`: of the names of the scenarios that show it; `until`: the first version without.

    `ignore`: what has to be left out of what was noted for it to be the same (a regular expression);
    None: anything may happen, e.g. the program may crash."""

    def __init__(self, pattern, until, what, ignore=None):
        self.pattern, self.until, self.what = pattern, until, what
        self.ignore = None if ignore is None else re.compile(ignore)

    def concerns(self, name, version):
        return fnmatch.fnmatchcase(name, self.pattern) and numbers(version) < numbers(self.until)

    def covers(self, network, eddy):
        if self.ignore is None:
            return True
        return [self.ignore.sub("", line) for line in network] == [
            self.ignore.sub("", line) for line in eddy]


def numbers(version):
    return [int(number) for number in version.split(".")]


NEVER = "99"

FAULTS = []


def fault_of(name, version):
    return next((fault for fault in FAULTS if fault.concerns(name, version)), None)
