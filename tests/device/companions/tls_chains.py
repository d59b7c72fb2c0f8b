"""MQTT peers over TLS 1.2 that differ in their certificates, in what leads to a root, or in what they agree to.

Environment: PORT_<NAME> for each server of `_Servers`. Files (DER) in the folder: its roots; client, p384 and p521,
each with its key in <name>_key, and in <name>_pkcs8. The servers are called `broker.test`.
"""

import contextlib
import ipaddress
import ssl
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.device.companions.tls_servers import DER, HOST, Authority, key_bytes, server_context
from tools.bench.peer import Peer

_FOR_CLIENTS = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
_PRIVATE_ARC = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
_CURVES = {"p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
# As old routers have: RSA with 1024 bits, SHA-1, signed by itself, for no name. No library makes them any more.
_ROUTER = """-----BEGIN CERTIFICATE-----
MIICADCCAWmgAwIBAgIUHEuP53ZhDFZeYdFS9VaoQPON7tYwDQYJKoZIhvcNAQEF
BQAwETEPMA0GA1UEAwwGcm91dGVyMCAXDTI2MTEyNjA1MjgyMFoYDzIwODEwODI5
MDUyODIwWjARMQ8wDQYDVQQDDAZyb3V0ZXIwgZ8wDQYJKoZIhvcNAQEBBQADgY0A
MIGJAoGBANXE0UkOO1gbKJjJhH+Uw2fxpGF2zi8FVE/nRySk9sn/huCvr959YBUx
QDh4vDumqNapOZtbgMZaRahzjPf2zUGtVWNY32uwPQjvsLr99cZCKl3Zjbeb09T0
E926sIwM9fBDzCKxVasN8zQBmj5Ocoqy/OJMmWDeAccyWGZjFuxTAgMBAAGjUzBR
MB0GA1UdDgQWBBTI4IM9yI6v1ukyFmALCpHpyeSlOzAfBgNVHSMEGDAWgBTI4IM9
yI6v1ukyFmALCpHpyeSlOzAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBBQUA
A4GBAD2h0pFHR4byHeCoMOHkYdsrYlDtJN+gOuwViWLFYo7E5eT39h8cpFKhYiQx
irKKL61zn5ele4hnG74oA6sHhkgFQqYJlHyIoZdbZ5YbP9Xb65h5/FPZorDVpB/4
MqfRJkd21iv6l7ci3OzNDDGEJptkLzYBWt7L4c8ixBcGgjfa
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBANXE0UkOO1gbKJjJ
hH+Uw2fxpGF2zi8FVE/nRySk9sn/huCvr959YBUxQDh4vDumqNapOZtbgMZaRahz
jPf2zUGtVWNY32uwPQjvsLr99cZCKl3Zjbeb09T0E926sIwM9fBDzCKxVasN8zQB
mj5Ocoqy/OJMmWDeAccyWGZjFuxTAgMBAAECgYATEzT5p+NzwTimKZVBLS0ioVVh
vRA48ejMGH8ore+3pq2KbyLqX5WrTnHEmEFzsTNvtDoHuuqKyJNerLDvj35RLDtd
Bb8L5wGbRAiJv8DAtbFbWz7Hxyg+OVz08xw8pow53orIt7EkNDr3JdzL+pCc8E3F
HE7wDoEda9LeQfcAAQJBAO+/hIMbYpjp23XrfLVIlBZ9+00faVcNi8h5Z1m2dYAM
pv6BEIqsF+k1n9XZKlerHmPk3nxD8hXewqyWmeHSgAECQQDkQnd51Xk99N97tIfQ
cldcQu1g6XIUcgBB4JPLCYHxCBYFAIJ1YI/Bqzhhg1x8AZQxNTHzLVF5/V+1uPPd
12xTAkEAgf2njaa1iQ+TbJZoIarekGtybFiRtx+jIOmifeQORYWWrfuwyl+Q/2OR
7FM5QBuJ+MPJVjtI8U684vMtMGIAAQJAX12ZtzBGUGlfebqqR5+N+kEIFkZSYFJk
4yEl/l1Bied786kL2Gh4h0y26J7OZAzw0kJMVTIo6VO/yhe044meewJBAJ+mzka0
0jQs//TT0LvElg/p9ms/sTlyn/Zjq8GpFJNdyVfN4KmHlS0BPKjw4gZ5FgK1l/na
rOx6p7pEaAC8zzQ=
-----END PRIVATE KEY-----
"""


def _padded(size):
    return (x509.UnrecognizedExtension(_PRIVATE_ARC, bytes(size)), False)


def _strange_name():
    """Of 2.5 KB, in UTF-8 and in UTF-16 (BMPString)."""
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "\u00fc" * 60) for _ in range(20)]
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "\u00fc", _type=_ASN1Type.BMPString), *units])


class _Servers:
    """The contexts by name; `roots`: the authorities that a client may be told to trust, by name."""

    def __init__(self, folder):
        self._folder = folder
        self.contexts = {}
        self.root = Authority("root")
        self.roots = {"root": self.root}
        self._add_chains()
        self._add_large()
        self._add_certificates()
        self._add_agreements()

    def _add(self, name, pair, *above, **options):
        self.contexts[name] = server_context(self._folder, pair, above=above, **options)
        return self.contexts[name]

    def _add_chains(self):
        upper = Authority("upper", self.root)
        lower = Authority("lower", upper)
        self._add("CHAIN", lower.issue("server", names=[HOST]), lower, upper)
        self._add("WITH_OTHERS", upper.issue("server", names=[HOST]), Authority("stranger"), upper, self.root)
        self._add("OUT_OF_ORDER", lower.issue("server", names=[HOST]), upper, lower)
        self._add("INCOMPLETE", lower.issue("server", names=[HOST]), lower)
        new = self.roots["new_root"] = Authority("new root")
        old = self.roots["old_root"] = Authority("old root")
        below = Authority("below", new)
        self._add("CROSS_SIGNED", below.issue("server", names=[HOST]), below, Authority("new root", old, key=new.key))
        gone = Authority("gone", self.root, begin=-9, end=-2)
        self._add("EXPIRED_ABOVE", gone.issue("server", names=[HOST]), gone)
        over = self.roots["expired_root"] = Authority("expired root", begin=-9, end=-2)
        self._add("EXPIRED_ROOT", over.issue("server", names=[HOST]))
        self.roots["name_twice"] = Authority("root")
        for name, curve in _CURVES.items():
            root = self.roots[name + "_root"] = Authority(name, key=ec.generate_private_key(curve))
            above = Authority(name + " above", root, key=ec.generate_private_key(curve))
            self._add(name.upper(), above.issue("server", ec.generate_private_key(curve), names=[HOST]), above)

    def _add_large(self):
        for name, size in (("LARGE", 15000), ("TOO_LARGE", 17000)):
            wide = Authority("wide", self.root, more=[_padded(size)])
            self._add(name, wide.issue("server", names=[HOST]), wide)
        above = [self.root]
        for number in range(9):
            above.insert(0, Authority("step %d" % number, above[0]))
        self._add("DEEP", above[1].issue("server", names=[HOST]), *above[1:-1])
        self._add("TOO_DEEP", above[0].issue("server", names=[HOST]), *above[:-1])
        strange = Authority(_strange_name(), self.root)
        self._add("STRANGE_NAMES", strange.issue("server", names=[HOST]), strange)

    def _add_certificates(self):
        issue = self.root.issue
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        self._add("WILDCARD", issue("server", names=["*.test"]))
        self._add("UPPER_CASE", issue("server", names=[HOST.upper()]))
        self._add("NAME_ALONE", issue(HOST))
        self._add("ADDRESS_ALONE", issue(HOST, names=[address]))
        self._add("LONG_VALID", issue("server", names=[HOST], end=60 * 365))
        self._add("FOR_CLIENTS", issue("server", names=[HOST], more=[_FOR_CLIENTS]))
        self._add("FOR_CLIENTS_EXPIRED", issue("server", names=[HOST], begin=-9, end=-2, more=[_FOR_CLIENTS]))
        unknown = (x509.UnrecognizedExtension(_PRIVATE_ARC, b"\x05\x00"), True)
        self._add("UNKNOWN_CRITICAL", issue("server", names=[HOST], more=[unknown]))
        self.roots["unreadable_root"] = Authority(
            "unreadable", key=ec.generate_private_key(ec.SECP256R1()), more=[unknown]
        )

    def _add_agreements(self):
        pair = self.root.issue("server", names=[HOST])
        of_rsa = self.root.issue("rsa", rsa.generate_private_key(65537, 2048), names=[HOST])
        self._add("ASKS", pair, clients=self.root)
        self._add("ASKS_POLITELY", pair, clients=self.root).verify_mode = ssl.CERT_OPTIONAL
        self._add("AES_256", pair).set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
        self._add("CBC", pair).set_ciphers("ECDHE-ECDSA-AES128-SHA256")
        self._add("STATIC_RSA", of_rsa).set_ciphers("AES128-GCM-SHA256")
        self._add("CHACHA", pair).set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305")
        self._add("BRAINPOOL", self.root.issue("server", ec.generate_private_key(ec.BrainpoolP256R1()), names=[HOST]))
        self._add("UP_TO_1_3", pair).maximum_version = ssl.TLSVersion.TLSv1_3
        old = self._add("TLS_1_0", pair)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is old
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
        self.contexts["ROUTER"] = self._router()

    def _router(self):
        file = self._folder / "router.pem"
        file.write_text(_ROUTER)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(file)
        return context


def _write_credentials(folder, servers):
    for name, root in servers.roots.items():
        (folder / name).write_bytes(root.certificate.public_bytes(DER))
    for name, curve in {"client": ec.SECP256R1(), **_CURVES}.items():
        certificate, key = servers.root.issue(name, ec.generate_private_key(curve))
        (folder / name).write_bytes(certificate.public_bytes(DER))
        (folder / f"{name}_key").write_bytes(key_bytes(key, DER))
        (folder / f"{name}_pkcs8").write_bytes(key_bytes(key, DER, serialization.PrivateFormat.PKCS8))


@contextlib.contextmanager
def companion(folder):
    servers = _Servers(folder)
    _write_credentials(folder, servers)
    with contextlib.ExitStack() as stack:
        yield {f"PORT_{name}": stack.enter_context(Peer(context)).port for name, context in servers.contexts.items()}
