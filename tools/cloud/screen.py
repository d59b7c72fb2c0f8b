"""What a person sees of the local AWS IoT: how to reach it, and what happens in it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from tools.cloud.kit import Kit
from tools.cloud.local_cloud import LocalCloud
from tools.cloud.sigv4 import ACCESS_KEY
from tools.interpreter import ROOT

# event -> colour; what is not listed is shown without one
_COLOURS = {
    "connected": "green",
    "provisioned": "bold green",
    "disconnected": "yellow",
    "refused": "red",
    "handshake_failed": "red",
    "provisioning_rejected": "red",
    "subscription_refused": "red",
    "qos_2_unanswered": "red",
    "api_failed": "bold red",
    "service_failed": "bold red",
    "published": "cyan",
    "api": "blue",
    "s3": "blue",
    "download": "cyan",
    "download_refused": "yellow",
}
_QUIET = {"opened", "listening", "stopped"}  # the connections that matter are told when they are "connected"
_NOTHING = (None, False, "", 0, [])
_LONGEST = 200


class Screen:
    def __init__(self, console: Console, tells_events: bool = True):
        self._console = console
        self._tells_events = tells_events
        self._is_introduced = False

    def log(self, event: str, **details: object) -> None:
        """One line for one event, once the introduction was shown (`interfaces.Log`). May be called from any thread."""
        if not self._is_introduced or not self._tells_events or event in _QUIET:
            return
        line = Text(time.strftime("%H:%M:%S  "), style="dim")
        line.append(f"{event.replace('_', ' '):<22}", style=_COLOURS.get(event, "default"))
        for name, value in details.items():
            if value not in _NOTHING:
                line.append(f"  {name}=", style="dim")
                line.append(_shortened(name, value))
        self._console.print(line, soft_wrap=True)

    def introduce(self, cloud: LocalCloud, kit: Kit | None) -> None:
        """Where everything is, and lines to paste."""
        aws = f"aws --endpoint-url {cloud.control_url} --region {cloud.region} --no-sign-request iot"
        self._console.print(
            Panel(
                f"MQTT over TLS   {cloud.endpoint}:{cloud.mqtt_port}\n"
                f"MQTT over WSS   wss://{cloud.endpoint}:{cloud.https_port}/mqtt   (signed; both keys: {ACCESS_KEY})\n"
                f"Control plane   {cloud.control_url}   (needs no credentials)\n"
                f"Files           https://{cloud.endpoint}:{cloud.files_port}   (S3's API: the control plane)\n"
                f"Trusted root    {_shown(cloud.ca_file)}\n"
                f"State           {_shown(cloud.folder)}   (remove it to start over)",
                title="The local AWS IoT",
                expand=False,
            )
        )
        self._suggest("Ask it, with the aws command line:", f"{aws} list-things")
        if kit is not None:
            self._suggest_kit(cloud, kit)
        self._suggest("A dashboard's URL, signed for a day (MQTT.js and any other):", cloud.websocket_url())
        self._suggest(
            "Let something go wrong, typed here, or from another terminal:",
            "fault no_puback --packets 2",
            'make cloud ARGS="fault no_puback --packets 2"',
        )
        self._console.print("faults lists all kinds, heal ends them. Ctrl-C ends it all.\n", style="dim")
        self._is_introduced = True

    def _suggest_kit(self, cloud: LocalCloud, kit: Kit) -> None:
        client = (
            f"-h {cloud.endpoint} -p {cloud.mqtt_port} --cafile {_shown(cloud.ca_file)} "
            f"--cert {_shown(kit.operator_certificate)} --key {_shown(kit.operator_key)}"
        )
        simulator = "make sim"  # which finds the cloud of this checkout by itself
        if cloud.folder != ROOT / ".cloud":
            simulator = f'make sim ARGS="--settings {_shown(kit.settings)} --cloud {cloud.control_url}"'
        self._suggest("A simulated device that provisions itself here:", simulator)
        if cloud.endpoint != "localhost":
            options = f"--endpoint-url {cloud.control_url} --ca {_shown(cloud.ca_file)} --name boards"
            self._suggest(
                "A board in this network:",
                f'make fleet ARGS="{options} --wifi NETWORK:PASSWORD"',
                'make flash PORT=/dev/ttyUSB0 ARGS="--settings settings.json"',
            )
        self._suggest("Listen to all devices:", f"mosquitto_sub -i operator {client} -v -t 'devices/#'")
        self._suggest(
            "Tell one something:", f"mosquitto_pub -i operator-2 {client} -q 1 -t devices/NAME/command -m '{{}}'"
        )

    def _suggest(self, what: str, *commands: str) -> None:
        self._console.print(what, style="dim")
        for command in commands:
            # Never wrapped: a line that is to be pasted must stay one line.
            self._console.print(Text(f"  {command}"), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


def _shown(path: Path) -> str:
    """The shorter of the path and the way there from here."""
    relative = os.path.relpath(path)
    return min(relative, str(path.absolute()), key=len)


def _shortened(name: str, value: object) -> str:
    """Names come from devices: nothing in them may move the cursor, or fill the screen."""
    text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    if name == "certificate":
        return f"{text[:8]}..."
    return "".join(character if character.isprintable() else "?" for character in text[:_LONGEST])
