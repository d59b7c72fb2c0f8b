"""One MicroPython process that runs the tests of one file, one after the other, as `device/harness.py` describes."""

import contextlib
import importlib.util
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path

from tests import precompiled
from tools import interpreter

DEVICE_TESTS = Path(__file__).resolve().parent / "device"
MARK = b"\x1e"
START_S = 40  # to start the interpreter and import the file, on a busy machine
GRACE_S = 5  # between asyncio's own timeout inside and the kill from outside
OUTPUT_LIMIT = 1_000_000  # bytes of output of one test; a test that prints for ever is killed


class Died(Exception):
    """The process ended, hung or flooded instead of answering; `output` is what it printed since the last answer."""

    def __init__(self, why, output):
        super().__init__(why)
        self.output = output


class DeviceProcess:
    """Starts with the first test, in an empty folder of its own, with its companions. `close` ends all of it."""

    def __init__(self, file, heap=None, timeout_s=30, companions=()):
        self._timeout_s = timeout_s
        self._when = "at its start"
        self._cleanup = contextlib.ExitStack()
        try:
            self._start(Path(file), heap, companions)
        except BaseException:
            self._cleanup.close()
            raise

    def _start(self, file, heap, companions):
        folder = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="device-test-"))
        path = interpreter.module_path(DEVICE_TESTS, file.parent, compiled=precompiled.folders())
        environment = dict(os.environ, MICROPYPATH=path)
        for name in companions:
            manager = load_companion(file.parent, name)(Path(folder))
            environment.update({key: str(value) for key, value in self._cleanup.enter_context(manager).items()})
        command = [interpreter.micropython()]
        if heap:
            command += ["-X", f"heapsize={heap}"]
        command += ["-c", f"import harness; harness.main({file.stem!r}, {self._timeout_s})"]
        self._process = self._cleanup.enter_context(
            subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
            )
        )
        self._cleanup.callback(self._process.kill)
        answer, output = self._read_answer(START_S)
        if answer["outcome"] != "ready":
            raise Died(f"{file.name} cannot be imported:\n{answer['detail']}", output)

    def run(self, test):
        """Run the test of that name; returns {"outcome", "detail"} and what it printed. Raises `Died`."""
        self._when = "in the middle of the test"
        try:
            self._process.stdin.write(test.encode() + b"\n")
        except OSError as error:
            raise Died(f"the process had already ended ({error})", "") from error
        return self._read_answer(self._timeout_s + GRACE_S)

    def _read_answer(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        received = b""
        while True:
            printed, found, rest = received.partition(MARK)
            if found and rest.endswith(b"\n"):
                return json.loads(rest), printed.decode(errors="replace").strip("\n")
            if len(received) > OUTPUT_LIMIT:
                raise Died(f"printed more than {OUTPUT_LIMIT} bytes: killed", self._text(received[:2000]))
            wait_s = deadline - time.monotonic()
            if wait_s <= 0 or not select.select([self._process.stdout], [], [], wait_s)[0]:
                raise Died(f"hung: no answer after {timeout_s} s, killed", self._text(received))
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise Died(self._end(), self._text(received))
            received += chunk

    def _end(self):
        code = self._process.wait(timeout=5)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"the MicroPython process ended {how} {self._when}"

    @staticmethod
    def _text(output):
        return output.decode(errors="replace")

    def close(self):
        """Kill the process and end its companions."""
        self._cleanup.close()


def load_companion(folder, name):
    """The function `companion(folder)` of `companions/<name>.py` beside the test: a context manager of environment."""
    path = folder / "companions" / f"{name}.py"
    if not path.exists():
        raise FileNotFoundError(f"the test names the companion {name!r}, but there is no {path}")
    spec = importlib.util.spec_from_file_location(f"companion_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.companion
