"""Run the tests: pytest, with the arguments given (a path, -k WORD, -x, --help, ...).

All of them run in several processes, each file in one of them, because most of the time they wait for something; `-n 0`
is one after the other.
"""

import importlib.util
import os
import subprocess
import sys

import typer

from tools.interpreter import ROOT

CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


PROCESSES_PER_CORE = 2
_ONE_PROCESS = ("-n", "-p", "-s", "--pdb", "--co", "--help", "--version", "--fixtures", "--markers")

_LONGEST_FIRST = ("tests/stories", "tests/host", "tests/device")  # or one process would still be at it at the end


def main(context: typer.Context):
    if importlib.util.find_spec("pytest") is None:
        sys.exit("tools test: the Python package 'pytest' is missing; run it by `make test`")
    try:
        sys.exit(subprocess.run([sys.executable, "-m", "pytest", *in_processes(context.args)], cwd=ROOT).returncode)
    except KeyboardInterrupt:
        sys.exit(130)


def in_processes(arguments):
    """The arguments, and those for several processes, unless they choose tests or are about something else."""
    if any(not argument.startswith("-") or argument.startswith(_ONE_PROCESS) for argument in arguments):
        return arguments
    processes = ["-n", str(PROCESSES_PER_CORE * (os.cpu_count() or 1)), "--dist", "loadfile", "--no-loadscope-reorder"]
    return [*processes, *_LONGEST_FIRST, *arguments]
