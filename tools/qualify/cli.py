"""Device Advisor's cases, AWS's own qualification, against the simulated device or a real one; a table at the end."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from tools.interpreter import ROOT, MissingTool
from tools.qualify import report
from tools.qualify.bench import NetworkBench
from tools.qualify.case import ERROR, FAIL
from tools.qualify.runner import chosen, run_in_turn, run_simulated
from tools.signals import interrupt_once
from tools.troubles import sentence

_FOLDER = ROOT / "build" / "qualify"


def main(
    words: Annotated[list[str] | None, typer.Argument(help="Only cases whose names have one of these.")] = None,
    short: Annotated[bool, typer.Option("--short", help="The short set, as in CI.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only say which cases there are.")] = False,
    scale: Annotated[
        float, typer.Option(min=0.01, help="Of the firmware's own time-outs; 1 is as shipped, and slow.")
    ] = 0.1,
    workers: Annotated[int, typer.Option(min=1, help="Cases at the same time.")] = 8,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit's XML there.")] = None,
    device: Annotated[
        str | None, typer.Option(help="Address of this machine in the network of a real board, which connects to it.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="With --device: the port that it connects to.")] = 8883,
    verbose: Annotated[bool, typer.Option("--verbose", help="The device's console where a case fails.")] = False,
):
    """Run AWS IoT Core Device Advisor's cases, by their AWS names.

    Each passes, passes with warnings or fails, with what was seen. Without --device on simulated boards with the
    firmware unchanged. With it against a board: build/qualify/settings.json is what it must be flashed with, and
    tools/qualify/application.py is its main.py. Exit code 1 when a case fails.
    """
    interrupt_once()
    cases = chosen(words or (), short)
    if not cases:
        sys.exit("qualify: no case has that in its name; --list tells which there are")
    if listed:
        for each in cases:
            print(f"{each.title}{' *' if each.partner else ''}{' (short)' if each.short else ''}")
        print("* needed for AWS's partner catalogue; (short): also with --short")
        return
    console = Console(highlight=False)
    begin = time.monotonic()
    try:
        if device:
            results = _on_the_network(console, cases, scale, device, port)
        else:
            results = run_simulated(cases, scale, workers, lambda result: _tell(console, result, verbose))
    except KeyboardInterrupt:
        sys.exit(130)
    except (MissingTool, OSError) as error:
        sys.exit(f"qualify: {sentence(error)}")
    console.print(report.table(results))
    console.print(f"{report.summary(results)} in {time.monotonic() - begin:.0f} s")
    if junit:
        report.junit(results, junit)
    sys.exit(0 if report.is_good(results) else 1)


def _on_the_network(console, cases, scale, address, port):
    """The cloud on this machine's own address, the device wherever it is."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with NetworkBench(scale, host="0.0.0.0", port=port, endpoint=address, folder=_FOLDER) as bench:
        settings = os.path.relpath(bench.settings_file)
        console.print(f"The cloud is {address}, port {port}. Add your Wi-Fi to {settings}, once, and:")
        line = f'make flash PORT=/dev/ttyUSB0 ARGS="--main tools/qualify/application.py --settings {settings}"'
        console.print(f"  {line}", soft_wrap=True)  # which is to be pasted
        console.print("Waiting for the device to connect (Ctrl-C ends) ...")
        bench.watch.wait_for("connected", 3600)
        return run_in_turn(bench, cases, lambda result: _tell(console, result, verbose=False))


def _tell(console, result, verbose):
    style = "red" if result.outcome in (FAIL, ERROR) else "green"
    console.print(f"[{style}]{result.outcome:>18}[/{style}]  {escape(result.case.title)} ({result.seconds:.0f} s)")
    if verbose:
        for line in result.console:
            console.print(f"    {escape(line)}", style="dim")
