"""`python -m tools demo`: the main job, told in a terminal."""

import signal
import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the device's console, too.")] = False):
    """A factory-new simulated ESP32 becomes a working AWS IoT device, before your eyes. Ends 0 when all came true."""
    from tools.demo.story import tell
    from tools.signals import interrupt_once

    sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
    # By themselves signals would leave the desk's folder and the device's process behind.
    interrupt_once()
    try:
        raise typer.Exit(tell(verbose))
    except KeyboardInterrupt as stopped:
        typer.echo("\nStopped; everything is cleaned up.")
        raise typer.Exit(128 + (stopped.args[0] if stopped.args else signal.SIGINT)) from None
