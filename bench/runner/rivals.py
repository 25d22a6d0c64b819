# The rivals that a default build leaves alone, as they take cargo or a C++ compiler.
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

from .machine import ROOT

# transport -> (target that CMake has where it found what it takes, what that is)
TARGETS = {
    "iceoryx2": ("bench_iceoryx2", "takes cargo 1.85 or later (rustup.rs) and crates.io"),
    "fastdds": ("bench_fastdds", "takes a C++ compiler, libfastrtps-dev and libfastcdr-dev"),
}
LEFT_OUT = "left out; --rivals builds and measures it"


def built(command):
    """Runs a part of the build; what it says goes to standard error if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
    return done.returncode == 0


def build(folder):
    """Builds them in a build folder that exists; rival -> why it is missing, if it is."""
    if not built(["cmake", "-S", str(ROOT), "-B", str(folder), "-DEDDY_BENCH_RIVALS=ON"]):
        return dict.fromkeys(TARGETS, "not built: cmake failed, see above")
    known = subprocess.run(["cmake", "--build", str(folder), "--target", "help"],
                           capture_output=True, text=True, check=False).stdout
    missing = {}
    for rival, (target, takes) in TARGETS.items():
        print(f"building {rival} ...", file=sys.stderr, flush=True)
        if target not in known:
            missing[rival] = f"not built here: {takes}"
        elif not built(["cmake", "--build", str(folder), "--target", target]):
            missing[rival] = f"did not build, see above: {takes}"
    return missing
