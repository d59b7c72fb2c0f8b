"""Keys and certificates for tests, as `cryptography` makes them."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
PKCS8 = serialization.PrivateFormat.PKCS8
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
CLEAR = serialization.NoEncryption()
START = datetime.datetime(2024, 2, 29, 23, 59, 58, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2049, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)

EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_EC_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())
P521_KEY = ec.generate_private_key(ec.SECP521R1())
ODD_KEY = ec.generate_private_key(ec.SECP256K1())  # which no device can have
RSA_KEY = rsa.generate_private_key(65537, 2048)


def certificate_of(key, start=START, end=END, subject="thing", issuer="root", signer=OTHER_EC_KEY):
    """A certificate for this private key's public one."""

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), 4711, start, end)
    return builder.add_extension(x509.BasicConstraints(False, None), True).sign(signer, hashes.SHA256())


def key_bytes(key, encoding=DER, form=PKCS8, encryption=CLEAR):
    """The private key as a file has it."""
    return key.private_bytes(encoding, form, encryption)


EC_CERTIFICATE = certificate_of(EC_KEY)
EC_CERT = EC_CERTIFICATE.public_bytes(DER)
EC_PEM = EC_CERTIFICATE.public_bytes(PEM)
RSA_CERT = certificate_of(RSA_KEY).public_bytes(DER)
