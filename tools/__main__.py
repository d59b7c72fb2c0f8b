"""The command line behind `make`: `python -m tools VERB`. A verb's module is imported when the verb is called."""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    # Until a verb begins Ctrl-C ends it at once, by the signal: an exception would show what is being imported.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import importlib
import inspect
import sys

import typer

# verb: module with `app` (a typer.Typer) or `main` (a function), and what it does
VERBS = {
    "demo": ("tools.demo.cli", "A factory-new device becomes an AWS IoT device, on this desk."),
    "test": ("tools.verbs.test", "All tests, or those that pytest's own arguments choose."),
    "sim": ("tools.sim.cli", "A simulated ESP32 with a console, left running."),
    "cloud": ("tools.cloud.cli", "The local AWS IoT, left running."),
    "configure": ("tools.configure.cli", "A device gets its settings over Bluetooth, from this terminal."),
    "phone": ("tools.phone.cli", "The page that configures devices over Bluetooth."),
    "release": ("tools.release.cli", "Firmware updates: keys, signatures, the way to the devices."),
    "bench": ("tools.bench.cli", "Measured numbers, as a table."),
    "fleet": ("tools.fleet.cli", "What a fleet needs in AWS IoT, and its devices' settings."),
    "docs": ("tools.docs.cli", "The documentation as a site."),
    "new": ("tools.new.cli", "Begin an application in a folder of its own."),
    "qualify": ("tools.qualify.cli", "AWS IoT Device Advisor's cases against the device, as a table."),
    "soak": ("tools.soak.cli", "Simulated devices under random faults: nothing may be lost."),
    "deps": ("tools.verbs.deps", "The real umqtt.simple and aioble by mip, into .deps/."),
    "lint": ("tools.verbs.lint", "ruff, the import law, lib compiled for MicroPython 1.24."),
    "flash": ("tools.board.flash", "Put the firmware on a board."),
    "firmware": ("tools.board.firmware", "Build a firmware image with everything frozen in."),
    "monitor": ("tools.board.monitor", "Watch a board's console."),
    "diagram": ("tools.verbs.diagram", "Draw the table of modes into the docs."),
    "package": ("tools.verbs.package", "Write package.json, by which mip installs the firmware."),
}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The desk of AWS IoT for ESP32. `VERB --help` tells a verb's options.",
)


def main(arguments):
    """Run the verb, which reads its own options; anything else is help, or an error that names what is like it."""
    if not arguments or arguments[0] not in VERBS:
        app(args=arguments, prog_name="python -m tools")
    verb = arguments[0]
    run = _load(verb, VERBS[verb][0])
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run(args=arguments[1:], prog_name=f"python -m tools {verb}")


def _load(verb, name):
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:  # a second or so, in which nothing has begun
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            sys.exit(f"tools {verb}: not part of this version yet ({name} is missing)")
        sys.exit(f"tools {verb}: the Python package {error.name!r} is missing; run it by `make {verb}`")
    if hasattr(module, "app"):
        return _flowing(module.app)
    if not hasattr(module, "main"):
        sys.exit(f"tools {verb}: not part of this version yet ({name} has no main)")
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    text = module.main.__doc__ or module.__doc__
    single.command(help=text, context_settings=getattr(module, "CONTEXT_SETTINGS", None))(module.main)
    return _flowing(single)


def _flowing(app):
    """A verb's help is plain text that flows to the terminal's width: typer would end lines where the source does.

    Its tables cut the names of options off in a narrow terminal, and take six columns where two tell more.
    """
    app.rich_markup_mode = None
    for command in app.registered_commands:
        text = inspect.cleandoc(command.help or command.callback.__doc__ or "")
        command.help = "\n\n".join(" ".join(each.split()) for each in text.split("\n\n"))
    return app


for _verb, (_, _sentence) in VERBS.items():
    app.command(_verb, help=_sentence)(lambda: None)

if __name__ == "__main__":
    main(sys.argv[1:])
