# One benchmark program: started, given turns, stopped.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import select
import signal
import subprocess
import tempfile
import time

START_SECONDS = 30
STOP_SECONDS = 5


class Failed(Exception):
    """The program cannot go on; the message says why."""


class Program:
    """A program that says "ready", then answers each line MILLISECONDS with one JSON object."""

    def __init__(self, argv, env):
        self.pending = b""
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            argv, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, start_new_session=True)
        try:
            while self._line(START_SECONDS) != "ready":
                pass
        except Failed:
            self.stop()
            raise

    def slice(self, milliseconds):
        """One turn: the program's answer as a dictionary."""
        try:
            self.process.stdin.write(b"%d\n" % milliseconds)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(self._last_words()) from None
        while True:
            line = self._line(START_SECONDS + milliseconds / 1000)
            if line.startswith("{"):
                return json.loads(line)

    def stop(self):
        """Ends it: gently, by closing its input, then not."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def _line(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed(f"no answer for {seconds:.0f} s")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise Failed(self._last_words())
            self.pending += chunk
        line, self.pending = self.pending.split(b"\n", 1)
        text = line.decode(errors="replace").strip()
        if text.startswith('{"error"'):
            raise Failed(json.loads(text)["error"])
        return text

    def _last_words(self):
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"ended with {how}" + (f": {said[-1][:60]}" if said else "")
