"""Install the packages the firmware takes from micropython-lib into .deps/, by MicroPython's own mip, versions pinned.

Tests and the simulator then use them instead of the stand-ins in tools/sim/packages.
"""

import os
import shutil
import subprocess
import sys
from typing import Annotated

import typer

from tools import interpreter

# Also in package.json and firmware/manifest.py (a test compares them). aioble-core comes last: the two before it pull
# in its newest version, this pins it.
VERSIONS = {"umqtt.simple": "1.8.0", "aioble-peripheral": "0.2.1", "aioble-server": "0.4.1", "aioble-core": "0.4.0"}


class NotInstalled(Exception):
    """A package could not be had; the message says why."""


def main(index: Annotated[str, typer.Option(help="Another package index than micropython.org's.")] = ""):
    """Install umqtt.simple and aioble into .deps/ by mip; tests and simulator then use them, not the stand-ins."""
    try:
        install(index)
    except (NotInstalled, interpreter.MissingTool) as error:
        sys.exit(f"deps: {error}; tests and the simulator keep what they had, the stand-ins if nothing else.")
    print(".deps/ is ready: tests and the simulator use it from now on.")


def install(index=""):
    """Make .deps/ anew, as a whole or not at all. Raises NotInstalled, MissingTool."""
    new = interpreter.ROOT / ".deps.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        for package, version in VERSIONS.items():
            _install(f"{package}@{version}", new, index)
        shutil.rmtree(interpreter.DEPS, ignore_errors=True)
        new.rename(interpreter.DEPS)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _install(package, target, index):
    # Without MICROPYPATH, so that mip and its modules are the interpreter's own, not the simulated board's.
    environment = {key: value for key, value in os.environ.items() if key != "MICROPYPATH"}
    where = ["--index", index] if index else []
    command = [interpreter.micropython(), "-m", "mip", "install", *where, "--target", str(target), package]
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        lines = (answer.stdout + answer.stderr).strip().splitlines() or ["mip said nothing"]
        done = answer.returncode == 0 and lines[-1] == "Done"  # mip also ends with 0 when a package is not found
    except subprocess.TimeoutExpired:
        lines, done = ["no answer within 120 s"], False
    if not done:
        raise NotInstalled(f"{package} could not be installed ({_explained(lines)})")
    print(f"installed {package}")


def _explained(lines):
    """What mip said, in words that help."""
    reason = next((line for line in lines if "not found" in line), lines[-1])
    if "addrinfo" in reason or "no answer" in reason or "ECONN" in reason or "ETIMEDOUT" in reason:
        return f'the package index cannot be reached: {reason}; make deps ARGS="--index URL" asks another one'
    return reason
