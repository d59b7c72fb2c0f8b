"""Put the firmware on boards that run MicroPython 1.24 or later: only what changed, each file whole or not at all."""

import math
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tools import public
from tools.board.bundle import BundleError, settings
from tools.board.first_boot import watch
from tools.board.install import Install, Options
from tools.board.ports import resolved
from tools.board.serial_board import BoardError, SerialBoard
from tools.interpreter import MissingTool
from tools.signals import interrupt, on_end

_STOP_S = 15  # the firmware may be compiled just then

_MEANING = {
    "NORMAL": "it works: Wi-Fi, clock and cloud come next",
    "CONFIG": "it waits for its settings, from a phone (make phone) or by --settings",
    "OTA": "it updates itself",
    "IDLE": "its initialisation failed",
}


def main(
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="PORT", help="Serial port of a board, or several. Default: the only one on USB."),
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="A settings file (docs/settings.md) to put there, too.")] = None,
    main: Annotated[Path | None, typer.Option("--main", help="Your own main.py instead of this checkout's.")] = None,
    files: Annotated[
        bool, typer.Option("--files", help="lib as single files, to replace them by hand: slower to start.")
    ] = False,
    source: Annotated[bool, typer.Option("--source", help="The same as .py: more heap, slower still.")] = False,
    lines: Annotated[
        bool | None, typer.Option(help="Line numbers in tracebacks. Default: where the heap is large (PSRAM).")
    ] = None,
    ble: Annotated[bool, typer.Option(help="Install aioble, for the configuration by phone.")] = True,
    programs_only: Annotated[bool, typer.Option("--programs-only", help="Not lib: it is in the image.")] = False,
    erase: Annotated[bool, typer.Option("--erase", help="Erase all files and stored data first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")] = False,
    watch: Annotated[bool, typer.Option(help="Watch the first start until the mode is known.")] = True,
):
    """Put the firmware on a board that runs MicroPython 1.24 or later.

    Copies only what changed, checks each file by its hash, restarts the board and says in which mode it has started.
    Interrupted anywhere, the next run completes it. Exit code: 0 all is well, 1 a board failed or a file of
    yours is no good, 2 wrong options, 3 it is there, but the board is in IDLE.
    """
    if programs_only and (source or files or lines is not None):
        typer.echo("flash: --programs-only leaves lib alone: --source, --files and --lines are of lib", err=True)
        raise typer.Exit(2)
    ports = resolved("flash", port)
    options = Options(settings, main, not source, lines, not programs_only, ble, erase, files)
    _check(options)
    sys.stdout.reconfigure(errors="replace")  # a board's first words are often none
    on_end(interrupt)
    with _Screen(len(ports) > 1) as screen:
        jobs = [_Job(each, options, screen, dry_run, watch) for each in ports]
        for job in jobs:
            job.start()
        try:
            _wait(jobs)
        except KeyboardInterrupt as stopped:
            screen.tell("", "interrupted: run it again, and it goes on where it stopped")
            _stop(jobs)
            sys.exit(128 + (stopped.args[0] if stopped.args else signal.SIGINT))
    sys.exit(max(job.exit_code for job in jobs))


def _wait(jobs, seconds=math.inf):
    deadline = time.monotonic() + seconds
    for job in jobs:
        # Not by join: up to Python 3.12 a thread is taken for dead once Ctrl-C came into that.
        while not job.has_ended.wait(0.2) and time.monotonic() < deadline:
            pass


def _stop(jobs):
    """A board that is only looked at gets its program back; a second Ctrl-C does not wait for that."""
    for job in jobs:
        job.is_stopped = True
    _wait(jobs, _STOP_S)


def _check(options):
    """What is wrong with the files on this machine is told before a board is touched."""
    try:
        if options.settings:
            settings(options.settings)
        if options.main:
            compile(options.main.read_text(encoding="utf-8"), str(options.main), "exec")
            public.application(options.main)
    except BundleError as error:
        sys.exit(f"flash: {error}")
    except OSError as error:
        sys.exit(f"flash: {options.main}: {error.strerror}")
    except SyntaxError as error:
        sys.exit(f"flash: {error.filename or options.main}:{error.lineno}: {error.msg}")
    except ValueError as error:  # another encoding, a zero byte
        sys.exit(f"flash: {options.main} is no text in UTF-8: {error}")


class _Stopped(Exception):
    """By Ctrl-C."""


class _Screen:
    """Lines of several boards, and a bar for each that copies."""

    def __init__(self, several):
        self._console = Console(highlight=False, soft_wrap=True)
        self._several = several
        columns = [TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()]
        self._bars = Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)
        self._tasks = {}

    def __enter__(self):
        self._bars.start()
        return self

    def __exit__(self, *_):
        self._bars.stop()

    def tell(self, port, text, style=None):
        self._console.print(f"{port}: {text}" if self._several and port else text, style=style, markup=False)

    def progress(self, port, done, total):
        if port not in self._tasks:
            self._tasks[port] = self._bars.add_task(port, total=total)
        self._bars.update(self._tasks[port], completed=done, total=total, visible=done < total)


class _Job(threading.Thread):
    """One board."""

    def __init__(self, port, options, screen, dry, watched):
        super().__init__(daemon=True)
        self.exit_code = 1
        self.is_stopped = False
        self.has_ended = threading.Event()
        self._port = port
        self._options = options
        self._screen = screen
        self._dry = dry
        self._watched = watched

    def run(self):
        try:
            with SerialBoard(self._port) as board:
                Install(board, self._options, self._tell, self._progress).run(self._dry)
                self.exit_code = 0 if self._dry or not self._watched else self._watch(board)
        except (BoardError, BundleError, MissingTool) as error:
            self._screen.tell(self._port, f"flash: {error}", "red")
        except _Stopped:
            pass
        finally:
            self.has_ended.set()

    def _watch(self, board):
        self._tell("the board starts:")
        mode, event, reason = watch(board, lambda line: self._tell(f"    {line}", "dim"))
        self._tell(f"done: {mode} ({event}), {_MEANING.get(mode, '')}", "red" if mode == "IDLE" else "green")
        if reason and mode in ("IDLE", "CONFIG"):
            self._tell(f"    {reason}")
        self._tell(f"watch it with: make monitor PORT={self._port}")
        return 3 if mode == "IDLE" else 0

    def _tell(self, text, style=None):
        self._go_on()
        self._screen.tell(self._port, text, style)

    def _progress(self, done, total):
        self._go_on()
        self._screen.progress(self._port, done, total)

    def _go_on(self):
        if self.is_stopped:
            raise _Stopped
