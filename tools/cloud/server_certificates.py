"""The server's certificate, the good one and those with a fault, and the TLS contexts that show them."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tools.cloud.authority import (
    CertificateAuthority,
    Validity,
    key_pem,
    key_usage,
    new_device_key,
    pem,
    simple_name,
)

# Which key of "aws" is shown: that of the first of these that a client knows.
_RSA_BEFORE_EC = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
# The last two are endpoints in simulations, where the device's own name server knows them: no real ones.
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1", "endpoint.example", "*.iot.local-1.amazonaws.com")
_LONGEST_SUBJECT = 64  # characters of a common name (RFC 5280); what clients look at are the alternative names
_PADDING = b"\x04" * 3000  # for each of three certificates: about 10 KB in one handshake message
_ADDRESSES = b"\x04" * 350  # the room that those of revocation lists and issuers take in AWS's

FAULTS = {
    "expired": "its validity ended yesterday",
    "not_yet_valid": "its validity begins in a year",
    "wrong_name": "it is for another host name",
    "untrusted": "its authority is not the one that clients trust",
    "large": "a chain of three large certificates (nothing wrong with it: a client must take it)",
    "rsa": "four certificates with RSA keys (nothing wrong with it)",
    "aws": "those, and four with EC keys for clients that take no others, as AWS has them (nothing wrong with it)",
}


@dataclass
class ServerCertificates:
    """Makes TLS contexts for the broker.

    `names` are host names and addresses that clients connect to, beside those of this machine and of AWS in `region`.
    """

    authority: CertificateAuthority
    region: str
    names: tuple[str, ...] = ()
    foreign_devices: list[str] = field(default_factory=list)  # PEM of registered certificates from other authorities

    def context(
        self, fault: str | None = None, client: ssl.VerifyMode = ssl.CERT_REQUIRED, alpn: Sequence[str] = ()
    ) -> ssl.SSLContext:
        """A server context. `client` says whether one must, may or cannot show a certificate, `alpn` what is known.

        `fault` is one of FAULTS; ValueError for another.
        """
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"no fault of the certificate is called {fault!r}; there are: {', '.join(FAULTS)}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION  # AWS IoT gives no session tickets
        context.num_tickets = 0
        if client is not ssl.CERT_NONE:
            context.verify_mode = client
            # A certificate registered without its authority is trusted by itself.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=pem(self.authority.certificate) + "".join(self.foreign_devices))
        if alpn:
            context.set_alpn_protocols(list(alpn))  # what is not in it is ignored
        if fault == "aws":
            self._load_chain(context, "rsa")
            context.set_ciphers(_RSA_BEFORE_EC)
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        self._load_chain(context, fault)
        return context

    def _load_chain(self, context: ssl.SSLContext, fault: str | None) -> None:
        """The ssl module reads keys from files only; this one is gone as soon as it was read."""
        with tempfile.NamedTemporaryFile("w", prefix="awsiot-", suffix=".pem") as file:  # for its owner's eyes only
            file.write(self.chain_and_key(fault))
            file.flush()
            context.load_cert_chain(file.name)

    def chain_and_key(self, fault: str | None = None) -> str:
        """PEM: the key, the server's certificate, and what leads from it to the authority."""
        authorities = self._authorities(fault)
        key = new_device_key(fast=fault != "rsa")
        names = ("wrong.example",) if fault == "wrong_name" else self.all_names()
        extensions = [
            (x509.SubjectAlternativeName(list(_general_names(names))), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        ]
        signer = authorities[0] if authorities else self.authority
        subject = simple_name(names[0][:_LONGEST_SUBJECT])
        certificate = signer.sign(key.public_key(), subject, _validity(fault), extensions)
        return key_pem(key) + pem(certificate) + "".join(pem(each.certificate) for each in authorities)

    def all_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.names, *_LOCAL_NAMES, f"*.iot.{self.region}.amazonaws.com")))

    def _authorities(self, fault: str | None) -> list[CertificateAuthority]:
        """What stands between the server's certificate and the root, the nearest first."""
        if fault == "untrusted":
            # Under the same name, so that only the signature tells.
            return [CertificateAuthority.create("Local AWS IoT Root CA")]
        if fault not in ("large", "rsa", "aws"):
            return []
        chain = [self.authority]
        for number in range(1, 4):
            padding = _PADDING if fault == "large" else _ADDRESSES
            key = new_device_key(fast=fault != "rsa")
            chain.insert(0, CertificateAuthority.create(f"Local Intermediate {number}", chain[0], padding, key))
        return chain[:-1]


def _validity(fault: str | None) -> Validity:
    good = Validity.around_now(397)
    if fault == "expired":
        return Validity(good.begin - datetime.timedelta(days=30), good.begin)
    if fault == "not_yet_valid":
        return Validity(good.begin + datetime.timedelta(days=366), good.end + datetime.timedelta(days=366))
    return good


def _general_names(names: Iterable[str]) -> Iterable[x509.GeneralName]:
    for name in names:
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            yield x509.DNSName(name)
