"""What the tests of the broker share: a client that speaks raw MQTT, a registry in memory, certificates, a clock."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools.cloud import client_packets
from tools.cloud.client_packets import connect
from tools.cloud.interfaces import Identity, Thing
from tools.cloud.open_broker import EVERYTHING, BrokerThread, OpenRegistry
from tools.cloud.packets import CONNACK, DISCONNECT_PACKET, PUBLISH, SUBACK, Publish, Splitter, decode_publish, puback

TIMEOUT_S = 10.0
ARN = "arn:aws:iot:us-east-1:123456789012"


class RawClient:
    """MQTT by hand over one socket. Every wait has a timeout; the end of the stream reads as None."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._splitter = Splitter(1 << 20, allowed=None)
        self._arrived: list[tuple[int, bytes]] = []

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(packets))

    def packet(self) -> tuple[int, bytes] | None:
        """The next packet, or None when the broker has closed the connection."""
        while not self._arrived:
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                return None
            if not data:
                return None
            self._arrived += self._splitter.feed(data)
        return self._arrived.pop(0)

    def connect(self, client_id: str, **options) -> int:
        """CONNECT; the CONNACK's code is returned, `session_present` is kept."""
        self.send(connect(client_id, **options))
        first, body = self.packet()
        assert first == CONNACK
        self.session_present = bool(body[0])
        return body[1]

    def subscribe(self, *filters: tuple[str, int], packet_id: int = 1) -> list[int]:
        self.send(client_packets.subscribe(packet_id, *filters))
        first, body = self.packet()
        assert first == SUBACK
        assert int.from_bytes(body[:2], "big") == packet_id
        return list(body[2:])

    def message(self, acknowledge: bool = True) -> Publish:
        """The next packet, which has to be a PUBLISH."""
        first, body = self.packet()
        assert first & 0xF0 == PUBLISH, f"packet of type 0x{first:02x} instead of a message"
        message = decode_publish(first, body)
        if message.qos and acknowledge:
            self.send(puback(message.packet_id))
        return message

    def publish(self, topic: str, payload: bytes, qos: int = 0, packet_id: int = 1, retain: bool = False) -> None:
        """PUBLISH, without waiting for a PUBACK."""
        self.send(client_packets.publish(topic, payload, qos, packet_id, retain))

    def disconnect(self) -> None:
        """Take leave, and wait until the broker has closed: then it knows."""
        self.send(DISCONNECT_PACKET)
        assert self.packet() is None

    def is_closed(self) -> bool:
        """Does the broker close this connection without another packet?"""
        return self.packet() is None


class Clock:
    """A clock that stands until it is told how far to go."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk(BrokerThread):
    """A broker that the tests can watch: its log as a list, clients that are closed at the end."""

    def __init__(self, registry=None, services=(), limits=None, clock=None, tls=None):
        self.events: list[tuple[str, dict]] = []
        self._noted = threading.Condition()
        self.registry = registry or OpenRegistry()
        super().__init__(self.registry, services, limits, self._note, clock or time.monotonic)
        self._clients = contextlib.ExitStack()
        self._tls = tls

    def _note(self, event: str, **details: object) -> None:
        with self._noted:
            self.events.append((event, details))
            self._noted.notify_all()

    def wait_for(self, event: str, times: int = 1) -> dict:
        """Wait until the broker has logged `event` so often; its details are returned."""

        def found() -> list[dict]:
            return [details for name, details in self.events if name == event]

        with self._noted:
            assert self._noted.wait_for(lambda: len(found()) >= times, TIMEOUT_S), f"no {event} in {self.events}"
            return found()[-1]

    def client(self, client_id: str = "", tls: ssl.SSLContext | None = None, **options) -> RawClient:
        """A raw client; with a client id it is connected, too."""
        client = self._clients.enter_context(RawClient(self.port, tls))
        if client_id:
            assert client.connect(client_id, **options) == 0
        return client

    def restart(self) -> None:
        """Stop listening, close all connections, listen again at the same port."""
        self.wait(self.broker.stop())
        self.wait(self.broker.start(port=self.port, ssl_context=self._tls))

    def pass_time(self, seconds: float) -> None:
        """Let the broker's clock go on, and let it do what is due."""

        def go_on() -> None:
            self.broker.clock.now += seconds
            self.broker.sweep()

        self.call(go_on)

    def why(self, event: str) -> str:
        """The detail of the last `event` in the log."""
        return self.wait_for(event).get("detail", "")

    def __enter__(self) -> Desk:
        self.start(ssl_context=self._tls)
        return self

    def __exit__(self, *error: object) -> None:
        self._clients.close()
        self.stop()


class MemoryRegistry:
    """The control plane's part in a dict: certificate -> identity."""

    def __init__(self):
        self.identities: dict[str, Identity] = {}

    def connection(self, certificate_der: bytes) -> Identity | None:
        return self.identities.get(hashlib.sha256(certificate_der).hexdigest())

    def register(self, pair: Pair, *policies: dict, things: tuple[str, ...] = (), status: str = "ACTIVE") -> str:
        """Register a certificate, or change what is known of it; its id is returned."""
        certificate_id = hashlib.sha256(pair.der).hexdigest()
        self.identities[certificate_id] = Identity(
            certificate_id,
            f"{ARN}:cert/{certificate_id}",
            status,
            policies or (EVERYTHING,),
            tuple(Thing(name) for name in things),
        )
        return certificate_id

    def change(self, certificate_id: str, **changes) -> None:
        self.identities[certificate_id] = replace(self.identities[certificate_id], **changes)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files in PEM."""

    certificate: Path
    key: Path
    der: bytes


class Authority:
    """A certificate authority in a folder: EC P-256, valid for a day."""

    def __init__(self, folder: Path, name: str = "test CA"):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._certificate = self._sign(self._name, self._key.public_key(), ca=True)
        self.file = folder / f"{name}.pem".replace(" ", "-")
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, dns: str | None = None) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(_name(name), key.public_key(), dns=dns)
        pair = Pair(
            self._folder / f"{name}.crt",
            self._folder / f"{name}.key",
            certificate.public_bytes(serialization.Encoding.DER),
        )
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def server_context(self, pair: Pair) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        context.load_verify_locations(self.file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self, pair: Pair | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.file)
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context

    def _sign(self, subject: x509.Name, public_key, dns: str | None = None, ca: bool = False) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if ca:
            # Without the key identifiers and this, Python 3.13 takes no certificate of this authority.
            builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
        if dns is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
