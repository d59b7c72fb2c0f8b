"""What the person sees. Colours and bars in a terminal, plain lines for a program that reads along."""

import getpass
import time
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from tools.configure.trouble import Mistake, Trouble

# dBm from which that many bars are shown: as in the phone page.
_BARS = (-67, -75, -82)
_BLOCKS = "▂▄▆█"
_STRENGTHS = ("very weak", "weak", "good", "strong")


def bars(rssi):
    """1 to 4."""
    return 4 - sum(rssi < limit for limit in _BARS)


class Screen:
    """Prints to `console`; errors go there, too. Nothing secret is ever handed in."""

    def __init__(self, console=None):
        self._console = console or Console(highlight=False, emoji=False)  # else ":ab:" of an address becomes a picture
        self._console.soft_wrap = not self._console.is_terminal

    @property
    def is_terminal(self):
        return self._console.is_terminal

    def say(self, text="", style=""):
        self._console.print(_plain(text), style=style)

    def heading(self, text):
        self._console.print(f"\n[bold cyan]{_plain(text)}[/bold cyan]")

    def good(self, text):
        self._console.print(f"[green]✓[/green] {_plain(text)}")

    def warn(self, text):
        self._console.print(f"[yellow]![/yellow] {_plain(text)}")

    def trouble(self, trouble):
        """What went wrong, what the device said, and the way on."""
        self._console.print(f"[red]✗ {_plain(trouble.title)}[/red]")
        if trouble.sentence:
            who = f"the device says (code {trouble.code})" if trouble.code is not None else "details"
            self._console.print(f"  [dim]{who}:[/dim] {_plain(trouble.sentence)}")
        if trouble.retry_s:
            self._console.print(f"  It listens again in {trouble.retry_s} s.")
        if trouble.way_on:
            self._console.print(f"  {_plain(trouble.way_on)}")

    def devices(self, found):
        """A table of what was seen, numbered."""
        table = _table("", "device", "signal", "address")
        for number, seen in enumerate(found, 1):
            table.add_row(str(number), _plain(seen.name or "?"), signal(seen.rssi), seen.address)
        self._console.print(table)

    def networks(self, aps):
        """A table of the networks that the device sees, numbered."""
        table = _table("", "network", "signal", "")
        for number, ap in enumerate(aps, 1):
            table.add_row(str(number), _plain(ap["ssid"]), signal(ap["rssi"]), "" if ap["secure"] else "open")
        self._console.print(table)

    def facts(self, rows):
        """(what, value) pairs below each other."""
        table = Table.grid(padding=(0, 2))
        for what, value in rows:
            table.add_row("", f"[dim]{_plain(what)}[/dim]", _plain(str(value)))
        self._console.print(table)

    def json(self, document):
        # In ASCII: what is no letter for a terminal, such as half a character, a program reads all the same.
        self._console.print_json(data=document, highlight=False, ensure_ascii=True)

    def input(self, prompt, secret=False):
        """A typed line, stripped; a secret one is not shown, and taken as it is."""
        while True:
            try:
                if secret:  # it asks when nothing is shown any more, not before
                    return getpass.getpass(f"{_harmless(prompt)} ")
                return self._console.input(f"[bold]{_plain(prompt)}[/bold] ").strip()
            except UnicodeDecodeError:
                self.warn("That was not in the encoding of this terminal: type it again.")

    @contextmanager
    def step(self, title, size=None):
        """One step: `with screen.step("Sending", size=4096) as step: step.advance(20); step.detail("...")`."""
        begin_s = time.monotonic()
        shown = _Shown(self._console, _harmless(title), size)
        try:
            with shown:
                yield shown
        except (Trouble, Mistake):
            self._console.print(f"[red]✗[/red] {_plain(title)}")
            raise
        told = f"{shown.told}  " if shown.told else ""
        self._console.print(f"[green]✓[/green] {_plain(title)}  [dim]{told}{time.monotonic() - begin_s:.1f} s[/dim]")


class _Shown:
    """A step while it lasts: a spinner, with a bar when its size (bytes) is known. Safe from any thread."""

    def __init__(self, console, title, size):
        bar = (BarColumn(bar_width=24), DownloadColumn(binary_units=True)) if size else ()
        words = TextColumn("{task.description}", markup=False)
        self._progress = Progress(SpinnerColumn(), words, *bar, console=console, transient=True)
        self._task = self._progress.add_task(title, total=size)
        self._title = title
        self._size = size
        self._sent = 0
        self.told = ""

    def __enter__(self):
        self._progress.disable = not self._progress.console.is_terminal
        if not self._progress.disable:
            self._progress.start()
        return self

    def __exit__(self, *_):
        if not self._progress.disable:
            self._progress.stop()

    def advance(self, count):
        self._sent += count
        self.told = f"{self._sent} bytes"
        self._progress.update(self._task, completed=min(self._sent, self._size or self._sent))

    def detail(self, text):
        """What is happening in the step now."""
        self._progress.update(self._task, description=f"{self._title}: {text}" if text else self._title)


def _plain(text):
    return escape(_harmless(text))


def _harmless(text):
    """Nothing in it changes the terminal: anybody nearby names a Wi-Fi or a device as they like."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def _table(*columns):
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number == 0 else "left")
    return table


def signal(rssi):
    """Bars and dBm."""
    count = bars(rssi)
    return f"[cyan]{_BLOCKS[:count]}[/cyan][dim]{'·' * (4 - count)} {rssi} dBm, {_STRENGTHS[count - 1]}[/dim]"
