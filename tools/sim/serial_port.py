"""The serial port of a simulated board: a pseudo-terminal that mpremote and `make flash` open like one on USB.

It stays over restarts of the board, as a USB-to-UART chip does. What nobody reads is lost, as on a wire; who reads
loses nothing, for a wire is slower than any reader.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import termios
import time
import tty

CTRL_A, CTRL_B = b"\x01", b"\x02"  # raw and friendly REPL
_SLOW_S = 0.5  # a reader makes room in less
_PROMPT = b">>> "
_MOST_HELD = 65536


class SerialPort:
    """`name` is what to open: "/dev/pts/7". `fileno()` is readable when somebody has typed.

    `is_raw`: whether the REPL was told to be raw; a soft reset leaves it so, and then runs no main.py (pyexec.c).
    """

    def __init__(self):
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)  # held open, so that it outlives who opens and closes it
        os.set_blocking(self._ours, False)
        self.name = os.ttyname(self._theirs)
        self.is_raw = False
        self._is_read = True
        self._last = b""

    def fileno(self):
        return self._ours

    def read(self):
        """What was typed."""
        data = os.read(self._ours, 4096)
        if CTRL_A in data or CTRL_B in data:
            self.is_raw = data.rfind(CTRL_A) > data.rfind(CTRL_B)
        return data

    def skip(self):
        """What was typed is lost: the board is not there yet."""
        os.read(self._ours, 4096)

    def write(self, data):
        """What the board prints; a chip ends lines with CR and LF."""
        continued = self._last == b"\r" and data.startswith(b"\n")
        self._last = data[-1:]
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")[continued:]
        self._is_read = self._send(data, _SLOW_S if self._is_read else 0)

    def _send(self, data, patience_s):
        """Whether anything of it found room in that time."""
        left, end = data, time.monotonic() + patience_s
        while left:
            with contextlib.suppress(BlockingIOError):
                left = left[os.write(self._ours, left) :]
                continue
            left_s = end - time.monotonic()
            if left_s <= 0 or not select.select([], [self._ours], [], left_s)[1]:
                break
        return not data or len(left) < len(data)

    def close(self):
        os.close(self._ours)
        os.close(self._theirs)


class Pipe:
    """A device's process without a serial port: what it prints can be read, nothing can be typed."""

    def start(self, command, **options):
        """The process; `fileno()` is what it prints."""
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, **options
        )
        self._stdout = process.stdout
        return process

    def fileno(self):
        return self._stdout.fileno()

    def read(self):
        return os.read(self.fileno(), 65536)

    def close(self):
        self._stdout.close()


class Terminal:
    """A device's process on a terminal of its own, as the REPL wants it; it goes into the REPL when it has ended."""

    def __init__(self):
        self._held = None  # what was typed on the way into the REPL
        self._end = b""  # of what was printed meanwhile

    def start(self, command, **options):
        self._ours, theirs = os.openpty()
        os.set_blocking(self._ours, False)
        _as_a_wire(theirs)
        process = subprocess.Popen(
            [command[0], "-i", *command[1:]], stdin=theirs, stdout=theirs, stderr=theirs,
            preexec_fn=_own_terminal, **options,  # noqa: PLW1509 - two system calls, which take no lock
        )  # fmt: skip
        os.close(theirs)
        return process

    def fileno(self):
        return self._ours

    def read(self):
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            return b""  # the process has ended
        if self._held is not None:
            self._end = (self._end + data)[-len(_PROMPT) :] if _PROMPT not in data else _PROMPT
            if self._end == _PROMPT:
                held, self._held, self._end = self._held, None, b""
                self.write(held)
        return data

    def await_prompt(self):
        """Hold what is typed until the REPL prompts: before that a Ctrl-C would end the process, a chip's REPL none."""
        self._held = b""

    def write(self, data):
        """What a program does not read is lost at last, as in a chip's buffer."""
        if self._held is not None:
            self._held = (self._held + data)[:_MOST_HELD]
            return
        with contextlib.suppress(BlockingIOError):
            os.write(self._ours, data)

    def close(self):
        os.close(self._ours)


def _own_terminal():
    # So that Ctrl-C, typed there, interrupts the process; until its interpreter listens, nobody does.
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _as_a_wire(terminal):
    # Ctrl-C interrupts, as on a chip; but a chip echoes nothing while a program runs, and prints what it prints.
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
