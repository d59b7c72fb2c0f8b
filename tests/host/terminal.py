"""A terminal (a pty) with a program in it, and the person before it."""

import os
import pty
import re
import select
import signal
import time
from pathlib import Path

from tools.interpreter import ROOT

WAIT_S = 30


class Terminal:
    """Reads what is shown, types. A context manager that ends the program."""

    def __init__(self, command, environment):
        self._process, self._screen = pty.fork()
        if not self._process:
            os.chdir(ROOT)
            os.execve(command[0], command, {**environment, "PYTHONFAULTHANDLER": "1"})
        self.text = ""
        self._read = 0

    def see(self, text, timeout_s=WAIT_S):
        """Until the text is shown, behind what was seen before."""
        deadline = time.monotonic() + timeout_s
        while (at := self.text.find(text, self._read)) < 0:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not self._receive(left_s):
                raise AssertionError(f"never shown: {text!r}; shown was\n{self.text}")
        self._read = at + len(text)

    def type(self, text, end="\n"):
        os.write(self._screen, (text + end).encode(errors="surrogateescape"))

    def answer(self, prompt, text):
        """Type a line once the prompt is there."""
        self.see(prompt)
        self.type(text)

    def interrupt(self):
        """Ctrl-C, once the program waits: one that comes between a prompt and the reading is noticed by Python only
        with the next key."""
        deadline = time.monotonic() + WAIT_S
        before = None
        while (now := self._rest()) is None or now != before:
            assert time.monotonic() < deadline, f"it never waits; shown was\n{self.text}"
            before = now
            time.sleep(0.05)
        self.type("\x03", end="")

    def _rest(self):
        """How often its main thread has gone to sleep, while it sleeps; None while it works."""
        try:
            lines = Path(f"/proc/{self._process}/task/{self._process}/status").read_text().splitlines()
        except OSError:
            return ()  # another system than Linux
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return status["voluntary_ctxt_switches"] if status["State"].startswith("S") else None

    def wait(self, timeout_s=WAIT_S):
        """The exit code. A program that does not end is asked where it is."""
        deadline = time.monotonic() + timeout_s
        while self._receive(deadline - time.monotonic()):
            pass
        while not (ended := os.waitpid(self._process, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                os.kill(self._process, signal.SIGABRT)  # PYTHONFAULTHANDLER: the places of all threads
                while self._receive(2):
                    pass
                raise AssertionError(f"it has not ended; shown was\n{self.text}")
            time.sleep(0.02)
        self._process = None
        return os.waitstatus_to_exitcode(ended[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process:
            os.kill(self._process, 9)
            os.waitpid(self._process, 0)
        os.close(self._screen)

    def _receive(self, timeout_s):
        """False at the end of the program, or when nothing came."""
        if timeout_s <= 0 or not select.select([self._screen], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # the other end is closed
            return False
        self.text += _ESCAPES.sub("", data.decode(errors="replace")).replace("\r", "")
        return bool(data)


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
