"""The root certificate that signs AWS IoT's servers, as it comes with boto3."""

import re
import ssl
from pathlib import Path

import botocore
from cryptography import x509
from cryptography.x509.oid import NameOID

ROOT = "Amazon Root CA 1"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class RootMissing(Exception):
    """It is not where it was looked for; the message says what to do."""


def amazon_root():
    """Amazon Root CA 1 as PEM: what AWS recommends for devices with endpoints of the kind "Data-ATS"."""
    bundle = Path(botocore.__file__).parent / "cacert.pem"
    try:
        text = bundle.read_text(encoding="utf-8")
    except OSError as error:
        raise RootMissing(f"{bundle}: {error.strerror}; say --ca with AmazonRootCA1.pem") from error
    for pem in _PEM.findall(text):
        # The bundle has certificates that are too odd to be parsed: only those that name it are.
        if ROOT.encode() in ssl.PEM_cert_to_DER_cert(pem) and _name(pem) == ROOT:
            return pem + "\n"
    raise RootMissing(f"{ROOT} is not in {bundle}: get AmazonRootCA1.pem from amazontrust.com and say --ca")


def _name(pem):
    names = x509.load_pem_x509_certificate(pem.encode()).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return names[0].value if names else None
