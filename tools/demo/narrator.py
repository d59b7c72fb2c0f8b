"""Tells the demo in a terminal: one line per step with how long it took, and below it what was seen."""

import sys
import time
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

_WIDTH = 80  # of the lines that end with a time; narrower terminals get narrower lines
_DETAIL = 6  # columns before what was seen


class StepFailed(Exception):
    """A step did not come true in its time; the text says what was awaited."""


class Narrator:
    """Prints chapters and steps. `steps` holds (title, detail, seconds) of every step that came true."""

    def __init__(self, verbose=False):
        self.steps = []
        self._verbose = verbose
        self._console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())

    def title(self, text):
        self._console.print()
        self._console.print(f"[bold]{escape(text)}[/bold]")
        self._console.print("─" * len(text))

    def chapter(self, text):
        self._console.print(f"\n[bold cyan]{escape(text)}[/bold cyan]")

    def say(self, text):
        self._print(text, indent=2)

    def device(self, line):
        """A line of the device's console, as the device wrote it."""
        if self._verbose:
            self._console.print(f"    [dim]{escape(line)}[/dim]")

    @contextmanager
    def step(self, title):
        """One step: `with narrator.step("joins Wi-Fi") as seen: seen("192.168.4.2")`."""
        details = []
        begin = time.monotonic()
        try:
            yield details.append
        except TimeoutError as error:
            self._console.print(f"  [red]✗[/red] {escape(title)}")
            raise StepFailed(f"{title}: {error}") from error
        seconds = time.monotonic() - begin
        detail = ", ".join(details)
        self.steps.append((title, detail, seconds))
        gap = " " * (min(self._console.width, _WIDTH) - len(title) - 11)
        self._console.print(f"  [green]✓[/green] {escape(title)}{gap} [dim]{seconds:4.1f} s[/dim]", soft_wrap=True)
        if detail:
            self._print(detail, _DETAIL, style="dim")

    def _print(self, text, indent, style=""):
        """Wrapped in a terminal, below its own beginning; what is read by a program stays one line."""
        if sys.stdout.isatty():
            self._console.print(Padding(escape(text), (0, 0, 0, indent)), style=style)
        else:
            self._console.print(" " * indent + escape(text))

    def failure(self, error, lines):
        self._console.print(f"\n[red bold]The demo failed:[/red bold] {escape(str(error))}")
        self._console.print("\nThe last lines of the device's console:")
        for line in lines:
            self._console.print(f"    [dim]{escape(line)}[/dim]")

    def summary(self, facts):
        """A closing table of (what, value) rows."""
        self.chapter("What you have seen")
        table = Table.grid(padding=(0, 2))
        for what, value in facts:
            table.add_row("", f"[bold]{escape(what)}[/bold]", escape(value))
        self._console.print(table, width=min(self._console.width, _WIDTH))
