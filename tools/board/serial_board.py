"""A board on a serial port, by mpremote's own transport: stop its program, run code on it, read its console."""

import contextlib
import time

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

_STOP_S = 20  # a board that is starting, or busy, needs some seconds until Ctrl-C reaches it
_ANSWER_S = 60  # littlefs takes its time when it is full, or when it makes room
_RAW = b"raw REPL; CTRL-B to exit\r\n"
_CTRL_A, _CTRL_C = b"\x01", b"\x03"
_READ_S = 0.2
_OPEN_S = 1  # a line that takes longer is shown piece by piece
_SHUT_S = 3  # a port that was never open for that long is another program's
_AWAY_S = 2  # a board whose USB is the chip's own is away for less at each restart

DAMAGED = (
    "the board's file system is not there, or is damaged: erase its flash, and put MicroPython on it again "
    "(docs/start-board.md)"
)

# What the serial line or mpremote may raise when a board goes away in the middle.
_LINE_ERRORS = (TransportError, SerialException, OSError)


class BoardError(Exception):
    """The board did not do what it was asked; the message is a sentence for whoever holds it."""


class SerialBoard:
    """`port` as mpremote takes it: "/dev/ttyUSB0", "COM3", "socket://host:port", "auto" is resolved by the caller.

    `answer_s`: the longest silence of a board that works.

    A context manager: leaving it closes the port, and leaves the board in its friendly REPL.
    """

    def __init__(self, port, answer_s=_ANSWER_S):
        self.port = port
        self._answer_s = answer_s
        self._line = None
        self._was_open = False
        self._lost = None  # when the port was lost, and by which error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(*_LINE_ERRORS):
                if line.in_raw_repl:
                    line.exit_raw_repl()
                line.close()

    def _open(self):
        if self._line is None:
            try:
                self._line = SerialTransport(self.port, timeout=_READ_S)
            except _LINE_ERRORS as error:
                raise BoardError(f"{self.port} cannot be opened: does another program, a monitor, use it?") from error
            self._was_open = True
        return self._line

    def interrupt(self, timeout_s=_STOP_S):
        """Stop whatever runs there; from then on `run` works. Raises BoardError."""
        begin = time.monotonic()
        deadline = begin + timeout_s
        trouble = None
        while time.monotonic() < deadline:
            try:
                if self._entered_raw_repl(self._open()):
                    return
                trouble = None
            except _LINE_ERRORS as error:
                self._drop()
                trouble = error
            except BoardError as error:  # it is away while its USB restarts
                if not self._was_open and time.monotonic() - begin > _SHUT_S:
                    raise
                trouble = error
            time.sleep(0.1)
        raise BoardError(
            f"no MicroPython answers on {self.port} within {timeout_s:.0f} s "
            f"({trouble or 'its program does not stop'}): press its reset button while this runs, or put MicroPython "
            "on it first (docs/boards.md)"
        )

    def _entered_raw_repl(self, line):
        line.in_raw_repl = False
        line.serial.timeout = _READ_S
        line.serial.write(b"\r" + _CTRL_C + _CTRL_C)
        self._skip(0.3)
        line.serial.write(b"\r" + _CTRL_A)
        if self._read_until(_RAW, 2):
            # A board that was slow was asked more than once, and greets as often: ask again when it has ended.
            self._skip_until_silent()
            line.serial.write(_CTRL_A)
            line.in_raw_repl = self._read_until(_RAW, 2)
        return line.in_raw_repl

    def _skip(self, seconds):
        # What the program printed until it stopped; not mpremote's way, which waits for ever when it goes on printing.
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._line.serial.read(max(1, self._line.serial.in_waiting))

    def _skip_until_silent(self):
        deadline = time.monotonic() + _STOP_S
        while self._line.serial.read(max(1, self._line.serial.in_waiting)) and time.monotonic() < deadline:
            pass

    def _read_until(self, ending, timeout_s):
        deadline = time.monotonic() + timeout_s
        data = b""
        while time.monotonic() < deadline:
            data = (data + self._line.serial.read(1))[-len(ending) :]
            if data == ending:
                return True
        return False

    def run(self, code):
        """Run code (str) there; returns what it printed. Raises BoardError when it raises, or nothing comes back."""
        line = self._line
        if line is None or not line.in_raw_repl:
            raise BoardError(f"{self.port} is not being worked at")
        try:
            line.serial.timeout = self._answer_s
            printed, failure = line.exec_raw(code, timeout=self._answer_s)
        except (*_LINE_ERRORS, IndexError, ValueError) as error:
            raise BoardError(f"{self.port} went silent ({error}): is it still plugged in?") from error
        except Exception as error:
            raise BoardError(f"{self.port} answered what cannot be understood ({error!r})") from error
        if failure:
            raise BoardError(_explained(failure.decode(errors="replace")))
        return printed.decode(errors="replace").replace("\r\n", "\n")

    def restart(self):
        """Restart the chip; `interrupt` or `console` wait for it."""
        if self._line is None:
            raise BoardError(f"{self.port} is not being worked at")
        try:
            self._line.exec_raw_no_follow("import machine; machine.reset()")
        except _LINE_ERRORS as error:
            raise BoardError(f"{self.port} could not be restarted ({error})") from error
        self._line.in_raw_repl = False

    def console(self, timeout_s=None):
        """What it prints (str), for `timeout_s` (None: for ever): lines, each with its "\\n"; None now and then.

        What has no end of line after a moment, such as a prompt, comes without one. Goes on when the board's USB
        leaves and comes back.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        rest, begin = b"", time.monotonic()
        while deadline is None or time.monotonic() < deadline:
            data = self._read()
            *lines, rest = (rest + data).split(b"\n")
            for each in lines:
                yield each.decode(errors="replace").rstrip("\r") + "\n"
                begin = time.monotonic()
            if not data or time.monotonic() - begin > _OPEN_S:  # a row of dots may never end
                yield rest.decode(errors="replace") or None
                rest, begin = b"", time.monotonic()

    def _read(self):
        try:
            line = self._open()
            line.serial.timeout = _READ_S
            data = line.serial.read(max(1, line.serial.in_waiting))
            self._lost = None
            return data
        except (*_LINE_ERRORS, BoardError) as error:
            self._drop()
            self._lost = (self._lost[0] if self._lost else time.monotonic(), error)
            time.sleep(_READ_S)
            return b""

    @property
    def trouble(self):
        """Why `console` hears nothing: the port cannot be opened for some time; else None."""
        return str(self._lost[1]) if self._lost and time.monotonic() - self._lost[0] > _AWAY_S else None

    def write(self, data):
        """Type something (bytes); what the board does with it is its own affair. Nothing while its USB is away."""
        with contextlib.suppress(*_LINE_ERRORS, BoardError):
            self._open().serial.write(data)

    def _drop(self):
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(*_LINE_ERRORS):
                line.serial.close()


def _explained(traceback):
    """The board's own error in words that help."""
    last = traceback.strip().splitlines()[-1] if traceback.strip() else "it said nothing"
    if "ENOSPC" in last or last.endswith(" 28"):
        return "the board's file system is full: remove what is not needed there, or use --erase"
    if "ENODEV" in last or last.endswith(" 19"):
        return DAMAGED
    if "MemoryError" in last:
        return f"the board has too little memory for this ({last})"
    return f"the board says: {last}"
