"""Watch a board's console and type to it. Ctrl-] ends; the board runs on."""

import os
import sys
from typing import Annotated

import typer

from tools.verbs.ports import require_port


def main(port: Annotated[str, typer.Option(help="Serial port of the board; auto: the first one on USB.")] = "auto"):
    require_port("monitor", port)
    # In place of this process: keys and signals are mpremote's own affair.
    os.execv(sys.executable, [sys.executable, "-m", "mpremote", "connect", port, "resume", "repl"])
