"""`python -m tools demo`: the main job, told in a terminal."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def main(verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the device's console, too.")] = False):
    """A factory-new simulated ESP32 becomes a working AWS IoT device, before your eyes. Ends 0 when all came true."""
    from tools.demo.story import tell

    try:
        raise typer.Exit(tell(verbose))
    except KeyboardInterrupt:
        typer.echo("\nStopped; everything is cleaned up.")
        raise typer.Exit(130) from None
