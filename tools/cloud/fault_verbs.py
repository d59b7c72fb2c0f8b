"""`python -m tools cloud fault|faults|heal`: faults of a local AWS IoT that is running, ordered over HTTP."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from tools.cloud.fault_desk import OPTIONS
from tools.cloud.local_api import FAULTS_PATH
from tools.interpreter import ROOT

_TIMEOUT_S = 10

Folder = Annotated[Path, typer.Option(help="The folder of the cloud, which says where it is.")]
Url = Annotated[str | None, typer.Option(help="Its control plane, where the folder does not say it.")]
_FOLDER = ROOT / ".cloud"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.command()
def fault(
    kind: Annotated[str, typer.Argument(help="What is to go wrong; `faults` lists all kinds.")],
    client_id: Annotated[str | None, typer.Option("--client", help="To this client id only.")] = None,
    packets: Annotated[int | None, typer.Option(help="So many packets or requests; default: without end.")] = None,
    connections: Annotated[int | None, typer.Option(help="So many connections; default: without end.")] = None,
    amount: Annotated[float | None, typer.Option(help="Bytes, or seconds, where the kind needs it.")] = None,
    service: Annotated[str | None, typer.Option(help="shadow, jobs, provisioning or defender.")] = None,
    times: Annotated[int | None, typer.Option(help="So many requests for files; default: 1.")] = None,
    target: Annotated[str | None, typer.Option(help="Where files.redirect leads to.")] = None,
    value: Annotated[str | None, typer.Option(help="Which certificate: expired, wrong_name, ...")] = None,
    folder: Folder = _FOLDER,
    url: Url = None,
) -> None:
    """Order a fault.

    Such as `fault no_puback --client lamp --packets 2`, or `fault certificate --value expired`.
    """
    given = locals()
    order = {"kind": kind, **{name: given[name] for name in OPTIONS if given[name] is not None}}
    if "amount" in order and amount.is_integer():
        order["amount"] = int(amount)
    _show(_ask(folder, url, "POST", order))


@app.command()
def faults(folder: Folder = _FOLDER, url: Url = None) -> None:
    """What is ordered, and what can be."""
    answer = _ask(folder, url, "GET")
    width = max(map(len, answer["kinds"]))
    for kind, what in answer["kinds"].items():
        typer.echo(f"  {kind:<{width}}  {what}")
    _show(answer)


@app.command()
def heal(
    kind: Annotated[str | None, typer.Argument(help="Only faults of this kind; `files` is all of files.")] = None,
    folder: Folder = _FOLDER,
    url: Url = None,
) -> None:
    """End all faults, or those of a kind."""
    _show(_ask(folder, url, "DELETE", query={"kind": kind} if kind else {}))


def _show(answer: dict) -> None:
    for order in answer["orders"]:
        options = "".join(f" {name}={value}" for name, value in order.items() if name != "kind")
        typer.echo(f"ordered: {order['kind']}{options}")
    if not answer["orders"]:
        typer.echo("no faults are ordered")


def _ask(folder: Path, url: str | None, method: str, order: dict | None = None, query: dict | None = None) -> dict:
    """The answer of the running cloud. Ends the command with a sentence when there is none, or it refuses."""
    address = f"{url or _find(folder)}{FAULTS_PATH}?{urlencode(query or {})}"
    body = None if order is None else json.dumps(order).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            found = json.load(answer)
        return {"kinds": found["kinds"], "orders": found["orders"]}
    except urllib.error.HTTPError as error:
        sys.exit(f"cloud: {_refusal(error)}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"cloud: no local AWS IoT answers at {address}: {error}")


def _refusal(error: urllib.error.HTTPError) -> str:
    """What the cloud says, or that it is none: whoever has its port now."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return json.load(error)["message"]
    return f"what answers at {error.url} is no local AWS IoT: {error}"


def _find(folder: Path) -> str:
    try:
        return (folder / "control-url").read_text(encoding="ascii").strip()
    except OSError:
        sys.exit(f"cloud: no local AWS IoT is running in {folder}: start one with make cloud, or say --url")


def obey(line: str, url: str) -> None:
    """One line that was typed at a running cloud: a command as above, without `python -m tools cloud`."""
    try:
        words = shlex.split(line)
        if not words:
            return
        known = words[0] in ("fault", "faults", "heal")
        app([*words, "--url", url] if known else ["--help"], prog_name="")
    except ValueError as mistake:
        typer.echo(f"cloud: {mistake}")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            typer.echo(ended.code)
