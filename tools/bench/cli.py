"""`python -m tools bench`: measured numbers, as a table."""

from __future__ import annotations

import fnmatch
import json
import platform
import statistics
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from tools import interpreter
from tools.bench.desk import Desk, Failed
from tools.bench.registry import Measurement, measurements
from tools.signals import interrupt_once
from tools.sim.options import Mistake, check_heap

DOCUMENT = interpreter.ROOT / "docs" / "measurements.md"
BEGIN = "<!-- numbers: begin, written by `make bench ARGS=--write` -->"
END = "<!-- numbers: end -->"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_LEAST_HEAP_KB = 16  # MicroPython itself begins; what a measurement needs is its own matter


class Result:
    """The values that one measurement took."""

    def __init__(self, measurement: Measurement, values: list[float]):
        self.measurement = measurement
        self.values = values
        self.best = measurement.best(values)
        self.reached = measurement.reached(self.best)

    def cells(self) -> list[str]:
        """What, best, median, goal, verdict."""
        number = self.measurement
        unit = number.unit
        median = f"{shown(statistics.median(self.values))} {unit}" if len(self.values) > 1 else ""
        if number.goal is None:
            return [number.what, f"{shown(self.best)} {unit}", median, "", ""]
        goal = f"{'at most' if number.less_is_better else 'at least'} {shown(number.goal)}"
        return [number.what, f"{shown(self.best)} {unit}", median, goal, "reached" if self.reached else "missed"]


def shown(value: float) -> str:
    """A number with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


@app.command()
def bench(
    only: str = typer.Option("*", help="Names to measure, with * and ?: 'publish.*'. `--list` tells them."),
    repeat: int = typer.Option(3, min=1, help="How often to measure speeds; the best counts."),
    heap: str = typer.Option("256k", help="Heap of the MicroPython processes."),
    write: bool = typer.Option(False, help="Write the table into docs/measurements.md."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
    strict: bool = typer.Option(False, help="End with exit code 1 when a goal is missed."),
    names: bool = typer.Option(False, "--list", help="Only list the measurements."),
    modules: bool = typer.Option(False, help="Only tell what each module of the firmware costs of flash and heap."),
) -> None:
    """Measure the firmware on the unix port of MicroPython, against a peer on this machine.

    Other MQTT clients are measured beside it: umqtt.simple where MICROPYTHON_LIB names a checkout of micropython-lib,
    mqtt_as where MQTT_AS names one of peterhinch/micropython-mqtt.
    """
    interrupt_once()
    try:
        check_heap(heap, _LEAST_HEAP_KB)
    except (Mistake, ValueError) as mistake:
        sys.exit(f"bench: {mistake}")
    chosen = chosen_by(only)
    if names:
        for one in chosen:
            print(f"{one.name:28} {one.what}")
        return
    if write and only != "*":
        sys.exit("bench: --write is for the whole table: leave --only away")
    try:
        if modules:
            from tools.bench import modules as of_modules  # which registers measurements, too: in their order

            with Desk() as desk:
                Console().print(of_modules.table(desk))
            return
        results = measure(chosen, repeat, heap)
    except (Failed, interpreter.MissingTool) as error:
        sys.exit(f"bench: {error}")
    if as_json:
        print(json.dumps({result.measurement.name: result.values for result in results}, indent=2))
    else:
        Console().print(table(results))
    if write:
        write_document(DOCUMENT, results)
    if strict and not all(result.reached for result in results):
        raise typer.Exit(1)


def chosen_by(pattern: str) -> list[Measurement]:
    """The measurements with such names; ends the program when there is none."""
    try:
        chosen = [one for one in measurements() if fnmatch.fnmatch(one.name, pattern)]
    except interpreter.MissingTool as error:
        sys.exit(f"bench: {error}")
    if not chosen:
        sys.exit(f"bench: no measurement is called like {pattern!r}; --list tells their names")
    return chosen


def measure(chosen: list[Measurement], repeat: int, heap: str) -> list[Result]:
    """Take every measurement, telling on the terminal which one is at work."""
    results = []
    progress = Console(stderr=True)
    with Desk(heap=heap) as desk, progress.status("") as status:
        for one in chosen:
            status.update(one.what)
            times = repeat if one.repeat else 1
            try:
                results.append(Result(one, [one.take(desk) for _ in range(times)]))
            except (TimeoutError, RuntimeError) as error:  # of a simulated device
                raise Failed(f"{one.name}: {error}") from error
    return results


def table(results: list[Result]) -> Table:
    """The table for a terminal."""
    made = Table(title=machine())
    made.add_column("measured")
    for heading in ("best", "median"):
        made.add_column(heading, justify="right")
    made.add_column("goal")
    made.add_column("")
    for result in results:
        made.add_row(*result.cells(), style=None if result.reached else "bold red")
    return made


def machine() -> str:
    """On what it was measured."""
    return f"{interpreter.micropython_version()}, {platform.system()} {platform.machine()}, 64-byte payload"


def markdown(results: list[Result]) -> str:
    """The table for the document."""
    lines = [machine() + ".", "", "| measured | best | median | goal | |", "|---|---:|---:|---|---|"]
    lines += ["| " + " | ".join(result.cells()) + " |" for result in results]
    return "\n".join(lines)


def write_document(document: Path, results: list[Result]) -> None:
    """Put the table between the two marks of the document."""
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    document.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}", encoding="utf-8")
