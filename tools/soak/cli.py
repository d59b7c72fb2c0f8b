"""Simulated devices under random faults: access point, lost frames, delay, names, time, power, the cloud itself.

At the end both ends are compared: no QoS 1 message that was acknowledged, kept, or handed over may be missing, and no
device may be gone, restart by itself, or grow. Exit code 1 otherwise. Ctrl-C ends it early, with the verdict so far.
"""

import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.interpreter import MissingTool
from tools.signals import interrupt, on_end
from tools.troubles import sentence

_LOGS = Path("build/soak")
_TOLD_EVERY_S = 30


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long faults befall the devices.")] = 10,
    devices: Annotated[int, typer.Option(min=1, max=50, help="Simulated devices, each in a world of its own.")] = 4,
    seed: Annotated[int | None, typer.Option(help="Of all chance: that of an earlier soak repeats its faults.")] = None,
    bound: Annotated[int, typer.Option(min=1, help="Seconds in which a device must be back after a fault.")] = 90,
    heap_bound: Annotated[
        int, typer.Option(min=0, help="Bytes by which what a collection leaves may grow: first use takes some.")
    ] = 8192,
    logs: Annotated[Path, typer.Option(help="Folder for what each device said, and what befell it.")] = _LOGS,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell every fault.")] = False,
):
    from tools.soak.bench import Bench
    from tools.soak.storm import Storm

    on_end(interrupt)  # until there is something to judge
    console = Console(highlight=False)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    console.print(f"Seed {seed}: {devices} devices for {minutes:g} minutes; Ctrl-C ends it early. Logs: {logs}")
    begin = time.monotonic()
    try:
        with Bench(devices, logs) as bench:
            storm = Storm(bench, seed, bound, _teller(console, begin, minutes, verbose))
            _end_early(storm)
            storm.begin()
            storm.rage(minutes * 60)
            good = _judge(console, bench, storm, heap_bound)
    except KeyboardInterrupt:  # asked twice: without a verdict
        sys.exit(130)
    except (MissingTool, OSError) as error:
        sys.exit(f"soak: {sentence(error)}")
    console.print(f"{'Passed' if good else '[red]Failed[/red]'} in {time.monotonic() - begin:.0f} s; --seed {seed}")
    sys.exit(0 if good else 1)


def _teller(console, begin, minutes, verbose):
    told = {"at": begin, "faults": 0}

    def tell(words):
        now = time.monotonic()
        told["faults"] += 1
        if verbose:
            console.print(f"{now - begin:7.1f}  {words}")
        elif now - told["at"] >= _TOLD_EVERY_S:
            told["at"] = now
            console.print(f"{(now - begin) / 60:.1f} of {minutes:g} minutes, {told['faults']} faults so far")

    return tell


def _end_early(storm):
    def end(number, _frame):
        if storm.over.is_set():  # asked again
            raise KeyboardInterrupt(number)
        storm.over.set()

    signal.signal(signal.SIGINT, end)
    on_end(end)


def _judge(console, bench, storm, heap_bound):
    from tools.soak.report import sentences, table, verdict

    console.print(table(bench.subjects))
    wrong = [f"[red]the soak itself[/red]: {sentence}" for sentence in storm.broken]
    for subject in bench.subjects:
        keeps_power = subject is bench.subjects[0]
        wrong += sentences(subject, verdict(subject, heap_bound, storm.lasted_s, keeps_power))
    for line in wrong:
        console.print(line)
    console.print(f"The cloud fell over {storm.restarts} times.")
    return not wrong
