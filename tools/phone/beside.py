"""A simulated device beside the page: factory-new, in CONFIG, its firmware unchanged, with a cloud that it can reach.

Browsers and bleak of this machine reach it through a small org.bluez on a D-Bus of its own: nothing of the machine's
own Bluetooth is touched.
"""

import json
import re
from contextlib import ExitStack, suppress
from pathlib import Path

from tools.desk import ENDPOINT, PASSWORD, SSID, Desk
from tools.interpreter import ROOT
from tools.sim.radio import dbus_daemon, rendezvous
from tools.sim.radio.bluez import BlueZ

FOLDER = ROOT / ".phone"  # what a person gives the page: files, as AWS names them

_BOOT_S = 40
_OTHERS = (("guests", None, -74), ("workshop", "another password", -83))


class Beside:
    """A context manager. `settings`: fields of the factory's /settings.json. Raises MissingTool without dbus-daemon.

    `environment`: what a client of the simulated radio needs to be set. `desk`: cloud, router and device. `name` and
    `code`: what the device's label says. `files`: certificate, key and root.
    """

    def __init__(self, on_line=None, settings=None, folder=FOLDER):
        self._on_line = on_line
        self._settings = settings
        self._folder = Path(folder)
        self._stack = ExitStack()

    def __enter__(self):
        dbus_daemon.require()  # first, to fail early
        with ExitStack() as stack:
            self.desk = stack.enter_context(Desk(on_line=self._on_line, cloud={"fast_keys": True}))
            for name, password, rssi in _OTHERS:
                self.desk.world.access_point(name, password, rssi=rssi)
            bluez = stack.enter_context(BlueZ(self.desk.world.radio))
            self.environment = bluez.environment
            stack.enter_context(rendezvous.offered(bluez))
            stack.callback(self._remove_files)
            self.files = self._write_files()
            self.start_anew()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    @property
    def needed(self):
        """What a person is asked for: [(what, value)]."""
        return [
            ("Wi-Fi", f"{SSID}, password: {PASSWORD}"),
            ("endpoint", ENDPOINT),
            ("template", self.desk.fleet.template),
            ("files", str(self._folder)),
        ]

    def start_anew(self):
        """A factory-new device, which waits for its settings."""
        device = self.desk.device
        device.power_cut()
        device.erase()
        device.forget_lines()  # those of the device that it was
        if self._settings:
            device.write_file("/settings.json", json.dumps({"schema": 1, **self._settings}))
        device.power_on()
        self.name = re.search("'(.+)'", device.wait_for("CONFIG: '.+' can be configured", _BOOT_S))[1]
        self.code = re.search("setup code ([A-Z2-7-]+)", device.wait_for("CONFIG: setup code", _BOOT_S))[1]

    def _write_files(self):
        self._folder.mkdir(exist_ok=True)
        fleet = self.desk.fleet
        contents = {
            "claim-certificate.pem.crt": fleet.claim_cert_pem,
            "claim-private.pem.key": fleet.claim_key_pem,
            "root-CA.pem": Path(self.desk.cloud.ca_file).read_text(encoding="ascii"),
        }
        for name, text in contents.items():
            (self._folder / name).touch(mode=0o600)
            (self._folder / name).write_text(text, encoding="ascii")
        return [self._folder / name for name in contents]

    def _remove_files(self):
        for path in self.files:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody has put more into it
            self._folder.rmdir()
