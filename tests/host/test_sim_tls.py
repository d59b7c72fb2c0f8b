"""TLS on the simulated chip: PEM and DER, dates judged by its own clock, and the errors that the chip raises."""

import contextlib
import datetime
import queue
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.host.sim_desk import JOIN, desk, echo, server

TALK = (
    JOIN
    + """
import machine, socket, ssl
def talk(year, root, cert=None, key=None, name="cloud.example"):
    if year:
        machine.RTC().datetime((year, 6, 1, 0, 0, 0, 0, 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=root)
    if cert:
        context.load_cert_chain(cert, key)
    sock = socket.socket()
    sock.connect(socket.getaddrinfo(name, 8883)[0][-1])
    try:
        sock = context.wrap_socket(sock, server_hostname=name)
        sock.write(b"hello")
        print("answer", sock.read(5))
    except (OSError, ValueError) as error:
        print(type(error).__name__, repr(error.args[0]))
    sock.close()
def file(path):
    with open(path, "rb") as opened:
        return opened.read()
"""
)


class Authority:
    """A CA, and a server and a client certificate of it; valid from 2024 to the year `until`."""

    def __init__(self, folder, until=2040):
        self._folder = folder
        self._until = until
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._issue("test root", self.key, self.key, None)

    def _issue(self, name, key, signer, issuer):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2024, 1, 1))
            .not_valid_after(datetime.datetime(self._until, 1, 1))
            .add_extension(x509.BasicConstraints(issuer is None, None), True)
        )
        return builder.sign(signer, hashes.SHA256())

    def pair(self, name):
        key = ec.generate_private_key(ec.SECP256R1())
        return self._issue(name, key, self.key, self.certificate), key

    def server_context(self, name="cloud.example", client_required=False):
        certificate, key = self.pair(name)
        chain = self._folder / "server.pem"
        chain.write_bytes(pem(certificate) + pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(chain)
        if client_required:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=pem(self.certificate).decode())
        return context


def pem(thing):
    return _encoded(thing, serialization.Encoding.PEM)


def der(thing):
    return _encoded(thing, serialization.Encoding.DER)


def _encoded(thing, encoding):
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(encoding)
    return thing.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@contextlib.contextmanager
def tls_desk(folder, authority, program, refusals=None, **options):
    """The board with the root's files, and a TLS server behind cloud.example; `refusals`: what its handshakes met."""
    context = authority.server_context(**options)

    def serve(connection):
        try:
            with connection:
                echo(context.wrap_socket(connection, server_side=True))
        except OSError as failure:
            if refusals is not None:
                refusals.put(str(failure))

    with desk(folder, TALK + program) as (world, board), server(serve) as port:
        world.name("cloud.example", port)
        world.name("other.example", port)
        board.write_file("/root.pem", pem(authority.certificate))
        board.write_file("/root.der", der(authority.certificate))
        yield board


def test_certificates_are_judged_by_the_chips_clock(tmp_path, authority):
    program = 'for year in (None, 2030, 2050): talk(year, file("/root.der"))'
    with tls_desk(tmp_path, authority, program) as board:
        board.power_on()
        board.wait_for(r"^ValueError '\\nThe certificate validity starts in the future\\n'$")
        board.wait_for("^answer b'hello'$")
        board.wait_for(r"^ValueError '\\nThe certificate validity has expired\\n'$")


def test_who_shows_an_expired_certificate_is_told_so(tmp_path):
    refusals = queue.Queue()
    with tls_desk(tmp_path, Authority(tmp_path, until=2025), 'talk(2030, file("/root.der"))', refusals) as board:
        board.power_on()
        board.wait_for(r"^ValueError '\\nThe certificate validity has expired\\n'$")
        assert "alert certificate expired" in refusals.get(timeout=10)


def test_pem_and_der_are_both_accepted_and_a_client_shows_its_pair(tmp_path, authority):
    program = 'for end in ("der", "pem"): talk(2030, *[file("/%s.%s" % (n, end)) for n in ("root", "cert", "key")])'
    with tls_desk(tmp_path, authority, program, client_required=True) as board:
        certificate, key = authority.pair("device")
        for encode in (pem, der):
            board.write_file(f"/cert.{encode.__name__}", encode(certificate))
            board.write_file(f"/key.{encode.__name__}", encode(key))
        board.power_on()
        board.wait_for("^answer b'hello'$")
        board.wait_for("^answer b'hello'$")


def test_several_roots_in_one_pem(tmp_path, authority):
    with tls_desk(tmp_path, authority, 'talk(2030, file("/roots.pem"))') as board:
        board.write_file("/roots.pem", pem(Authority(tmp_path).certificate) + pem(authority.certificate))
        board.power_on()
        board.wait_for("^answer b'hello'$")


def test_root_that_did_not_sign_is_refused(tmp_path, authority):
    with tls_desk(tmp_path, authority, 'talk(2030, file("/stranger.der"))') as board:
        board.write_file("/stranger.der", der(Authority(tmp_path).certificate))
        board.power_on()
        board.wait_for("^ValueError .*not correctly signed by the trusted CA")


def test_certificate_of_another_name_is_refused(tmp_path, authority):
    with tls_desk(tmp_path, authority, 'talk(2030, file("/root.der"), name="other.example")') as board:
        board.power_on()
        board.wait_for("^ValueError .*does not match with the expected CN")


def test_key_that_does_not_fit_ends_the_connection(tmp_path, authority):
    program = 'talk(2030, *[file("/%s" % n) for n in ("root.der", "cert", "key")])'
    with tls_desk(tmp_path, authority, program, client_required=True) as board:
        board.write_file("/cert", der(authority.pair("device")[0]))
        board.write_file("/key", der(authority.pair("device")[1]))
        board.power_on()
        board.wait_for("^OSError (-29312|-30592|104|32)$")


@pytest.mark.parametrize(("what", "complaint"), [("cert", "invalid cert"), ("key", "invalid key")])
def test_rubbish_is_no_certificate_and_no_key(tmp_path, authority, what, complaint):
    program = """
try:
    talk(2030, *[file("/%s" % n) for n in ("root.der", "cert", "key")])
except ValueError as error:
    print("refused", error)
"""
    with tls_desk(tmp_path, authority, program) as board:
        certificate, key = authority.pair("device")
        board.write_file("/cert", b"rubbish" if what == "cert" else der(certificate))
        board.write_file("/key", b"rubbish" if what == "key" else pem(key))
        board.power_on()
        board.wait_for(f"^refused {complaint}$")
