"""The certificate authority of the local AWS IoT: its key, and the certificates of devices.

Server certificates, the faulty ones too, are in `server_certificates`.
"""

from __future__ import annotations

import datetime
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

CA_FILE = "ca.pem"
_CA_KEY_FILE = "ca.key"
_CA_YEARS = 20
# What AWS puts into device certificates: "This certificate expires at midnight UTC on December 31, 2049."
_DEVICE_END = datetime.datetime(2049, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)
_DEVICE_NAME = "AWS IoT Certificate"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Extensions = Sequence[tuple[x509.ExtensionType, bool]]  # pairs of extension and "is critical"


@dataclass(frozen=True)
class Validity:
    """From when to when a certificate is good, in UTC."""

    begin: datetime.datetime
    end: datetime.datetime

    @classmethod
    def around_now(cls, days: int) -> Validity:
        """From yesterday, for clocks that are a little behind, for so many days."""
        begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        return cls(begin, begin + datetime.timedelta(days=days))


def new_ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def new_device_key(fast: bool) -> PrivateKey:
    """RSA with 2048 bits, as AWS makes them, or EC P-256 when it must be `fast`. Takes up to some 100 ms."""
    return new_ec_key() if fast else rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_pem(key: PrivateKey) -> str:
    """The private key as AWS gives it: PKCS#1 ("BEGIN RSA PRIVATE KEY"), or SEC1 for an EC key."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def public_pem(key: PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def fingerprint(certificate: x509.Certificate) -> str:
    """AWS's certificate id: SHA-256 of the DER, lower-case hex."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def fingerprint_of_der(der: bytes) -> str:
    """The same without reading the certificate."""
    return hashlib.sha256(der).hexdigest()


def write_secret(path: Path, text: str) -> None:
    """Write a file that nobody else can read, at once or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="ascii") as file:
        file.write(text)
    temporary.replace(path)


class CertificateAuthority:
    """A key, EC P-256 if nothing else is wanted, and its certificate."""

    def __init__(self, certificate: x509.Certificate, key: PrivateKey):
        self.certificate = certificate
        self._key = key

    @classmethod
    def create(
        cls, name: str, issuer: CertificateAuthority | None = None, padding: bytes = b"", key: PrivateKey | None = None
    ) -> CertificateAuthority:
        """A new authority, with a new EC key or `key`: a root of its own, or below `issuer`. `padding` makes its
        certificate larger."""
        key = key or new_ec_key()
        usage = key_usage(key_cert_sign=True, crl_sign=True, digital_signature=True)
        extensions = [(x509.BasicConstraints(ca=True, path_length=None), True), (usage, True)]
        if padding:
            extensions.append((_padding(padding), False))
        subject = simple_name(name)
        signing_key, signing_name = (issuer._key, issuer.certificate.subject) if issuer else (key, subject)
        builder = _builder(key.public_key(), subject, Validity.around_now(365 * _CA_YEARS), extensions)
        return cls(_signed(builder, signing_key, signing_name), key)

    @classmethod
    def in_folder(cls, folder: Path) -> CertificateAuthority:
        """The authority kept in `folder`, made there the first time. Raises ValueError for files that do not fit."""
        certificate_file, key_file = folder / CA_FILE, folder / _CA_KEY_FILE
        if not certificate_file.exists():
            authority = cls.create("Local AWS IoT Root CA")
            write_secret(key_file, key_pem(authority._key))  # the certificate last: it says that both are there
            temporary = certificate_file.with_name(CA_FILE + ".new")
            temporary.write_text(pem(authority.certificate), encoding="ascii")
            temporary.replace(certificate_file)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError(f"{key_file} is not the key of {certificate_file}: remove both to get new ones")
        return cls(certificate, key)

    def issue_device(self, public_key: PublicKey) -> x509.Certificate:
        """A device certificate, as AWS IoT makes it of a key or of a certificate request."""
        begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=2)
        extensions = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage(digital_signature=True), True),
        ]
        return self.sign(public_key, simple_name(_DEVICE_NAME), Validity(begin, _DEVICE_END), extensions)

    def sign(
        self,
        public_key: PublicKey,
        subject: x509.Name,
        validity: Validity,
        extensions: Extensions,
    ) -> x509.Certificate:
        """Sign a certificate. `extensions` are pairs of extension and "is critical"; key identifiers are added."""
        return _signed(_builder(public_key, subject, validity, extensions), self._key, self.certificate.subject)


def _builder(
    public_key: PublicKey, subject: x509.Name, validity: Validity, extensions: Extensions
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.begin)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _signed(
    builder: x509.CertificateBuilder, key: PrivateKey, issuer_name: x509.Name
) -> x509.Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.issuer_name(issuer_name).add_extension(identifier, critical=False).sign(key, hashes.SHA256())


def simple_name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _padding(content: bytes) -> x509.UnrecognizedExtension:
    # The arc 2.25 (UUIDs as object identifiers) is free for everybody; clients skip what is not critical.
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.114"), content)


def key_usage(**wanted: bool) -> x509.KeyUsage:
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in every})
