"""Run the tests: pytest, with the arguments given (a path, -k WORD, -x, --help, ...)."""

import importlib.util
import subprocess
import sys

import typer

from tools.interpreter import ROOT

CONTEXT_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def main(context: typer.Context):
    if importlib.util.find_spec("pytest") is None:
        sys.exit("tools test: the Python package 'pytest' is missing; run it by `make test`")
    try:
        sys.exit(subprocess.run([sys.executable, "-m", "pytest", *context.args], cwd=ROOT).returncode)
    except KeyboardInterrupt:
        sys.exit(130)
