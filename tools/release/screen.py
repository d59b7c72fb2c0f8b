"""What a person sees of a release: a bar for each device, lines where no terminal is, a table at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tools.release import follow

_BARS = 16  # devices shown at a time: those at work first, then those that ended badly
_WORDS = {
    "QUEUED": "waits",
    "IN_PROGRESS": "at work",
    "SUCCEEDED": "has it",
    "FAILED": "failed",
    "REJECTED": "refused it",
    "TIMED_OUT": "timed out",
    "REMOVED": "removed",
    "CANCELED": "cancelled",
}


class Screen:
    def __init__(self) -> None:
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
        self.console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)

    def table(self, heads: list[str], rows: list[list[str]]) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.console.print(table)

    def watch(self, states: Iterator[follow.State]) -> follow.State:
        """Show a job until it is over; its last state is returned."""
        return self._live(states) if self.console.is_terminal else self._lines(states)

    def _lines(self, states: Iterator[follow.State]) -> follow.State:
        told: dict[str, follow.Progress] = {}
        state = follow.State()
        for state in states:
            for thing, device in state.devices.items():
                if told.get(thing) != device:
                    told[thing] = device
                    self.say(f"{thing}: {_sentence(device)}")
        return state

    def _live(self, states: Iterator[follow.State]) -> follow.State:
        state = follow.State()
        with Live(console=self.console, refresh_per_second=8) as live:
            for state in states:
                live.update(_picture(state))
        return state

    def outcome(self, state: follow.State, version: str) -> None:
        """How it ended, and for whom not well."""
        total, counts = len(state.devices), state.counts()
        good = counts.get("SUCCEEDED", 0)
        self.say(f"\n{good} of {total} devices run {version}.", "bold green" if good == total and total else "bold red")
        bad = [each for each in state.devices.values() if each.is_over and each.status != "SUCCEEDED"]
        if bad:
            self.table(["device", "", "why"], [[each.thing, _WORDS[each.status], each.words] for each in bad[:50]])
        if len(bad) > 50:
            self.say(f"... and {len(bad) - 50} more")


def _sentence(device: follow.Progress) -> str:
    percent = "" if device.percent is None or device.is_over else f" {device.percent} %"
    words = f" ({device.words})" if device.words and device.status != "SUCCEEDED" else ""
    return f"{_WORDS.get(device.status, device.status)}{percent}{words}"


def _picture(state: follow.State) -> Table:
    bars = Progress(
        TextColumn("{task.fields[thing]}", markup=False),
        BarColumn(bar_width=24, complete_style="cyan", finished_style="green"),
        TextColumn("{task.fields[words]}", style="dim", markup=False),  # a device's own words, brackets and all
        expand=False,
    )
    shown = sorted(state.devices.values(), key=_urgency)[:_BARS]
    for device in shown:
        done = 100 if device.status == "SUCCEEDED" else device.percent or 0
        bars.add_task("", total=100, completed=done, thing=device.thing, words=_sentence(device))
    picture = Table.grid()
    picture.add_row(bars)
    counts = ", ".join(f"{number} {_WORDS.get(status, status)}" for status, number in sorted(state.counts().items()))
    if len(state.devices) > 1:
        picture.add_row(Text(f"{len(state.devices)} devices: {counts}", style="dim"))
    return picture


def _urgency(device: follow.Progress) -> tuple[int, str]:
    order = ("IN_PROGRESS", "FAILED", "REJECTED", "TIMED_OUT", "CANCELED", "REMOVED", "QUEUED", "SUCCEEDED")
    return (order.index(device.status) if device.status in order else len(order), device.thing)
