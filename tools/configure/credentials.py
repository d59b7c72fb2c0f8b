"""Certificate files as people have them, sorted out: the device's certificate, its key, the trusted roots.

    sorted_out = sort_out([Path("folder"), Path("AmazonRootCA1.pem")])

Read and checked by the firmware's own words; what the device would refuse is refused here, in the same sentence.
"""

import contextlib
import os
import re
import shlex
import ssl
import time
import warnings
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tools.configure.firmware import certificates, errors, pem
from tools.configure.trouble import Mistake

_LARGEST_FILE = 65536
_MOST_FILES = 40
_SUFFIXES = (".pem", ".crt", ".cer", ".der", ".key", ".ca", ".p12", ".pfx")  # the last two to be told what they are
_DAY_S = 86400
_ON_WINDOWS = os.name == "nt"
# How DER begins that is a store of several things: a sequence, then the version 3 and a sequence, or a kind of PKCS#7.
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x80)"
_STORES = (
    (
        rb"\x02\x01\x03\x30",
        "it is PKCS#12: take certificate and key out of it by `openssl pkcs12 -nodes -in FILE`",
    ),
    (rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", "it is PKCS#7: convert it by `openssl pkcs7 -print_certs -in FILE`"),
)
_MAY_BE_CERTIFICATE = ", though it may be a certificate"


class Credentials(NamedTuple):
    """DER: `cert` and `key` (a pair, or None both), `roots` (list). `notes`: sentences about what was found."""

    cert: bytes | None
    key: bytes | None
    roots: list
    notes: list


def sort_out(paths):
    """The `Credentials` in these files and folders. Raises Mistake."""
    certs, keys, notes = {}, [], []  # certs: DER -> the files it came in
    for path in _files(paths):
        found_certs, found_keys, why = _read(path)
        if not found_certs and not found_keys:
            notes.append(f"{path.name} was left out: {why}")
        for one in found_certs:
            certs.setdefault(one, set()).add(path)
        keys += [one for one in found_keys if one not in keys]
    if len(keys) > 1:
        raise Mistake("there are several private keys: give only the device's own")
    try:
        cert, key = _pair(certs, keys)
    except Mistake as mistake:  # what was left out may be what is missing
        raise Mistake("; ".join([str(mistake), *notes])) from mistake
    # What came in one file with the device's own and did not sign itself is the rest of its chain.
    own = certs.get(cert, set())
    roots = [
        one for one, files in certs.items() if one != cert and (certificates.is_self_signed(one) or not files & own)
    ]
    notes += [note for one in (cert, *roots) if one and (note := date_note(one))]
    return Credentials(cert, key, roots, notes)


def _files(paths):
    """The files, those of a folder by their names."""
    found = []
    for path in paths:
        with _named(path):
            found += _in_folder(path) if path.is_dir() else [path]
    if len(found) > _MOST_FILES:
        raise Mistake(f"{len(found)} files are too many: name those of this device")
    return found


def _in_folder(path):
    return sorted(one for one in path.iterdir() if one.suffix.lower() in _SUFFIXES and one.is_file())


@contextlib.contextmanager
def _named(path):
    """What the system says of a file, as Mistake."""
    try:
        yield
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error


def _read(path):
    """(certificates, keys, why not) in a file: two lists of DER, and the reason when both are empty."""
    with _named(path), path.open("rb") as file:
        data = file.read(_LARGEST_FILE + 1)
    if not data:
        raise Mistake(f"{path} is empty")
    if data.startswith(b"PK\x03\x04"):
        raise Mistake(f"{path} is a zip archive: unpack it, and give the files in it")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # Windows' PowerShell writes UTF-16 into files
        data = data.decode("utf-16", "replace").encode()
    found, reasons = [], []
    for read in (certificates.certificates, _keys):
        try:
            found.append(read(data, path.name))
        except errors.PersonError as error:
            if b"-----BEGIN" in data and "is wanted" not in error.message:
                raise Mistake(error.message) from error  # it is damaged; else it is something else
            found.append([])
            reasons.append(error.message)
    return *found, _why(reasons, data, path.name) if len(reasons) == 2 else None


def _why(messages, data, name):
    """What a file is that has neither certificate nor key, from the firmware's sentences about both."""
    with contextlib.suppress(errors.PersonError):
        data = pem.decode(data, pem.CERTIFICATE, name)[0]  # a store in base64, too
    for head, sentence in _STORES:
        if re.match(rb"\x30" + _LENGTH + head, data, re.DOTALL):
            return sentence
    begin = errors.error("bad_certificate", name, "").message.rstrip(". ")
    of_cert, of_key = (message.removeprefix(begin).strip(" .") for message in messages)
    if of_key.endswith(_MAY_BE_CERTIFICATE):
        return f"{of_key.removesuffix(_MAY_BE_CERTIFICATE)}, and as a certificate it cannot be read: {of_cert}"
    return of_key.removesuffix(", a private key is wanted")


def _keys(data, what):
    ders = [data] if data[:1] == b"\x30" else pem.decode(data, pem.PRIVATE_KEY, what)
    return [certificates.key(der, what) for der in ders]


def _pair(certs, keys):
    """The certificate that belongs to the key, and the key; the first that is no root when there is no key."""
    if not keys:
        if not all(map(certificates.is_self_signed, certs)):
            raise Mistake("a certificate is there, but not its private key: give both")
        return None, None
    key = keys[0]
    public = public_of_key(key)
    for cert in certs:
        if _public_of_cert(cert) == public:
            return cert, key
    raise Mistake("the private key belongs to none of the certificates: give both of one pair")


def _public_of_cert(der):
    try:
        return certificates.public_key(der)
    except errors.PersonError:
        return None  # a root may be of a kind that a device's own may not


def public_of_key(der):
    """The public key that belongs to a private one in DER, in the shape that `certificates.public_key` has."""
    try:
        public = serialization.load_der_private_key(der, None).public_key()
    except (TypeError, ValueError) as error:
        raise Mistake("the private key cannot be used: its numbers do not fit each other") from error
    if hasattr(public, "curve"):
        form = serialization.PublicFormat.UncompressedPoint
        return f"P-{public.curve.key_size}", public.public_bytes(serialization.Encoding.X962, form)
    modulus = public.public_numbers().n
    return certificates.RSA, modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")


def date_note(der, now_s=None):
    """A sentence when the certificate is not valid now, or not for long; None when all is well."""
    now_s = time.time() if now_s is None else now_s
    name = title(der)
    begin_s, end_s = certificates.validity(der)
    if begin_s > now_s + _DAY_S:
        return f"careful: {name} is not valid yet"
    if end_s < now_s:
        return f"careful: {name} has expired"
    if end_s < now_s + 30 * _DAY_S:
        return f"careful: {name} expires within a month"
    return None


def title(der):
    """What a person calls the certificate: its subject's common name, else the organisation."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd serial numbers, which TLS does not mind
            names = {one.oid: one.value for one in x509.load_der_x509_certificate(der).subject}
    except ValueError:
        return "the certificate"
    oid = x509.NameOID
    return str(names.get(oid.COMMON_NAME) or names.get(oid.ORGANIZATIONAL_UNIT_NAME) or "the certificate")


def cert_pem(ders):
    """As CERT carries them."""
    return "".join(ssl.DER_cert_to_PEM_cert(der) for der in ders)


def key_pem(der):
    """As CERT carries it: PKCS#8."""
    key = serialization.load_der_private_key(der, None)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def paths_of(text):
    """The paths in a typed line, as a shell reads it: quotes, and ~ for the home folder."""
    try:
        words = shlex.split(text, posix=not _ON_WINDOWS)
    except ValueError as error:
        raise Mistake("a quote is not closed") from error
    if _ON_WINDOWS:  # whose paths have backslashes
        words = [word.strip("\"'") for word in words]
    try:
        return [Path(word).expanduser() for word in words]
    except RuntimeError as error:
        raise Mistake("~ stands for no home folder here: type the whole path") from error
