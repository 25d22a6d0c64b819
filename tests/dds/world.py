# world.py - a private Eddy domain, and the programs that run in it.
#
# SPDX-License-Identifier: Apache-2.0
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE = 45  # seconds, for any answer


class Failure(Exception):
    """What was promised did not hold."""


class Skip(Exception):
    """This machine cannot run the case."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(found, wanted, what):
    check(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def cyclone_uri(interface, peers):
    """One interface and named peers: whatever else the machine has does not matter."""
    listed = "".join(f'<Peer address="{peer}"/>' for peer in peers)
    return (
        f'<Domain id="any"><General><Interfaces><NetworkInterface {interface}/></Interfaces>'
        "<AllowMulticast>false</AllowMulticast></General>"
        "<Discovery><ParticipantIndex>auto</ParticipantIndex>"
        f"<MaxAutoParticipantIndex>40</MaxAutoParticipantIndex><Peers>{listed}</Peers>"
        "</Discovery></Domain>"
    )


LOOPBACK = cyclone_uri('name="lo"', ["127.0.0.1"])


def need_loopback():
    """In a network namespace that was just made, the interface is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("127.0.0.1", 9))
        except OSError as error:
            raise Skip(f"the loopback interface cannot be used: {error.strerror}") from None


def answer_of(line):
    """{'valid': 3, ...} of "ok valid=3 ..."."""
    pairs = (word.split("=", 1) for word in line.split()[1:])
    return {name: int(value) if value.isdigit() else value for name, value in pairs}


class Program:
    """A started process whose lines of output can be waited for."""

    def __init__(self, command, environment, name):
        self.name = name
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env=environment, bufsize=0)
        self.unread = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def line(self, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while b"\n" not in self.unread:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise Failure(f"{self.name}: no answer within {seconds} s")
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise Failure(f"{self.name}: ended, {self.process.wait()}: {self.said()}")
            self.unread += got
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode()

    def line_with(self, text):
        while True:
            line = self.line()
            if text in line:
                return line

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-4000:]

    def signal(self, number):
        self.process.send_signal(number)

    def suspend(self):
        """Returns when it stands still."""
        self.signal(signal.SIGSTOP)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        check(os.WIFSTOPPED(status), f"{self.name}: does not stop, {status}")

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def ended(self):
        """Its exit code, once it has ended by itself."""
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name}: does not end") from None

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.selector.close()
        self.errors.close()


class Node(Program):
    """A dds_node: takes commands, gives answers."""

    def send(self, command):
        try:
            self.process.stdin.write(command.encode() + b"\n")
        except BrokenPipeError:
            raise Failure(f"{self.name}: gone, {self.process.wait()}: {self.said()}") from None

    def answer(self):
        line = self.line()
        check(line.startswith("ok"), f"{self.name}: {line}\n{self.said()}")
        return answer_of(line)

    def do(self, command):
        self.send(command)
        return self.answer()

    def open(self, what):
        """Opens a writer or reader; it has to be one that may use shared memory."""
        answer = self.do(what)
        check_equal(answer["shm"], 1, f"{self.name}: {what}: shared memory")
        return answer

    def quit(self):
        self.process.stdin.close()
        check_equal(self.ended(), 0, f"{self.name}: exit code\n{self.said()}")


class World:
    def __init__(self, options):
        self.options = options
        if options.library and not os.path.isdir(options.library):
            raise Skip(f"there is no libddsc 11.0.1 in {options.library}: PyPI did not answer")
        self.dds_domain = options.domain
        self.programs = []
        self.dirs = []
        self.undo = []
        self.dir = self.new_dir()

    def new_dir(self):
        path = tempfile.mkdtemp(prefix="eddy-test-", dir="/dev/shm")
        self.dirs.append(path)
        return path

    def environment(self, dir=None, uri=LOOPBACK, is_newer=True):
        """Of a program that is to run under `eddy run`; `is_newer`: on the other libddsc, if there
        is one."""
        # The last word counts.
        leaks = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        wanted = {**os.environ, "EDDY_DIR": dir or self.dir, "CYCLONEDDS_URI": uri,
                  "ASAN_OPTIONS": leaks}
        if self.options.library and is_newer:
            wanted["LD_LIBRARY_PATH"] = self.options.library
        return wanted

    def add(self, program):
        self.programs.append(program)
        return program

    def under_eddy(self, *command):
        return [self.options.eddy, "run", "--", *command]

    def example(self, path, *arguments, eddy=True):
        command = [os.path.join(self.options.examples, path), *arguments]
        return self.start(self.under_eddy(*command) if eddy else command, path)

    def start(self, command, name):
        return self.add(Program(command, self.environment(), name))

    def node(self, name, dds_domain=None, dir=None, uri=LOOPBACK, prefix=(), is_newer=True):
        command = [*prefix, *self.under_eddy(self.options.node)]
        node = self.add(Node(command, self.environment(dir, uri, is_newer),
                             name))
        node.do(f"join {dds_domain if dds_domain is not None else self.dds_domain}")
        return node

    def pair(self, type_name, qos="depth=64", writer_qos=""):
        """A writer and a reader of topic T, in processes of their own, that know each other."""
        writer, reader = self.node("writer"), self.node("reader")
        reader.open(f"reader T {type_name} {qos}")
        writer.open(f"writer T {type_name} {writer_qos or qos}")
        writer.do("matched w 0 1")
        reader.do("matched r 0 1")
        return writer, reader

    def probe(self, dir=None):
        result = subprocess.run([self.options.probe, dir or self.dir], capture_output=True,
                                text=True, env=self.environment(), timeout=DEADLINE)
        check_equal(result.returncode, 0, f"probe: {result.stderr}")
        rows = [line.split("\t") for line in result.stdout.splitlines()]
        # The plug-in for Cyclone DDS 11 has readers on a topic for each kind of writer.
        unused = {row[3] for row in rows if row[0] == "topic" and "/all/" in row[3]
                  and row[4:6] == ["0", "0"]}
        return [row for row in rows if row[3 if row[0] == "topic" else 2] not in unused]

    def check_published(self, wanted, topic="T", dir=None, readers=1, held=0):
        """The samples have gone through Eddy, all of them; each of the readers took some, and has
        given back all but `held`."""
        rows = self.probe(dir)
        published = [int(row[4]) for row in rows if row[0] == "topic" and row[1] == topic]
        check_equal(sum(published), wanted, f"samples of {topic} that Eddy has carried")
        took = [row for row in rows if row[:2] == ["reader", topic] and row[3] == "alive"]
        check_equal(sum(int(row[4]) > 0 for row in took), readers,
                    f"readers of {topic} that took samples from Eddy")
        self.wait_for_release(topic, dir, held)

    def wait_for_release(self, topic, dir, held):
        """The thread that delivered a sample may give it back after the program has taken it."""
        end = time.monotonic() + DEADLINE
        most = held + 1
        while most > held and time.monotonic() < end:
            most = max((int(row[5]) for row in self.probe(dir)
                        if row[:2] == ["reader", topic] and row[3] == "alive"), default=0)
        check(most <= held, f"a reader of {topic} holds {most} samples, not at most {held}")

    def end(self):
        """All programs that still run leave in order, and nothing is left over."""
        for program in self.programs:
            if program.process.poll() is None:
                program.quit()
        self.check_nothing_left()

    def check_nothing_left(self):
        for path in self.dirs:
            check_equal(os.listdir(path), [], f"left over in {path}")

    def close(self):
        for program in self.programs:
            program.close()
        for undo in reversed(self.undo):
            undo()
        for path in self.dirs:
            shutil.rmtree(path, ignore_errors=True)

    def report(self):
        for program in self.programs:
            said = program.said()
            if said:
                print(f"--- {program.name} said:\n{said}", file=sys.stderr)
