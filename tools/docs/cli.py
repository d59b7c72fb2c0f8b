"""Build the documentation as a site, or show it."""

import contextlib
import os
import socket
import subprocess
import sys
from typing import Annotated

import typer

from tools.docs import codes, events
from tools.interpreter import ROOT


def main(
    serve: Annotated[bool, typer.Option("--serve", help="Show it, and build it anew as pages change.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of --serve.")] = 8001,
):
    """Build the documentation into build/docs; a link that leads nowhere is an error."""
    if serve:
        _require_free(port)
    for table in (codes, events):
        table.PAGE.write_text(table.updated(table.PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    command = ["serve", "--dev-addr", f"127.0.0.1:{port}"] if serve else ["build", "--strict", "--quiet"]
    try:
        # The theme's own advertisement for its successor is no warning of ours.
        environment = dict(os.environ, NO_MKDOCS_2_WARNING="1")
        code = subprocess.run([sys.executable, "-m", "mkdocs", *command], cwd=ROOT, env=environment).returncode
    except KeyboardInterrupt:
        sys.exit(0 if serve else 130)  # the site is half a one
    if code:
        sys.exit("docs: there are warnings, see above")
    if not serve:
        print(f"docs: {ROOT / 'build' / 'docs' / 'index.html'}")


def _require_free(port):
    with contextlib.closing(socket.socket()) as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"docs: port {port} cannot be used ({error.strerror.lower()}): choose another by --port")
