"""The command line of `python -m tools configure`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tools.configure.trouble import EXITS, Exit, Mistake, Trouble

# \b: the lines stay as they are.
_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {end.value:<4} {sentence}" for end, sentence in EXITS.items())

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(epilog=_EPILOG)
def main(
    device: Annotated[str, typer.Option(help="Name of the device, its last digits, or its address.")] = "",
    code: Annotated[
        str,
        typer.Option(
            envvar="SETUP_CODE",
            help="The setup code on the label, or the link of its QR code; else it is asked for.",
            show_envvar=True,
        ),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(help="Send a settings.json (docs/settings.md) instead of asking; - is standard input."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only show what the device says of itself.")] = False,
    reset: Annotated[
        str, typer.Option(metavar="settings|all", help="Let the device forget its settings, or all that it was given.")
    ] = "",
    scan: Annotated[bool, typer.Option("--list", help="Only list the devices that wait for settings.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Answer --status and --list in JSON.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before --reset.")] = False,
    allow_open: Annotated[
        bool, typer.Option("--allow-open", help="Talk to a device without encryption, too: everybody can read along.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, max=120, help="How long to look for devices; 5, or 20 for a named one.")
    ] = None,
    wait: Annotated[
        int, typer.Option(min=0, max=600, help="After sending: seconds to watch whether the device comes back.")
    ] = 180,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Use the simulated radio of a running `make phone` or `make sim`.")
    ] = False,
):
    """Give a device its Wi-Fi, its cloud and its certificates over Bluetooth, from this terminal.

    Without options it looks for devices near this machine and asks for everything. The device must be in CONFIG: it is
    when it is new, or when its button was held at start.
    """
    from tools.configure.screen import Screen
    from tools.configure.work import Options, Work
    from tools.signals import interrupt, on_end

    on_end(interrupt)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
    screen = Screen()
    options = Options(device, code, file, status, reset, scan, json, yes, allow_open, seconds, wait)
    try:
        if simulated:
            _use_simulated_radio()
        options.check(sys.stdin.isatty())
        Work(options, screen).do()
    except Mistake as mistake:
        typer.echo(f"configure: {mistake}", err=True)
        raise typer.Exit(Exit.USAGE) from None
    except Trouble as trouble:
        screen.trouble(trouble)
        raise typer.Exit(trouble.exit) from None
    except (KeyboardInterrupt, EOFError):
        typer.echo("\nconfigure: stopped; the device keeps what it had unless it said that it saved.", err=True)
        raise typer.Exit(Exit.INTERRUPTED) from None


def _use_simulated_radio():
    from tools.sim.radio import rendezvous

    try:
        rendezvous.use()
    except rendezvous.NobodyThere as absent:
        raise Mistake(str(absent)) from absent
