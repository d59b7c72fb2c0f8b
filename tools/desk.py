"""One desk with all on it: a local AWS IoT, a fleet in it, a simulated ESP32, an operator. For demo, stories, bench."""

import json
import queue
import ssl
import tempfile
from contextlib import ExitStack
from pathlib import Path

import paho.mqtt.client as mqtt

from tools.cloud import LocalCloud
from tools.cloud.recipes import create_fleet, create_operator
from tools.sim import Board, World

SSID = "home"
PASSWORD = "correct horse battery"
ENDPOINT = "local-ats.iot.local-1.amazonaws.com"
FILES = "s3.local-1.amazonaws.com"


class Operator:
    """A second client in the cloud, with its own certificate: reads what the device says, and tells it things."""

    def __init__(self, cloud, credentials, folder):
        cert, key = folder / "operator.crt", folder / "operator.key"
        cert.write_text(credentials.cert_pem)
        key.touch(mode=0o600)
        key.write_text(credentials.key_pem)
        self._messages = queue.Queue(maxsize=1000)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="operator")
        self._client.tls_set(str(cloud.ca_file), str(cert), str(key), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._client.on_connect = lambda client, *_: client.subscribe("devices/#", qos=1)
        self._client.on_message = self._received
        self._client.connect("localhost", cloud.mqtt_port)
        self._client.loop_start()

    def _received(self, _client, _userdata, message):
        if not self._messages.full():
            self._messages.put_nowait((message.topic, _decoded(message.payload)))

    def next_message(self, timeout_s=30):
        """(topic, decoded JSON, or bytes of anything else) of the next message under devices/. Raises TimeoutError."""
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"no message from the device in {timeout_s} s") from None

    def forget(self):
        """Drop what has arrived and was not read."""
        while not self._messages.empty():
            self._messages.get_nowait()

    def tell(self, thing, document):
        """Publish a command and wait until the broker has it."""
        self._client.publish(f"devices/{thing}/command", json.dumps(document), qos=1).wait_for_publish(10)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def _decoded(payload):
    try:
        return json.loads(payload)
    except ValueError:  # raised where it arrives, it would end the thread that hears
        return payload


class Desk:
    """A context manager that opens all of it, and closes all of it, whatever happens.

    `cloud`, `fleet` (recipes.create_fleet), `world`, `home` (the access point), `device` (switched off, flash empty).
    `on_line` hears the device's console; `board` is handed to `Board`, `cloud` to `LocalCloud`.
    """

    def __init__(self, on_line=None, board=None, cloud=None):
        self._board_options = dict(board or {}, on_line=on_line)
        self._cloud_options = cloud or {}
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="awsesp-desk-")))
            cloud = LocalCloud(self.folder / "cloud", names=[ENDPOINT], files=FILES, **self._cloud_options)
            self.cloud = stack.enter_context(cloud)
            self.fleet = create_fleet(self.cloud.iot())
            self.world = stack.enter_context(World())
            self.home = self.world.access_point(SSID, PASSWORD, rssi=-52)
            self.world.name(ENDPOINT, self.cloud.mqtt_port)
            self.world.name(FILES, {443: self.cloud.files_port})
            self.device = stack.enter_context(Board(self.folder / "board", self.world, **self._board_options))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def operator(self):
        """An `Operator`, closed with the desk."""
        operator = Operator(self.cloud, create_operator(self.cloud.iot()), self.folder)
        self._stack.callback(operator.close)
        return operator

    def factory_settings(self, **changes):
        """The document of /settings.json as a factory writes it: Wi-Fi, endpoint, template, claim, trusted root."""
        document = {
            "schema": 1,
            "hardware": "esp32",
            "networks": [{"ssid": SSID, "password": PASSWORD}],
            "aws": {"endpoint": ENDPOINT, "template": self.fleet.template},
            "app": {"every_s": 2},
            "certs": [
                {"role": "ca", "cert": Path(self.cloud.ca_file).read_text()},
                {"role": "claim", "cert": self.fleet.claim_cert_pem, "key": self.fleet.claim_key_pem},
            ],
        }
        return dict(document, **changes)

    def leave_factory(self, **changes):
        """Put the factory's settings on the device, while it is off."""
        self.device.write_file("/settings.json", json.dumps(self.factory_settings(**changes)))
