"""Install the packages the firmware takes from micropython-lib into .deps/, by MicroPython's own mip, versions pinned.

Tests and the simulator then use them instead of the stand-ins in tools/sim/packages.
"""

import os
import shutil
import subprocess
import sys

from tools import interpreter

# The same versions as in package.json and firmware/manifest.py.
VERSIONS = {"umqtt.simple": "1.4.0", "aioble-peripheral": "0.2.1", "aioble-server": "0.4.1"}


def main():
    new = interpreter.ROOT / ".deps.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        for package, version in VERSIONS.items():
            _install(package, version, new)
        shutil.rmtree(interpreter.DEPS, ignore_errors=True)
        new.rename(interpreter.DEPS)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    print(".deps/ is ready: tests and the simulator use it from now on.")


def _install(package, version, target):
    # Without MICROPYPATH, so that mip is the interpreter's own, untouched by the simulated board.
    environment = {key: value for key, value in os.environ.items() if key != "MICROPYPATH"}
    command = [interpreter.micropython(), "-m", "mip", "install", "--target", str(target), f"{package}@{version}"]
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        reason = _last_line(answer.stdout + answer.stderr)
    except subprocess.TimeoutExpired:
        answer, reason = None, "no answer within 120 s"
    if answer is None or answer.returncode:
        sys.exit(f"deps: {package} {version} could not be installed ({reason}): tests keep using the stand-ins.")
    print(f"{package} {version}")


def _last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "mip said nothing"
