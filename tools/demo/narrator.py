"""Tells the demo in a terminal: one line per step, what was seen beside it, and how long it took."""

import sys
import time
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table


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
        self._console.rule(f"[bold]{escape(text)}[/bold]", align="left")

    def chapter(self, text):
        self._console.print(f"\n[bold cyan]{escape(text)}[/bold cyan]")

    def say(self, text):
        self._console.print(f"  {escape(text)}")

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
        self._console.print(f"  [green]✓[/green] {escape(title)}  [dim]{escape(detail)}  {seconds:.1f} s[/dim]")

    def failure(self, error, lines):
        self._console.print(f"\n[red bold]The demo failed:[/red bold] {escape(str(error))}")
        self._console.print("\nThe last lines of the device's console:")
        for line in lines:
            self._console.print(f"    [dim]{escape(line)}[/dim]")

    def summary(self, facts):
        """A closing table of (what, value) rows."""
        table = Table(title="What you have seen", title_justify="left", show_header=False, box=None, padding=(0, 2))
        for what, value in facts:
            table.add_row(f"[bold]{escape(what)}[/bold]", escape(value))
        self._console.print()
        self._console.print(table)
