"""Where a measurement is taken: MicroPython processes that run a program of `device/`, with a peer to talk to."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import ssl
import subprocess
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools import interpreter
from tools.bench.images import Images
from tools.bench.peer import Peer

PROGRAMS = Path(__file__).resolve().parent / "device"
HOST = "peer.bench"
TIMEOUT_S = 120


class Failed(Exception):
    """A program of the device did not come to its end; the message is what it printed."""


class Desk:
    """Runs programs; `lib` is the folder with the firmware (sources, or compiled), `heap` what they may use."""

    def __init__(self, lib: Path = interpreter.LIB, heap: str = "256k"):
        self.lib = lib
        self.heap = heap
        self._cleanup = contextlib.ExitStack()
        self._folder: Path | None = None
        self._peers: dict[bool, Peer] = {}
        self._images: Images | None = None
        self._server: ssl.SSLContext | None = None

    def __enter__(self) -> Desk:
        self._folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def port(self, tls: bool = False) -> int:
        """The port of the peer, which is started when it is first wanted."""
        if tls not in self._peers:
            context = self._context() if tls else None
            self._peers[tls] = self._cleanup.enter_context(Peer(context))
        return self._peers[tls].port

    def _context(self) -> ssl.SSLContext:
        # One for all servers: programs know one root.
        if self._server is None:
            self._server = _server_context(self._folder)
        return self._server

    def images(self) -> int:
        """The port of the server of images, which is started when it is first wanted."""
        if self._images is None:
            self._images = self._cleanup.enter_context(Images(self._context()))
        return self._images.port

    def run(self, program: str, *arguments: object, heap: str | None = None, lib: Path | None = None) -> dict:
        """What `device/<program>.py` printed as its last line: a JSON object. Raises `Failed`."""
        folders = [*interpreter.package_folders(), lib or self.lib]
        environment = dict(os.environ, MICROPYPATH=os.pathsep.join([*map(str, folders), ".frozen"]))
        command = [interpreter.micropython(), "-X", f"heapsize={heap or self.heap}", PROGRAMS / f"{program}.py"]
        try:
            done = subprocess.run(
                [*map(str, command), *map(str, arguments)],
                cwd=self._folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{program} {arguments}: not finished after {TIMEOUT_S} s") from None
        lines = done.stdout.splitlines()
        if done.returncode or not lines:
            raise Failed(f"{program} {arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(lines[-1])


def _server_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 with a certificate for HOST; its root is left as `root` (DER) in the folder, where programs find it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "root").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pem)
    return context
