"""A simulated board in a CONFIG of its own, and the command `configure` of a person beside it, through bleak.

The board's program is tests' own, so that every answer can be ordered; the real CONFIG is walked in tests/stories.
"""

import contextlib
import json
import os
import signal
import sys

from typer.testing import CliRunner

from tests.host.sim_desk import desk
from tests.host.terminal import Terminal
from tools.configure import cli
from tools.sim.radio.bluez import BlueZ

NAME = "esp-123456"
CODE = bytes.fromhex("00112233445566778899")
CODE_TEXT = "AAIS-EM2E-KVTH-PCEZ"

# Answers as a device in CONFIG does, and prints what it was told. `orders.json` on its flash says what goes wrong:
# {"APPLY": ["wrong_password", ...]}: errors for the next ones; "last": what STATE says of the attempt before;
# "returns": it is back after APPLY; "hangs_up": that message, once, ends the connection without an answer.
PROGRAM = f"""
import asyncio, errors, events, json
from ble.server import Ble

try:
    with open("/orders.json") as file:
        orders = json.load(file)
except OSError:
    orders = {{}}

APS = [{{"ssid": "home", "rssi": -50, "secure": True}}, {{"ssid": "guests", "rssi": -80, "secure": False}}]

async def handle(typ, message_id, dat):
    print("told", json.dumps([typ, dat]))
    if orders.get("hangs_up") == typ:
        orders["hangs_up"] = None
        await door._phone.disconnect()
    if orders.get(typ):
        code, *details = orders[typ].pop(0)
        raise errors.error(code, *details)
    if typ == "SCAN":
        await door.progress()
        return {{"aps": APS}}
    if typ == "STS":
        return {{"mode": "CONFIG", "version": "1.2.3", "thing": orders.get("thing"), "uptime_s": 5, "last": None}}
    if typ == "APPLY":
        await door.progress()
        await door.set_state("joining")
        await asyncio.sleep_ms(orders.get("joining_ms", 100))
        await door.set_state("restarting", 2)
        leave.set()
        return {{"code": 2}}
    if typ == "RESET":
        leave.set()

async def main():
    last = orders.get("last")
    while True:
        leave.clear()
        await door.set_state("waiting", 0, "", last)
        task = asyncio.create_task(door.run(lambda: None))
        await leave.wait()
        await door.gone(10000)
        task.cancel()
        print("off the air")
        await asyncio.sleep_ms(500)
        if not orders.get("returns"):
            return
        last = orders["returns"]

leave = asyncio.Event()
door = Ble(events.Bus(), "{NAME}", "esp32", "1.2.3", "SECURITY", {CODE!r}, handle)
asyncio.run(main())
"""


class ConfigureDesk:
    """`start(orders)` the board anew; `run(*options)` is a call without a terminal, `terminal(*options)` one in one."""

    def __init__(self, world, board, bluez):
        self.world, self.board, self.bluez = world, board, bluez
        self._environment = {**bluez.environment, "PYTHONUNBUFFERED": "1", "COLUMNS": "110", "TERM": "xterm"}

    def start(self, orders=None):
        self.board.power_cut()
        self.board.write_file("/orders.json", json.dumps(orders or {}))
        self.board.power_on()
        self._first = len(self.board.lines)

    @property
    def told(self):
        """[(typ, dat)] of what the device was asked to do since its start; when and who it is left out."""
        asked = [tuple(json.loads(line[5:])) for line in self.board.lines[self._first :] if line.startswith("told ")]
        return [(typ, dat) for typ, dat in asked if typ not in ("TIME", "STS")]

    def run(self, *options, stdin="", environment=None):
        """click's Result, with `exit_code` and `output`."""
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        try:
            environment = {**self._environment, **(environment or {})}
            return CliRunner().invoke(cli.app, list(map(str, options)), stdin, environment)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def terminal(self, *options):
        """A `Terminal` in which the command runs."""
        environment = {**os.environ, **self._environment}
        environment.pop("SETUP_CODE", None)
        return Terminal([sys.executable, "-m", "tools", "configure", *map(str, options)], environment)


@contextlib.contextmanager
def configure_desk(folder, security="code"):
    """A `ConfigureDesk` whose board is off."""
    with desk(folder, PROGRAM.replace("SECURITY", security)) as (world, board), BlueZ(world.radio) as bluez:
        world.radio.supervision_s = 0.3
        world.radio.interval_ms = 0
        yield ConfigureDesk(world, board, bluez)
