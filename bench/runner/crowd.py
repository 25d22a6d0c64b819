# Busy programs, to have the processors contended for.
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import signal
import subprocess
import sys
import time

AT_MOST = "900s"  # should nobody be left to stop them
SETTLE_SECONDS = 0.5
STOP_SECONDS = 5
LOOP = """import os, sys, time
if sys.argv[1:]:
    os.sched_setaffinity(0, {int(sys.argv[1])})
end = time.monotonic() + 900
while time.monotonic() < end:
    pass"""


def busy_command(core):
    """One busy program: stress-ng where it is installed; on one core, or where there is room."""
    if shutil.which("stress-ng"):
        command = ["stress-ng", "--quiet", "--cpu", "1", "--timeout", AT_MOST]
        return command if core is None else command + ["--taskset", str(core)]
    command = [sys.executable, "-c", LOOP]
    return command if core is None else command + [str(core)]


class Crowd:
    """So many busy programs while the block runs, one to a core in turn if they are pinned."""

    def __init__(self, count, pinned):
        cores = sorted(os.sched_getaffinity(0))
        self.commands = [busy_command(cores[i % len(cores)] if pinned else None)
                         for i in range(count)]
        self.programs = []

    def __enter__(self):
        self.programs = [
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
            for command in self.commands]
        time.sleep(SETTLE_SECONDS)
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.terminate()  # stress-ng ends its own children
        for program in self.programs:
            try:
                program.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)
                program.wait()
