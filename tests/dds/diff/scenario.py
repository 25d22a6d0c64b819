# scenario.py - what all families of scenarios are made with.
#
# SPDX-License-Identifier: Apache-2.0
import time

TRANSIENT = "durability=transient-local"
HANDSHAKE = 0.25  # seconds after the match in which known.py lets the first sample get lost


class Scenario:
    """`name` is its family and what it varies, with slashes; `long`: in the long form only."""

    def __init__(self, name, function, *arguments, long=False):
        self.name, self.function, self.arguments, self.long = name, function, arguments, long

    def run(self, bench):
        self.function(bench, *self.arguments)

    @property
    def family(self):
        return self.name.split("/")[0]


def meet(writer, reader, count=1):
    """Waits until writer 0 and reader 0 of the two nodes know each other."""
    writer.post(f"matched w 0 {count}")
    reader.post(f"matched r 0 {count}")
    writer.wait()
    reader.wait()


def meet_aside(writer, reader):
    """Waits until the two nodes know what the other has opened so far, whether or not it matches:
    discovery is in order, so it is enough to open something more that does."""
    aside = "history=keep-all"
    writer.post(f"writer Aside fixed {aside}")
    writer.post("matched w 1 1")
    reader.post(f"reader Aside fixed {aside}")
    reader.post("matched r 1 1")
    writer.wait()
    reader.wait()


def first_alone(writer, words=""):
    """Writes one sample, and lets the time pass after which none may be missing."""
    writer.do(f"write 0 1 stamp=1 acked=1 {words}")
    time.sleep(HANDSHAKE)


def pair(bench, type_name, writer_words, reader_words):
    """A writer and a reader in processes of their own that know each other."""
    writer, reader = bench.start("writer", "reader")
    reader.reader(type_name, reader_words)
    writer.writer(type_name, writer_words)
    meet(writer, reader)
    return writer, reader
