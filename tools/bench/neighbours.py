"""Other MQTT clients for MicroPython, measured in the same run against the same peer: beside ours in the table.

umqtt.simple where `MICROPYTHON_LIB=` names a checkout of micropython-lib (or `make deps` has fetched it), mqtt_as where
`MQTT_AS=` names one of peterhinch/micropython-mqtt. None of them is part of this repository.
"""

from __future__ import annotations

import os
from pathlib import Path

from tools import interpreter
from tools.bench.mqtt import ALLOCATIONS, ROOM, SPEEDS
from tools.bench.registry import measurement


def checkout_of_mqtt_as() -> Path | None:
    """The folder that holds the package `mqtt_as`; None without MQTT_AS. Raises MissingTool when it is not there."""
    named = os.environ.get("MQTT_AS")
    if not named:
        return None
    folder = Path(named).resolve()
    if not (folder / "mqtt_as" / "__init__.py").exists():
        raise interpreter.MissingTool(f"MQTT_AS={named} is no checkout of micropython-mqtt: it has no mqtt_as/")
    return folder


def neighbours() -> dict[str, tuple[str, Path | None]]:
    """{name: (argument of device/neighbour.py, folder to look for it)} of those that are here."""
    found = {}
    if interpreter.packages_in_use()["umqtt.simple"] != "stand-in":
        found["umqtt.simple"] = ("umqtt", None)
    if (folder := checkout_of_mqtt_as()) is not None:
        found["mqtt_as"] = ("mqtt_as", folder)
    return found


def _can(client: str, arguments: tuple) -> bool:
    """Whether there is such a thing: umqtt.simple has no second message on its way, only ours has a ring buffer."""
    return arguments[-1] != "ring" and (client != "umqtt" or arguments[-1] in (1, "handler"))


def _register(name: str, client: str, folder: Path | None) -> None:
    for row, what, arguments in SPEEDS:
        for transport in ("tcp", "tls"):
            if _can(client, arguments):
                _speed(f"{row}.{transport}@{name}", f"{what}, {transport.upper()}: {name}", client, folder, arguments)
    for row, what, arguments in ALLOCATIONS:
        if _can(client, arguments):
            _allocation(f"{row}@{name}", f"{what}: {name}", client, folder, arguments)


def _speed(name, what, client, folder, arguments):
    transport = name.split("@")[0].rpartition(".")[2]

    @measurement(name, what, "messages/s", repeat=False)
    def _(desk):
        port = desk.port(transport == "tls")
        return desk.run("neighbour", client, port, transport, "speed", *arguments, heap="1M", lib=folder)["per_s"]


def _allocation(name, what, client, folder, arguments):
    @measurement(name, what, "bytes", less_is_better=True, repeat=False)
    def _(desk):
        return desk.run("neighbour", client, desk.port(), "tcp", "bytes", *arguments, heap=ROOM, lib=folder)["bytes"]


for _name, (_client, _folder) in neighbours().items():
    _register(_name, _client, _folder)
