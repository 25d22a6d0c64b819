# slow.py - discovery takes 600 ms longer than the first samples in shared memory.
#
# SPDX-License-Identifier: Apache-2.0
import heapq
import select
import socket
import threading
import time

import starts
from scenario import pair, Scenario, TRANSIENT

DELAY = 0.6
PARTICIPANTS = 24  # of a domain, at most
KINDS = {"reliable": "depth=16", "latched": f"depth=16 {TRANSIENT} autodispose=0",
         "all": "history=keep-all"}


class Relay:
    """The only one to whom participants tell of themselves; it passes that on to all, later."""

    def __init__(self, domain):
        first = 7400 + 250 * domain + 10  # as the RTPS standard has it
        self.ports = [first + 2 * number for number in range(PARTICIPANTS)]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.stopped, self.stop = socket.socketpair()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        waiting = []
        while True:
            pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([self.socket, self.stopped], [], [], pause)
            if self.stopped in ready:
                return
            if self.socket in ready:
                data = self.socket.recv(65536)
                heapq.heappush(waiting, (time.monotonic() + DELAY, data))
            while waiting and waiting[0][0] <= time.monotonic():
                _, data = heapq.heappop(waiting)
                for port in self.ports:
                    self.socket.sendto(data, ("127.0.0.1", port))

    def close(self):
        self.stop.send(b"x")
        self.thread.join()
        for each in (self.socket, self.stopped, self.stop):
            each.close()


def relayed(bench, function, *arguments):
    relay = Relay(bench.domain)
    bench.undo.append(relay.close)
    bench.peer = relay.address
    function(bench, *arguments)


def at_once(bench, type_name, words):
    writer, reader = pair(bench, type_name, words, words)
    writer.do("write 0 1 stamp=1 acked=1")
    writer.do("write 0 10 stamp=1")
    reader.take(least=11)


def scenarios():
    for kind, words in KINDS.items():
        rows = {"at-once": (at_once, "fixed", words),
                "together": (starts.together, "fixed", words),
                "at-the-match": (starts.at_the_match, "keyed", words, 2),
                "reader-joins": (starts.reader_joins, "fixed", words, 2),
                "request": (starts.request, "unbounded", words, 2, True),
                "restarted": (starts.restarted, "fixed", words, 2)}
        if kind == "latched":
            for type_name in ("fixed", "keyed", "unbounded"):
                rows[f"reader-first-{type_name}"] = (starts.latched_reader_first, type_name, words,
                                                     10, 2)
            rows["writer-first"] = (starts.latched_writer_first, "fixed", words, 10, 2)
            rows["deep"] = (starts.latched_writer_first, "fixed", f"depth=6000 {TRANSIENT}", 6000, 1)
            rows["subscribers"] = (starts.subscribers, "fixed", words, False)
        for name, row in rows.items():
            yield Scenario(f"slow/{kind}/{name}", relayed, *row)
