"""The root certificates that sign AWS IoT's servers, as they come with boto3."""

import re
import ssl
from pathlib import Path

import botocore
from cryptography import x509
from cryptography.x509.oid import NameOID

# Of the server's certificate with an RSA key, and of the one with an EC key, which takes less of a device's memory.
ROOTS = ("Amazon Root CA 1", "Amazon Root CA 3")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class RootMissing(Exception):
    """It is not where it was looked for; the message says what to do."""


def amazon_roots():
    """Both as PEM, one after the other: what AWS recommends for devices with endpoints of the kind "Data-ATS"."""
    bundle = Path(botocore.__file__).parent / "cacert.pem"
    try:
        text = bundle.read_text(encoding="utf-8")
    except OSError as error:
        raise RootMissing(f"{bundle}: {error.strerror}; say --ca with AmazonRootCA1.pem") from error
    found = {name: pem + "\n" for pem in _PEM.findall(text) if (name := _name(pem)) in ROOTS}
    for name in ROOTS:
        if name not in found:
            file = name.replace(" ", "") + ".pem"
            raise RootMissing(f"{name} is not in {bundle}: get {file} from amazontrust.com and say --ca")
    return "".join(map(found.get, ROOTS))


def _name(pem):
    # The bundle has certificates that are too odd to be parsed: only those that may be meant are.
    if b"Amazon Root CA" not in ssl.PEM_cert_to_DER_cert(pem):
        return None
    names = x509.load_pem_x509_certificate(pem.encode()).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return names[0].value if names else None
