"""Watch a board's console and type to it. Ctrl-] ends; the board runs on."""

import contextlib
import os
import select
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from tools.board import levels
from tools.board.ports import resolved
from tools.board.serial_board import SerialBoard
from tools.board.tracebacks import source_of
from tools.signals import interrupt, on_end

_END = b"\x1d"  # Ctrl-]


def main(
    port: Annotated[
        list[str] | None, typer.Option(metavar="PORT", help="Serial port of the board. Default: the only one.")
    ] = None,
    level: Annotated[str, typer.Option(help="Least importance shown: debug, info, warning, error.")] = "debug",
    time: Annotated[bool, typer.Option("--time", help="This machine's time in front of each line.")] = False,
    log: Annotated[Path | None, typer.Option(help="Also append every line, undecorated, to this file.")] = None,
):
    """Watch a board's console and type to it; Ctrl-] ends, the board runs on.

    Lines are coloured by importance, tracebacks show the source of this checkout. It stays over restarts of the
    board and unplugged cables.
    """
    if level not in levels.LEVELS:
        sys.exit(f"monitor: --level {level}: say {', '.join(levels.LEVELS)}")
    ports = resolved("monitor", port)
    if len(ports) > 1:
        sys.exit("monitor: one board at a time; open another terminal for the next one")
    on_end(interrupt)  # else the terminal would stay in its raw mode
    with SerialBoard(ports[0]) as board, _log(log) as file, _keyboard(board) as ended:
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
        screen = Screen(levels.LEVELS[level], time, file)
        screen.note(f"{ports[0]}: Ctrl-] ends, Ctrl-C interrupts the board's program, Ctrl-D then restarts it")
        try:
            for text in board.console():
                if ended.is_set():
                    break
                screen.follow(board.trouble)
                if text is not None:
                    screen.show(text)
        except KeyboardInterrupt:
            pass  # no terminal to type at, or somebody asked for the end


class Screen:
    """Prints lines of a board from `least` importance on; a traceback's frames with their source."""

    def __init__(self, least, with_time, log):
        self._least = least
        self._with_time = with_time
        self._log = log
        self._console = Console(highlight=False, soft_wrap=True)
        self._is_away = False
        self._is_open = False  # the last line has no end yet
        # The keyboard's raw mode does not return the carriage by itself.
        self._newline = "\r\n" if sys.stdout.isatty() else "\n"

    def note(self, text):
        self._print(Text(text, style="dim"))

    def follow(self, trouble):
        """Tell that the board is away, once, and that it is back."""
        if bool(trouble) != self._is_away:
            self._is_away = bool(trouble)
            self.note(f"waiting for it: {trouble}" if trouble else "it is back")

    def show(self, text):
        """What the board printed: a line with its end, or the beginning of one, such as a prompt."""
        line, is_whole = text.rstrip("\n"), text.endswith("\n")
        self._keep(text)
        if self._is_open or not is_whole:
            # As it is: what corrects a word at the prompt, a backspace, rich would leave out.
            self._console.file.write(line + (self._newline if is_whole else ""))
            self._console.file.flush()
        else:
            self._line(line)
        self._is_open = not is_whole

    def _keep(self, text):
        if self._log is None:
            return
        try:
            self._log.write(text)
            self._log.flush()
        except OSError as error:  # a full disk is no reason to see nothing any more
            self.note(f"{self._log.name}: {error.strerror}: from here on nothing is kept")
            self._log = None

    def _line(self, line):
        level = levels.level_of(line)
        if level < self._least:
            return
        shown = Text(line, style=levels.TRANSITION_STYLE if levels.is_transition(line) else levels.STYLES[level])
        if self._with_time:
            shown = Text(f"{datetime.now():%H:%M:%S.%f}"[:-3] + " ", style="dim") + shown
        self._print(shown)
        source = source_of(line)
        if source:
            self._print(Text(f"      {source}", style="italic"))

    def _print(self, text):
        self._console.print(text, end=self._newline)


@contextlib.contextmanager
def _log(path):
    if path is None:
        yield None
        return
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        sys.exit(f"monitor: {path}: {error.strerror}")
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # told already
            file.close()


@contextlib.contextmanager
def _keyboard(board):
    """What is typed goes to the board; yields an event that is set by Ctrl-]."""
    ended = threading.Event()
    if not sys.stdin.isatty() or os.name == "nt":
        yield ended
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    tty.setraw(number)
    threading.Thread(target=_type, args=(number, board, ended), daemon=True).start()
    try:
        yield ended
    finally:
        ended.set()
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _type(number, board, ended):
    while not ended.is_set():
        if select.select([number], [], [], 0.2)[0]:
            data = os.read(number, 1024)
            if _END in data or not data:
                ended.set()
                return
            board.write(data)
