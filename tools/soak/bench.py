"""The cloud of a soak, which falls over now and then; its operator, who talks with the devices; and the devices."""

import json
import random
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import paho.mqtt.client as mqtt

from tools.cloud import LocalCloud, interference, packets
from tools.cloud.recipes import create_fleet, create_operator, create_thing
from tools.sim import Board, World
from tools.soak.ledger import Ledger

ENDPOINT = "local-ats.iot.local-1.amazonaws.com"
APPLICATION = Path(__file__).with_name("application.py")

# The firmware's own time-outs, the shortest that are sound on a busy machine: more happens in a minute.
_TIMEOUTS = {
    "join_s": 5, "address_s": 3, "dns_s": 1, "ntp_s": 1, "connect_s": 5, "connack_s": 3, "ack_s": 2, "keepalive_s": 30,
    "stable_s": 5, "backoff_s": 1, "backoff_cap_s": 10, "refused_s": 1, "drain_s": 1, "start_uptime_s": 10,
}  # fmt: skip
# Power cuts come in rows that no crash loop has; a link that is gone for long fills the outbox, which may not drop.
_LIMITS = {"starts": 100, "outbox_messages": 300, "outbox_bytes": 250000}
_PADDINGS = (0, 5, 300, 2500)  # bytes of what the operator says
_TELL_EVERY_S = 0.8
_PORTS = (20000, 32768)  # below those that Linux gives to connections
_PORT_S = 15
_PORT_LOOK_S = 0.5


class Cloud:
    """A `LocalCloud` that is stopped and started beside its users. `up`: whether it is there."""

    def __init__(self, folder):
        ports = [_port() for _ in range(4)]
        self._cloud = LocalCloud(folder, *ports, endpoint=ENDPOINT, names=["localhost"], fast_keys=True)
        self._lock = threading.Lock()
        self.faults = self._cloud.faults
        self.up = False

    def __enter__(self):
        self._cloud.__enter__()
        self.up = True
        return self._cloud

    def __exit__(self, *exception):
        return self._cloud.__exit__(*exception)

    def stop(self):
        """Close all connections and ports; sessions are kept."""
        with self._lock:
            self.up = False
            self._cloud.stop()

    def start(self):
        """Anew, on the same ports. Raises OSError when another program has taken one, and keeps it."""
        with self._lock:
            deadline = time.monotonic() + _PORT_S
            while not self._cloud.is_running:
                try:
                    self._cloud.start()
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(_PORT_LOOK_S)
            self.up = True

    def close_connections(self, client_id):
        """Of one client, if the cloud is there."""
        with self._lock:
            if self._cloud.is_running:
                self._cloud.interfere(interference.disconnect, client_id)


def _port():
    """A free port that no connection is given by chance while the cloud is down."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = random.randrange(*_PORTS)
            probe.bind(("127.0.0.1", port))
            return port


class Operator(threading.Thread):
    """Hears all that arrives from the devices, and tells each of them a numbered message, again and again."""

    def __init__(self, cloud, folder, ledgers):
        super().__init__(name="operator", daemon=True)
        self._ledgers = ledgers
        self._ending = threading.Event()
        self._asked = []  # (paho's promise, ledger, number)
        self._number = 0
        credentials = create_operator(cloud.iot())
        cert, key = folder / "operator.crt", folder / "operator.key"
        cert.write_text(credentials.cert_pem)
        key.touch(mode=0o600)
        key.write_text(credentials.key_pem)
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="operator", clean_session=False)
        client.tls_set(str(cloud.ca_file), str(cert), str(key))
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda client, *_: client.subscribe("devices/+/up", qos=1)
        client.on_message = self._received
        client.connect("localhost", cloud.mqtt_port)
        client.loop_start()
        self._client = client

    def run(self):
        """Tell, until `quiet`."""
        while not self._ending.wait(_TELL_EVERY_S):
            self._tell()
            self._note()

    def _tell(self):
        if not self._client.is_connected():
            return
        self._number += 1
        size = _PADDINGS[self._number % len(_PADDINGS)]
        payload = f"{self._number} {size} {'x' * size}"
        for ledger in self._ledgers.values():
            asked = self._client.publish(f"devices/{ledger.name}/down", payload, qos=1)
            self._asked.append((asked, ledger, self._number))

    def _note(self):
        for asked, ledger, number in self._asked:
            if asked.is_published():
                ledger.told(number)
        self._asked = [each for each in self._asked if not each[0].is_published()]

    def _received(self, _client, _userdata, message):
        ledger = self._ledgers.get(message.topic.split("/")[1])
        if ledger is not None:
            ledger.arrived(message.payload)

    def quiet(self):
        """Tell nothing more; what the cloud has taken is noted."""
        self._ending.set()
        self.join()
        deadline = time.monotonic() + 10
        while self._asked and time.monotonic() < deadline:
            time.sleep(0.1)
            self._note()

    def close(self):
        self._ending.set()
        self._client.disconnect()
        self._client.loop_stop()


class Subject:
    """One device, its own world, its ledger. `log`: a file that gets its console, and what befalls it."""

    def __init__(self, folder, name, cloud, log):
        self.name = name
        self.cloud = cloud
        self.ledger = Ledger(name)
        self.befallen = []  # what, in words
        self.returns_s = []  # how long it took to come back
        self._log = log
        self._begin = time.monotonic()
        self.world = World()
        self.home = self.world.access_point("home", "password", rssi=-52)
        self.board = Board(folder / name, self.world, main=APPLICATION, on_line=self._line)

    def _line(self, text):
        self.note(text)
        self.ledger.line(text)

    def note(self, text):
        """A line for the log."""
        with suppress(ValueError):  # it is closed: the soak is over
            self._log.write(f"{time.monotonic() - self._begin:8.2f}  {text}\n")

    def close(self):
        self.board.stop()
        self.world.close()


class Bench:
    """A context manager: `cloud` (a `Cloud`), `operator`, `subjects`, which are switched on. Logs go to `logs`."""

    def __init__(self, devices, logs):
        self._devices = devices
        self._logs = logs
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="awsesp-soak-")))
            self._logs.mkdir(parents=True, exist_ok=True)
            self.cloud = Cloud(folder / "cloud")
            local = stack.enter_context(self.cloud)
            policy = create_fleet(local.iot()).thing_policy
            self.subjects = []
            for number in range(1, self._devices + 1):
                self.subjects.append(self._make(stack, local, folder, f"soak-{number}", policy))
            self._ledgers = {subject.name: subject.ledger for subject in self.subjects}
            local.tap(self._heard)
            self.operator = Operator(local, folder, self._ledgers)
            stack.callback(self.operator.close)
            for subject in self.subjects:
                subject.board.power_on()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def _make(self, stack, local, folder, name, policy):
        log = stack.enter_context((self._logs / f"{name}.log").open("w", encoding="utf-8", buffering=1))
        subject = Subject(folder, name, self.cloud, log)
        stack.callback(subject.close)
        subject.world.name(ENDPOINT, local.mqtt_port)
        credentials = create_thing(local.iot(), name, policy)
        subject.board.write_file("/settings.json", json.dumps(_settings(name, local, credentials)))
        return subject

    def _heard(self, connection, first, body):
        """In the cloud's thread: which message a device's PUBACK is for."""
        ledger = self._ledgers.get(connection.client_id)
        if ledger is None or first != packets.PUBACK or connection.session is None:
            return
        message = dict(connection.session.backlog()).get(packets.decode_packet_id(body))
        if message is not None and message.topic.endswith("/down"):
            ledger.acknowledged(int(message.payload.split(b" ")[0]))


def _settings(name, local, credentials):
    return {
        "schema": 1,
        "networks": [{"ssid": "home", "password": "password"}],
        "aws": {"endpoint": ENDPOINT, "thing": name, "status": "devices/{thing}/status"},
        "outbox": {"place": "flash", "when_full": "refuse"},
        "limits": _LIMITS,
        "timeouts": _TIMEOUTS,
        "certs": [
            {"role": "ca", "cert": local.ca_file.read_text()},
            {"role": "thing", "cert": credentials.cert_pem, "key": credentials.key_pem},
        ],
    }
