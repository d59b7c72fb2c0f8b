"""A board's raw REPL, from a board that answers late: `make flash` must not take one answer for another."""

import os
import socket
import threading

import pytest
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial import SerialException

from tools.board import serial_board
from tools.board.serial_board import BoardError, SerialBoard

_GREETING = b"raw REPL; CTRL-B to exit\r\n>"


class SlowRepl:
    """A raw REPL on a TCP port that hears nothing until it was asked `asked` times to enter."""

    def __init__(self, asked):
        self._asked = asked
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = "socket://127.0.0.1:%d" % self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        line, _ = self._server.accept()
        heard, awake, command = 0, False, b""
        while True:
            try:
                byte = line.recv(1)
            except OSError:
                return
            if not byte:
                return
            if byte == b"\x01" and not command.endswith(b"\x05A"):
                heard += 1
                if heard < self._asked:
                    continue
                line.sendall(_GREETING * (1 if awake else heard))
                awake, command = True, b""
            elif awake and byte == b"\x04":
                line.sendall(b"OK" + command.strip() + b"\x04\x04>")
                command = b""
            else:
                command += byte
                if command.endswith(b"\x05A\x01"):  # raw paste is not known here
                    line.sendall(b"R\x00")
                    command = b""


@pytest.mark.parametrize("asked", [1, 2])
def test_a_board_that_greets_late_is_understood_all_the_same(asked):
    repl = SlowRepl(asked)
    with SerialBoard(repl.port) as board:
        board.interrupt()
        assert [board.run("one"), board.run("two")] == ["one", "two"]


def test_a_board_that_never_answers_is_told_of():
    with SerialBoard(SlowRepl(100).port) as board, pytest.raises(BoardError, match="no MicroPython answers"):
        board.interrupt(timeout_s=3)


def test_a_port_that_never_opens_is_not_waited_for_as_one_that_restarts():
    with SerialBoard(os.devnull) as board, pytest.raises(BoardError, match="cannot be opened: does another program"):
        board.interrupt()


class Gone:
    """A line whose board leaves at the first byte."""

    in_raw_repl = False

    def __init__(self):
        self.serial = self

    def write(self, _data):
        raise SerialException("device disconnected")

    def close(self):
        pass


def test_a_port_that_was_open_is_waited_for_while_its_usb_restarts(monkeypatch):
    opened = [Gone(), TransportError("failed to access"), SlowRepl(1)]

    def open_line(port, timeout):
        line = opened.pop(0)
        if isinstance(line, Exception):
            raise line
        return SerialTransport(line.port, timeout=timeout) if isinstance(line, SlowRepl) else line

    monkeypatch.setattr(serial_board, "SerialTransport", open_line)
    monkeypatch.setattr(serial_board, "_SHUT_S", 0)
    with SerialBoard("/dev/ttyACM0") as board:
        board.interrupt()
        assert board.run("one") == "one"


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        ("OSError: [Errno 28] ENOSPC", "file system is full"),
        ("OSError: 28", "file system is full"),
        ("OSError: [Errno 19] ENODEV", "file system is not there, or is damaged: erase its flash"),
        ("OSError: 19", "file system is not there, or is damaged: erase its flash"),
        ("OSError: 128", "the board says: OSError: 128"),
        ("MemoryError: memory allocation failed", "too little memory"),
        ("OSError: [Errno 5] EIO", "the board says: OSError: [Errno 5] EIO"),
        ("", "the board says: it said nothing"),
    ],
)
def test_what_a_board_raises_is_told_in_words_that_help(last, sentence):
    assert sentence in serial_board._explained(f"Traceback (most recent call last):\r\n{last}\r\n" if last else "")
