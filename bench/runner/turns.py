# Turns: each slice of a contender lies between two slices of the floor.
# SPDX-License-Identifier: Apache-2.0
import statistics
import time

from .program import Failed, Program

FLOOR_MS = 100
WARM_UP_MS = 500  # memory is touched for the first time
FLOORS_AGREE = 1.2  # a slice whose two floors differ by more is dropped
FEWEST_KEPT = 3


class Contender:
    """One transport in a case: what to run, and what came of it."""

    def __init__(self, transport, argv=None, env=None, missing=None):
        self.transport, self.argv, self.env, self.missing = transport, argv, env or {}, missing
        self.program = None
        self.rounds = {}  # number of the round -> answer
        self.dropped = 0

    def start(self):
        """Starts the program and lets it warm up, or notes why not."""
        if self.missing is None:
            try:
                self.program = Program(self.argv, self.env)
            except (Failed, OSError) as error:
                self.missing = f"failed: {error}"
        if self.program:
            self.turn(WARM_UP_MS)

    def turn(self, milliseconds):
        """One slice, or None: a contender that fails is out for good."""
        try:
            return self.program.slice(milliseconds)
        except Failed as error:
            self.missing = f"failed: {error}"
            self.stop()
            return None

    def stop(self):
        if self.program:
            self.program.stop()
            self.program = None


def floor_value(answer):
    return answer["p50_us"] if "p50_us" in answer else answer["ns"]


class Floor:
    """The floor beside a case: measured before and after every slice."""

    def __init__(self, argv):
        self.program = Program(argv, {})
        self.answers = []
        self.last = None

    def measure(self):
        answer = self.program.slice(FLOOR_MS)
        self.answers.append(answer)
        before, self.last = self.last, floor_value(answer)
        return before, self.last


def take_turns(contenders, floor_argv, seconds, slice_ms):
    """Runs all contenders in turn for `seconds` of slices; longer, up to three times, where the
    floor is too unsteady.  Returns the floor's answers, and why there are no more if it failed."""
    floor, failure = None, None
    try:
        floor = Floor(floor_argv)
        for contender in contenders:
            contender.start()
        floor.measure()
        spent, number = 0.0, 0
        while wants_more(contenders, spent, seconds):
            begin = time.monotonic()
            for contender in contenders:
                if contender.program:
                    one_slice(contender, floor, number, slice_ms)
            spent += time.monotonic() - begin
            number += 1
    except Failed as error:
        failure = str(error)
    finally:
        for contender in contenders:
            contender.stop()
        if floor:
            floor.program.stop()
    return floor.answers if floor else [], failure


def take_plain_turns(contenders, seconds, slice_ms):
    """The same without a floor: nothing tells slices that were disturbed, so all of them count."""
    try:
        for contender in contenders:
            contender.start()
        begin, number = time.monotonic(), 0
        while number == 0 or time.monotonic() - begin < seconds:
            for contender in contenders:
                answer = contender.turn(slice_ms) if contender.program else None
                if answer is not None:
                    contender.rounds[number] = answer
            number += 1
    finally:
        for contender in contenders:
            contender.stop()


def wants_more(contenders, spent, seconds):
    running = [c for c in contenders if c.program]
    unsteady = any(len(c.rounds) < FEWEST_KEPT for c in running)
    return bool(running) and (spent < seconds or (unsteady and spent < 3 * seconds))


def one_slice(contender, floor, number, slice_ms):
    answer = contender.turn(slice_ms)
    before, after = floor.measure()
    if answer is None:
        return
    if max(before, after) > FLOORS_AGREE * min(before, after):
        contender.dropped += 1
        return
    answer["floor"] = (before + after) / 2
    contender.rounds[number] = answer


def median_of(rounds, key):
    values = [answer[key] for answer in rounds.values() if key in answer]
    return statistics.median(values) if values else None


def median_ratio(rounds, key, base, base_key):
    """The median of the ratios of two contenders, round by round."""
    ratios = [answer[key] / base[number][base_key] for number, answer in rounds.items()
              if number in base and base[number].get(base_key)]
    return statistics.median(ratios) if ratios else None
