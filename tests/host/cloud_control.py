"""What the tests of the control plane share: a cloud whose clock they set, and devices that speak MQTT to it."""

from __future__ import annotations

import json
import queue
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

import paho.mqtt.client as paho

TIMEOUT_S = 20


class WallClock:
    """Unix time that can be put forward."""

    def __init__(self):
        self._ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds


class Refused(Exception):
    """The cloud let the device not in."""


class Device:
    """A paho client with a certificate. Waits have a timeout. `will` is a topic and a payload."""

    def __init__(
        self,
        cloud,
        folder: Path,
        client_id: str,
        cert_pem: str,
        key_pem: str,
        *,
        clean_session: bool = True,
        will: tuple[str, bytes] | None = None,
    ):
        pair = folder / f"{client_id}.pem"
        pair.write_text(key_pem + cert_pem)
        context = ssl.create_default_context(cafile=cloud.ca_file)
        context.load_cert_chain(pair)
        self._cloud = cloud
        self._client_id = client_id
        self._arrived: queue.Queue = queue.Queue()
        self._connected: Future = Future()
        self._ended: Future = Future()
        version = paho.CallbackAPIVersion.VERSION2
        self._client = paho.Client(version, client_id, clean_session, reconnect_on_failure=False)
        if will is not None:
            self._client.will_set(*will, qos=1)
        self._client.tls_set_context(context)
        self._client.on_connect = lambda client, data, flags, reason, properties: self._connected.set_result(reason)
        self._client.on_disconnect = lambda client, data, flags, reason, properties: self._end(reason)
        self._client.on_message = lambda client, data, message: self._arrived.put((message.topic, message.payload))
        self._suback: queue.Queue = queue.Queue()
        self._client.on_subscribe = lambda client, data, mid, reasons, properties: self._suback.put(reasons)

    def __enter__(self) -> Device:
        """Connect. Raises Refused, and ssl.SSLError for a server that is not to be trusted."""
        self._client.connect(self._cloud.endpoint, self._cloud.mqtt_port)
        self._client.loop_start()
        reason = self._connected.result(TIMEOUT_S)
        if reason.is_failure:
            raise Refused(str(reason))
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def _end(self, reason: object) -> None:
        self._ended.set_result(reason)
        if not self._connected.done():
            self._connected.set_exception(Refused(str(reason)))

    def subscribe(self, *topics: str) -> None:
        self._client.subscribe([(topic, 1) for topic in topics])
        self._suback.get(timeout=TIMEOUT_S)

    def try_to_subscribe(self, topic_filter: str) -> None:
        """Without waiting for an acknowledgement."""
        self._client.subscribe(topic_filter, 1)

    def publish(self, topic: str, payload: bytes | str = b"") -> None:
        """Publish and wait for the acknowledgement."""
        self._client.publish(topic, payload, 1).wait_for_publish(TIMEOUT_S)

    def send(self, topic: str, payload: bytes | str = b"") -> None:
        """Publish without an acknowledgement."""
        self._client.publish(topic, payload, 0)

    def send_all(self, messages: Iterable[tuple[str, str]]) -> None:
        """Publish without acknowledgements, and wait until all have left."""
        for sent in [self._client.publish(topic, payload, 0) for topic, payload in messages]:
            sent.wait_for_publish(TIMEOUT_S)

    def message(self) -> tuple[str, bytes]:
        return self._arrived.get(timeout=TIMEOUT_S)

    def has_message(self) -> bool:
        return not self._arrived.empty()

    def settle(self) -> None:
        """Drop what was sent to this device until now: a thing's own message comes after all of it."""
        topic = f"devices/{self._client_id}/settled"
        self.subscribe(topic)
        self.publish(topic)
        while self.message()[0] != topic:
            pass

    def wait_for_end(self) -> None:
        """Until the cloud has closed the connection."""
        self._ended.result(TIMEOUT_S)

    # ---- fleet provisioning ----

    def ask(self, topic: str, request: object) -> dict:
        """Publish a request and return the answer, with `_end` "accepted" or "rejected"."""
        self.subscribe(f"{topic}/accepted", f"{topic}/rejected")
        self.publish(topic, request if isinstance(request, (bytes, str)) else json.dumps(request))
        answered, payload = self.message()
        return {**json.loads(payload), "_end": answered.rpartition("/")[2]}

    def create_keys(self) -> dict:
        return self.ask("$aws/certificates/create/json", {})

    def provision(self, token: str, template: str = "fleet", **parameters: str) -> dict:
        request = {"certificateOwnershipToken": token, "parameters": parameters}
        return self.ask(f"$aws/provisioning-templates/{template}/provision/json", request)


def error_code(raised) -> str:
    """The code of the botocore ClientError that pytest.raises has caught."""
    return raised.value.response["Error"]["Code"]
