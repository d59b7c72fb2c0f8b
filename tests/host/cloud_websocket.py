"""What the tests of MQTT over WebSockets share: signing as AWS's libraries do, and frames by hand."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.host.cloud_desk import TIMEOUT_S
from tools.cloud import client_packets
from tools.cloud.packets import CONNACK, Splitter

SERVICE = "iotdevicegateway"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def presigned(cloud, key="local", secret="local", region=None, service=SERVICE, expires_s=60, token=None) -> str:
    """A wss:// URL, signed by botocore."""
    request = AWSRequest("GET", f"wss://localhost:{cloud.https_port}/mqtt")
    SigV4QueryAuth(Credentials(key, secret, token), service, region or cloud.region, expires_s).add_auth(request)
    return request.prepare().url


def signed_headers(cloud, secret="local") -> dict[str, str]:
    """The headers that botocore signs a request with."""
    request = AWSRequest("GET", f"wss://localhost:{cloud.https_port}/mqtt")
    SigV4Auth(Credentials("local", secret), SERVICE, cloud.region).add_auth(request)
    return dict(request.headers)


def trusting(cloud) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=cloud.ca_file)


class Opening:
    """A request for a WebSocket, and what is answered."""

    def __init__(self, cloud, target: str, headers: dict[str, str] | None = None, subprotocol: str = "mqtt"):
        connection = http.client.HTTPSConnection(
            "localhost", cloud.https_port, timeout=TIMEOUT_S, context=trusting(cloud)
        )
        asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        asked |= {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Protocol": subprotocol}
        connection.request("GET", target, headers=asked | (headers or {}))
        self.socket = connection.sock  # which http.client closes when the answer has no body
        self.response = connection.getresponse()
        self.status, self.error = self.response.status, self.response.headers.get("x-amzn-ErrorType")

    def close(self) -> None:
        self.response.close()
        self.socket.close()


class Frames:
    """A WebSocket by hand: what it sends is what it is told, frame by frame."""

    def __init__(self, cloud):
        url = urlsplit(cloud.websocket_url())
        self._opening = Opening(cloud, f"{url.path}?{url.query}")
        assert (self._opening.status, self._opening.response.headers["Sec-WebSocket-Protocol"]) == (101, "mqtt")
        self._file = self._opening.response.fp
        self._splitter = Splitter(1 << 20, allowed=None)
        self._packets: list[tuple[int, bytes]] = []

    def connect(self, client_id: str, *more: bytes) -> Frames:
        """CONNECT, and what else is to be in its frame; CONNACK is awaited."""
        self.send(BINARY, b"".join((client_packets.connect(client_id), *more)))
        assert self.packet() == (CONNACK, b"\0\0")
        return self

    def close(self) -> None:
        self._opening.close()

    def send(self, opcode: int, payload: bytes, fin: bool = True) -> None:
        self.send_head(opcode, len(payload), fin)
        self.send_bytes(payload)

    def send_head(self, opcode: int, length: int, fin: bool = True) -> None:
        """The head of a frame that is as long as this; its mask of zeros leaves the payload as it is."""
        size = bytes((0x80 | length,)) if length < 126 else b"\xff" + length.to_bytes(8, "big")
        self.send_bytes(bytes((fin << 7 | opcode,)) + size + bytes(4))

    def send_bytes(self, data: bytes) -> None:
        """Whatever they are."""
        self._opening.socket.sendall(data)

    def frame(self) -> tuple[int, bytes]:
        """The next frame of the broker: opcode and payload."""
        first, length = self._file.read(2)
        if length == 126:
            length = int.from_bytes(self._file.read(2), "big")
        elif length == 127:
            length = int.from_bytes(self._file.read(8), "big")
        return first & 15, self._file.read(length)

    def packet(self) -> tuple[int, bytes]:
        """The next packet, out of binary frames only."""
        while not self._packets:
            opcode, payload = self.frame()
            assert opcode == BINARY, f"frame {opcode}: {payload!r}"
            self._packets += self._splitter.feed(payload)
        return self._packets.pop(0)

    def close_code(self) -> int:
        """Of the close frame, which has to be the next one."""
        opcode, payload = self.frame()
        assert opcode == CLOSE, f"frame {opcode}"
        return int.from_bytes(payload[:2], "big")
