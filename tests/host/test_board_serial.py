"""A board's raw REPL, from a board that answers late: `make flash` must not take one answer for another."""

import os
import socket
import threading

import pytest

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
