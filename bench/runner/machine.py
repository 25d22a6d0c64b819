# What this machine has: the build, the rivals, RouDi, a folder of our own.
# SPDX-License-Identifier: Apache-2.0
import os
import platform
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUDI_SECONDS = 20
# Eddy without spinning, beside Eddy: a contender with a folder of its own.
NEVER_SPINS = "eddy-off"
IN_GROUPS = "eddy-16"  # sixteen samples at once
EDDYS = ("eddy", "native", "aged")  # what uses Eddy: each has a folder of its own
PACKAGES = {"iceoryx": ": install libiceoryx-binding-c-dev and build again"}

# What libddsc 11 loads, by the transport's name: Eddy's plug-in, and Cyclone's own for iceoryx.
NEWER = {"eddy": "eddy", "iceoryx": "iox"}
WHEEL = "PyPI's cyclonedds 11.0.1 cannot be had"
PSMX_IOX = ("no Debian package has it; build Cyclone DDS 11 with iceoryx 2.0 (ENABLE_ICEORYX) and "
            "give its libpsmx_iox.so with --psmx-iox")

# Loopback only, so that a run neither hears nor disturbs the network; with the largest datagrams,
# which is what suits UDP best here.
CYCLONE = """<CycloneDDS><Domain id="any"><General>
<Interfaces><NetworkInterface name="lo"/>{plugin}</Interfaces><AllowMulticast>false</AllowMulticast>
<MaxMessageSize>65500B</MaxMessageSize></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>40</MaxAutoParticipantIndex><Peers><Peer address="127.0.0.1"/></Peers>
</Discovery>{extra}</Domain></CycloneDDS>"""
PLUGIN = '<PubSubMessageExchange type="{type}" library="{library}" config="{config}"/>'
SHARED_MEMORY = """<SharedMemory><Enable>true</Enable><LogLevel>fatal</LogLevel>
<Prefix>eddy-bench</Prefix></SharedMemory>"""


def unfit(build):
    """Why figures of this build folder would say nothing; None if they say something."""
    cache = Path(build) / "CMakeCache.txt"
    if not cache.is_file():
        return f"{build} is no build folder"
    text = cache.read_text()
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", text, re.MULTILINE)
    sanitizer = re.search(r"^EDDY_SANITIZE:\w+=(.+)$", text, re.MULTILINE)
    if sanitizer:
        return f"{build} was built for the sanitizer {sanitizer[1]}"
    if not kind or kind[1] not in ("Release", "RelWithDebInfo", "MinSizeRel"):
        return f"{build} was not built with optimisation (build type {kind[1] if kind else ''!r})"
    return None


def newest_build():
    """The build folder whose benchmarks were linked last, of those that are fit; or None."""
    floors = [*ROOT.glob("build/*/bench/bench-floor"), *ROOT.glob("build/bench/bench-floor")]
    fit = [floor for floor in floors if unfit(floor.parents[1]) is None]
    return max(fit, key=lambda p: p.stat().st_mtime).parents[1] if fit else None


def describe():
    """Machine and commit, for every result."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    git = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    return {"machine": f"{model}, {os.cpu_count()} cores, Linux {platform.release()}",
            "commit": git.stdout.strip() or "unknown"}


class RouDi:
    """iceoryx's daemon: started when first needed, and again when it has died; one a machine."""

    def __init__(self):
        self.process = None
        self.log = None

    def missing(self):
        """Makes sure that it runs; None, or why it does not."""
        if self.process and self.process.poll() is None:
            return None
        if not shutil.which("iox-roudi"):
            return "no iox-roudi here: install iceoryx"
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["iox-roudi", "--log-level", "error"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        return None if self._ready() else "RouDi did not start (another one running?)"

    def _ready(self):
        deadline, said = time.monotonic() + ROUDI_SECONDS, b""
        while b"ready for clients" not in said:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                break
            chunk = os.read(self.process.stdout.fileno(), 4096)
            if not chunk:
                break
            said += chunk
        return b"ready for clients" in said

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Newer:
    """Cyclone DDS 11, on which programs that were compiled for 0.10 run as they are: the libddsc of
    PyPI's wheel, unless a folder with another is given."""

    def __init__(self, build, folder, iox):
        self.build, self.folder, self.iox = build, folder and Path(folder).resolve(), iox

    def missing(self, transport):
        """Why the transport cannot be measured; None if it can."""
        if transport == "iceoryx" and not self.iox:
            return PSMX_IOX
        if transport in NEWER and not self._plugin(transport).is_file():
            return f"no {self._plugin(transport)} here"
        if not self.folder:
            where = self.build / "cyclone11"
            made = subprocess.run([ROOT / "tests" / "psmx" / "wheel", where], check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if made.returncode != 0:
                return WHEEL
            self.folder = where / "lib"
        return None

    def env(self, transport):
        """Settings for the transport, or for loopback UDP."""
        plugin = ""
        if transport in NEWER:
            config = "LOG_LEVEL=OFF;" if transport == "iceoryx" else ""
            plugin = PLUGIN.format(type=NEWER[transport], library=self._plugin(transport),
                                   config=config)
        uri = CYCLONE.format(plugin=plugin, extra="").replace("\n", "")
        return {"CYCLONEDDS_URI": uri, "LD_LIBRARY_PATH": str(self.folder)}

    def _plugin(self, transport):
        ours = self.build / "lib" / "libpsmx_eddy.so"
        return ours if transport == "eddy" else Path(self.iox).resolve()


class Machine:
    """Finds programs and says what is missing."""

    def __init__(self, build, domain, rivals, newer=None, iox=None):
        """`rivals`: those that are not measured, each with the reason.  `newer`: folder of a
        libddsc 11; `iox`: its plug-in for iceoryx."""
        self.build, self.domain, self.rivals = Path(build).resolve(), domain, rivals
        self.newer = Newer(self.build, newer, iox)
        self.roudi = RouDi()
        self.folders = {}
        self.facts = describe()

    def close(self):
        self.roudi.stop()
        for folder in self.folders.values():
            shutil.rmtree(folder, ignore_errors=True)

    def program(self, name):
        return str(self.build / "bench" / f"bench-{name}")

    def missing(self, transport, name):
        """Why a transport cannot run the program `name`; None if it can."""
        rival = next((rival for rival in self.rivals if transport.startswith(rival)), None)
        if rival:
            return self.rivals[rival]
        if not os.access(self.program(name), os.X_OK):
            return "not built here" + PACKAGES.get(transport, "")
        if transport in ("eddy", NEVER_SPINS) and name.startswith("dds") and not self._stand_in():
            return "Eddy's libiceoryx_binding_c is not built here"
        if transport == "iceoryx":
            return self.roudi.missing()
        return None

    def missing_newer(self, transport, name):
        """The same on Cyclone DDS 11."""
        if not os.access(self.program(name), os.X_OK):
            return "not built here"
        why = self.newer.missing(transport)
        return self.roudi.missing() if not why and transport == "iceoryx" else why

    def newer_env(self, transport):
        """For a transport that missing_newer had nothing to say of."""
        return {**self.newer.env(transport), **self.env(transport)}

    def env(self, transport):
        if transport not in (*EDDYS, NEVER_SPINS, IN_GROUPS):
            return {}
        env = {"EDDY_DIR": self._folder_of(transport)}
        return {**env, "EDDY_SPIN": "off"} if transport == NEVER_SPINS else env

    def dds_env(self, transport):
        extra = "" if transport == "udp" else SHARED_MEMORY
        env = {"CYCLONEDDS_URI": CYCLONE.format(plugin="", extra=extra).replace("\n", "")}
        if transport in ("eddy", NEVER_SPINS):
            env["LD_LIBRARY_PATH"] = str(self._stand_in())
            env.update(self.env(transport))
        return env

    def _folder_of(self, transport):
        """Two that are up at the same time share none."""
        if transport not in self.folders:
            self.folders[transport] = tempfile.mkdtemp(prefix="eddy-bench-", dir="/dev/shm")
        return self.folders[transport]

    def _stand_in(self):
        folder = self.build / "lib" / "eddy"
        return folder if list(folder.glob("libiceoryx_binding_c.so*")) else None
