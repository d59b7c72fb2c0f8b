"""MQTT peers over TLS 1.2, each with one thing about it, and the certificates to go with them.

Environment: PORT_<NAME> for each server below. Files (DER) in the test's folder: root, other_root; server, rsa_server,
client, rsa_client and foreign, each with its key in <name>_key. The servers are called `broker.test`.
"""

import contextlib
import datetime
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tools.bench.peer import Peer

HOST = "broker.test"
DAY = datetime.timedelta(days=1)
DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM


class Authority:
    """A root, or an authority below one, and what it vouches for. `name`: a text, or an `x509.Name`."""

    def __init__(self, name, above=None, key=None, begin=-1, end=365, more=()):
        self.name = name if isinstance(name, x509.Name) else _named(name)
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        extensions = [(x509.BasicConstraints(ca=True, path_length=None), True), *more]
        self.certificate = (above or self)._sign(self.name, self.key, extensions, begin, end)

    def issue(self, name, key=None, begin=-1, end=365, names=(), more=()):
        """(certificate, key): valid from `begin` to `end` days from now; `names`: host names of a server.

        `more`: further extensions, each with whether it is critical.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(host) if isinstance(host, str) else host for host in names]
        extensions = [(x509.SubjectAlternativeName(names), False)] if names else []
        return self._sign(_named(name), key, [*extensions, *more], begin, end), key

    def _sign(self, subject, key, extensions, begin, end):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin * DAY)
            .not_valid_after(now + end * DAY)
        )
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, is_critical)
        return builder.sign(
            self.key, {384: hashes.SHA384(), 521: hashes.SHA512()}.get(self.key.key_size, hashes.SHA256())
        )


def _named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def key_bytes(key, encoding, form=serialization.PrivateFormat.TraditionalOpenSSL):
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def server_context(folder, pair, clients=None, above=()):
    """TLS 1.2 with this pair. `clients`: who vouches for clients; `above`: the authorities that are shown, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(_pem_file(folder, pair, above))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.certificate.public_bytes(DER))
    return context


def _pem_file(folder, pair, above=()):
    certificate, key = pair
    file = folder / f"server-{certificate.serial_number}.pem"
    chain = [certificate, *(authority.certificate for authority in above)]
    file.write_bytes(key_bytes(key, PEM) + b"".join(each.public_bytes(PEM) for each in chain))
    return file


def _as_aws(folder, of_rsa, of_ec):
    """A server with both pairs: RSA, or EC for who takes nothing else."""
    context = server_context(folder, of_rsa)
    context.load_cert_chain(_pem_file(folder, of_ec))
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _contexts(folder, root, other):
    good = root.issue("server", names=[HOST])
    newer = server_context(folder, root.issue("server", names=[HOST]), clients=root)
    newer.maximum_version = newer.minimum_version = ssl.TLSVersion.TLSv1_3
    of_rsa = root.issue("rsa", rsa.generate_private_key(65537, 2048), names=[HOST])
    of_rsa_elsewhere = other.issue("rsa", of_rsa[1], names=[HOST])
    return {
        "GOOD": server_context(folder, good, clients=root),
        "RSA": server_context(folder, of_rsa, clients=root),
        "EC_BESIDE_RSA": _as_aws(folder, of_rsa_elsewhere, good),  # root vouches for the second alone
        "RSA_BESIDE_EC": _as_aws(folder, of_rsa, other.issue("server", names=[HOST])),  # and here for the first
        "OTHER": server_context(folder, other.issue("server", names=[HOST]), clients=root),
        "EXPIRED": server_context(folder, root.issue("server", begin=-9, end=-2, names=[HOST])),
        "FUTURE": server_context(folder, root.issue("server", begin=2, names=[HOST])),
        "WRONG_NAME": server_context(folder, root.issue("server", names=["elsewhere.test"])),
        "TLS_1_3": newer,
        "PLAIN": None,
    }


def write_credentials(folder, root, other):
    pairs = {
        "server": root.issue("server", names=[HOST]),
        "rsa_server": root.issue("server", rsa.generate_private_key(65537, 2048), names=[HOST]),
        "client": root.issue("client"),
        "rsa_client": root.issue("rsa", rsa.generate_private_key(65537, 2048)),
        "foreign": other.issue("foreign"),
    }
    for name, (certificate, key) in pairs.items():
        (folder / name).write_bytes(certificate.public_bytes(DER))
        (folder / f"{name}_key").write_bytes(key_bytes(key, DER))
    (folder / "root").write_bytes(root.certificate.public_bytes(DER))
    (folder / "other_root").write_bytes(other.certificate.public_bytes(DER))


@contextlib.contextmanager
def _silent():
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def _pass_on(source, target, limit):
    """Bytes from one socket to the other until `limit` have passed; then both are cut."""
    with contextlib.suppress(OSError):
        while limit > 0 and (data := source.recv(min(limit, 4096))):
            target.sendall(data)
            limit -= len(data)
    for sock in (source, target):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _cut(port):
    """A network in front of the server at `port` that goes away in the middle of its certificate."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    client = listener.accept()[0]
                    server = socket.create_connection(("127.0.0.1", port))
                    for details in ((client, server, 1 << 20), (server, client, 300)):
                        threading.Thread(target=_pass_on, args=details, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@contextlib.contextmanager
def _blocked():
    """A port that does not even answer: its queue of connections is full, so the kernel drops what comes."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def companion(folder):
    root, other = Authority("root"), Authority("other root")
    write_credentials(folder, root, other)
    with contextlib.ExitStack() as stack:
        ports = {
            f"PORT_{name}": stack.enter_context(Peer(context)).port
            for name, context in _contexts(folder, root, other).items()
        }
        ports["PORT_CUT"] = stack.enter_context(_cut(ports["PORT_GOOD"]))
        ports["PORT_SILENT"] = stack.enter_context(_silent())
        ports["PORT_BLOCKED"] = stack.enter_context(_blocked())
        yield ports
