"""One test bench: a local AWS IoT that is watched, and the device under test, simulated or on the network."""

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tools.cloud import LocalCloud, interference
from tools.cloud.limits import Limits
from tools.cloud.recipes import create_fleet, create_thing
from tools.qualify.watch import Watch
from tools.sim import Board, World

THING = "device-under-test"
ENDPOINT = "local-ats.iot.local-1.amazonaws.com"
APPLICATION = Path(__file__).with_name("application.py")
_IN = f"devices/{THING}/in"

# The firmware's own time-outs, scaled so that the cases take minutes: with `scale` 1 they are the firmware's defaults.
DEFAULTS = {"connack_s": 6, "ack_s": 6, "stable_s": 30, "backoff_s": 2, "backoff_cap_s": 300, "connect_s": 15}
_GONE_S = 3  # for a connection to be closed
LEAST = {"connack_s": 2, "ack_s": 2, "stable_s": 5, "backoff_s": 1, "backoff_cap_s": 10, "connect_s": 3}


def timeouts(scale):
    """The device's time-outs at this scale, none below what its settings allow."""
    return {name: max(LEAST[name], round(value * scale)) for name, value in DEFAULTS.items()}


class Bench:
    """A cloud with the device's thing in it, and a `watch` on it. `cloud` options are those of LocalCloud."""

    def __init__(self, scale, host="127.0.0.1", port=0, endpoint=ENDPOINT, limits=None, folder=None):
        self.timeouts = timeouts(scale)
        self.watch = Watch(THING)
        self._stack = ExitStack()
        self._folder = folder
        self._options = {
            "host": host, "mqtt_port": port, "endpoint": endpoint, "names": [ENDPOINT], "fast_keys": True,
            "limits": limits or Limits(), "log": self.watch.log,
        }  # fmt: skip

    def __enter__(self):
        with ExitStack() as stack:
            folder = self._folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="awsesp-qualify-")))
            self.folder = Path(folder)
            self.cloud = stack.enter_context(LocalCloud(self.folder / "cloud", **self._options))
            self._furnish()
            self.cloud.tap(self.watch.packet)
            self._stack = stack.pop_all()
        return self

    def _furnish(self):
        fleet = create_fleet(self.cloud.iot())
        self.credentials = create_thing(self.cloud.iot(), THING, fleet.thing_policy)

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    @property
    def faults(self):
        return self.cloud.faults

    def settings(self, endpoint, networks=(), port=8883):
        """The document of /settings.json for the device under test."""
        return {
            "schema": 1,
            "networks": list(networks),
            "aws": {"endpoint": endpoint, "port": port, "thing": THING},
            "timeouts": dict(self.timeouts, keepalive_s=30, job_jitter_s=0),
            "certs": [
                {"role": "ca", "cert": self.cloud.ca_file.read_text()},
                {"role": "thing", "cert": self.credentials.cert_pem, "key": self.credentials.key_pem},
            ],
        }

    def say(self, payload, qos=1):
        """To the topic that the device listens to."""
        self.cloud.iot_data().publish(topic=_IN, qos=qos, payload=payload)

    def wait_until_taken(self, payload, since):
        """Until the device has acknowledged that, which was said to it. Raises TimeoutError."""

        def is_it(seen):
            return seen["topic"] == _IN and seen["size"] == len(payload)

        self.watch.wait_for("PUBACK", self.patience_s(), since, where=is_it)

    def patience_s(self):
        """Longer than the device needs from a lost connection to the next one, whatever its back-off has come to."""
        return self.timeouts["backoff_cap_s"] + self.timeouts["connect_s"] + self.timeouts["connack_s"] + 20


class SimulatedBench(Bench):
    """With a simulated ESP32, switched off until `start`."""

    def __enter__(self):
        super().__enter__()
        self.world = self._stack.enter_context(World())
        self.home = self.world.access_point("home", "password", rssi=-50)
        self.world.name(ENDPOINT, self.cloud.mqtt_port)
        self.device = self._stack.enter_context(Board(self.folder / "board", self.world, main=APPLICATION))
        networks = [{"ssid": "home", "password": "password"}]
        self.device.write_file("/settings.json", json.dumps(self.settings(ENDPOINT, networks)))
        return self

    def start(self):
        self.device.power_on()

    def console(self):
        return self.device.lines


class NetworkBench(Bench):
    """With a real board, which connects by itself: `settings_file` is what it must have been flashed with.

    The cloud is kept in `folder` from run to run, so that the board's settings hold.
    """

    @property
    def settings_file(self):
        return self.folder / "settings.json"

    def _furnish(self):
        address, port = self._options["endpoint"], self._options["mqtt_port"]
        if self.settings_file.exists():
            known = json.loads(self.settings_file.read_text(encoding="utf-8"))["aws"]
            if (known["endpoint"], known["port"]) == (address, port):
                return
            raise OSError(f"{self.folder} is for {known['endpoint']}, port {known['port']}: remove it to start over")
        super()._furnish()
        self.settings_file.touch(mode=0o600)
        self.settings_file.write_text(json.dumps(self.settings(address, port=port), indent=2), encoding="utf-8")

    def start(self):
        """It is on already: its connection and its session end, and nothing has been seen before what comes now."""
        refusal = self.faults.order("refuse")
        self.cloud.interfere(interference.disconnect, THING)
        deadline = time.monotonic() + _GONE_S
        while not self.cloud.interfere(interference.expire_session, THING) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.watch.forget()
        refusal.cancel()

    def console(self):
        return []
