"""`make cloud`: the local AWS IoT, left running."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import ClientError, InvalidRegionError
from botocore.utils import validate_region_name
from rich.console import Console

from tools.cloud import fault_verbs
from tools.cloud.hooks import AllowList, Hook
from tools.cloud.hooks import load as load_hook
from tools.cloud.kit import make_kit
from tools.cloud.local_cloud import LocalCloud
from tools.cloud.registry import DEFAULT_REGION
from tools.cloud.screen import Screen
from tools.cloud.store import StoreError
from tools.interpreter import ROOT
from tools.signals import on_end
from tools.troubles import sentence

_MQTT_PORT = 8883
_CONTROL_PORT = 4585
_FILES_PORT = 4586
_HTTPS_PORT = 4587  # AWS's is 443

_HOOK = "pre-provisioning"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
for _verb in (fault_verbs.fault, fault_verbs.faults, fault_verbs.heal):
    app.command()(_verb)


class Mistake(Exception):
    """Something the person can put right; the message says how."""


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where everything is kept; made when it is not there.")] = ROOT
    / ".cloud",
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any other than this machine's own opens it to all.")
    ] = ("127.0.0.1"),
    mqtt_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="MQTT over TLS. Default: 8883, or a free one when it is taken.")
    ] = None,
    control_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Control plane. Default: 4585, or a free one when it is taken.")
    ] = None,
    files_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Downloads by https. Default: 4586, or a free one.")
    ] = None,
    https_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="MQTT over WebSockets. Default: 4587, or a free one.")
    ] = None,
    endpoint: Annotated[str, typer.Option(help="Host name that devices connect to.")] = "localhost",
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name or address for the server's certificate; repeatable."),
    ] = None,
    region: Annotated[str, typer.Option(help="The AWS region it says it is in.")] = DEFAULT_REGION,
    fleet: Annotated[
        str, typer.Option(help="Name of the provisioning template to make, with a claim; '' for none.")
    ] = ("fleet"),
    serials: Annotated[
        Path | None, typer.Option(help="Only devices whose serial number is a line of this file may provision.")
    ] = None,
    hook: Annotated[
        str | None, typer.Option(help='"FILE.py[:FUNCTION]" decides who may provision, as a Lambda function would.')
    ] = None,
    fast_keys: Annotated[bool, typer.Option("--fast-keys", help="EC keys, where AWS makes RSA keys: quicker.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No line for each event.")] = False,
):
    """The local AWS IoT: MQTT broker, REST control plane and file server, left running until Ctrl-C.

    The aws command line, boto3, AWS's device SDKs and any MQTT client work with it unmodified.

    Requests to the control plane need no credentials: signatures are not verified. Keep it on this machine. WebSockets
    are signed with the access key and the secret key "local".

    What AWS has and this has not answers NotImplementedException; docs/local-aws-iot.md lists what is there.

    While it runs, fault, faults and heal make its life, and its devices', hard: from another terminal or typed here.
    """
    if context.invoked_subcommand is not None:
        return
    sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
    screen = Screen(Console(), tells_events=not quiet)
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    on_end(lambda *_: stop.set())
    try:
        _check_names(region, endpoint, *(name or ()))
        notes: list[str] = []
        mqtt_port = _choose_port(host, mqtt_port, _MQTT_PORT, "MQTT", notes)
        control_port = _choose_port(host, control_port, _CONTROL_PORT, "control plane", notes)
        files_port = _choose_port(host, files_port, _FILES_PORT, "files", notes)
        https_port = _choose_port(host, https_port, _HTTPS_PORT, "MQTT over WebSockets", notes)
        cloud = LocalCloud(
            folder,
            mqtt_port,
            control_port,
            files_port,
            https_port,
            host=host,
            endpoint=endpoint,
            names=name or (),
            region=region,
            fast_keys=fast_keys,
            hooks=_hooks(serials, hook),
            log=screen.log,
        )
        _run(cloud, fleet, screen, stop, notes)
    except (Mistake, StoreError, ClientError, OSError) as mistake:
        sys.exit(f"cloud: {sentence(mistake)}")


def _run(cloud: LocalCloud, fleet: str, screen: Screen, stop: threading.Event, notes: list[str]) -> None:
    with cloud:
        for note in notes:  # only now: of a second cloud in the same folder they would hide what is wrong
            screen.say(note, style="yellow")
        kit = make_kit(cloud, fleet) if fleet else None
        if fleet:
            _set_hook(cloud, fleet)
        address = cloud.folder / "control-url"  # where `make sim` looks
        address.write_text(cloud.control_url + "\n", encoding="ascii")
        screen.introduce(cloud, kit)
        threading.Thread(target=_obey, args=(cloud.control_url,), name="console", daemon=True).start()
        stop.wait()
        address.unlink(missing_ok=True)
        screen.say("\nStopping")
    screen.say(f"Stopped. All is kept in {cloud.folder}.")


def _obey(url: str) -> None:
    """What is typed; the end of the input ends nothing."""
    for line in sys.stdin:
        fault_verbs.obey(line, url)


def _check_names(region: str, *hosts: str) -> None:
    """Before anything is made: what is in the folder belongs to one region for good."""
    try:
        validate_region_name(region)
    except InvalidRegionError as error:
        raise Mistake(f"--region: {error}") from None
    for host in hosts:
        if not host.isascii() or not host.isprintable() or " " in host or not host:
            raise Mistake(f"{host!r} is no host name: letters, digits, dots and hyphens (others in their form xn--...)")


def _hooks(serials: Path | None, hook: str | None) -> dict[str, Hook]:
    if serials is not None and hook is not None:
        raise Mistake("--serials and --hook exclude each other")
    if serials is not None and not serials.is_file():
        raise Mistake(f"there is no file {serials}")
    try:
        chosen = AllowList(file=serials) if serials is not None else load_hook(hook) if hook is not None else None
    except ValueError as error:
        raise Mistake(f"--hook: {error}") from None
    return {} if chosen is None else {_HOOK: chosen}


def _set_hook(cloud: LocalCloud, template: str) -> None:
    """The template asks the hook of this start, or none."""
    arn = cloud.hook_arn(_HOOK)
    change = {"preProvisioningHook": {"targetArn": arn}} if arn else {"removePreProvisioningHook": True}
    cloud.iot().update_provisioning_template(templateName=template, **change)


def _choose_port(host: str, asked: int | None, usual: int, what: str, notes: list[str]) -> int:
    """The port to use, 0 for a free one. One that was asked for must be free; for the usual one there is another,
    and a note."""
    port = usual if asked is None else asked
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return port
        except OSError as error:
            reason = error.strerror
    if asked is not None:
        raise Mistake(f"cannot listen on {host}:{asked} for {what}: {reason}")
    notes.append(f"Port {usual} for {what}: {reason}; using a free one.")
    return 0
