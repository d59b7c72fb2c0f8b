"""The signed document of an update, as docs/ota.md describes it and lib/ota/document.py reads it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tools.interpreter import LIB
from tools.release.trouble import Mistake

NO_LINK = "https://not-yet/"  # stands in a document whose image has no place yet


@dataclass(frozen=True)
class Release:
    """What is released: all that a signature covers, but for the key."""

    version: str
    hardware: str
    size: int
    sha256: str
    min_version: str = "0.0.0"
    force: str = "0"

    @staticmethod
    def of(image: bytes, version: str, hardware: str, min_version: str = "0.0.0", force: str = "0") -> Release:
        return Release(version, hardware, len(image), hashlib.sha256(image).hexdigest(), min_version, force)

    def text(self, kid: str) -> str:
        """The lines that are signed, joined by line feeds."""
        lines = ("awsesp-ota-1", kid, "ota", self.version, self.hardware, str(self.size), self.sha256)
        return "\n".join((*lines, self.min_version, self.force))


def sign(release: Release, kid: str, key: ec.EllipticCurvePrivateKey, url: str = NO_LINK) -> dict:
    """The document, checked by the device's own words. The same release and key give the same signature."""
    algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
    signature = key.sign(release.text(kid).encode(), algorithm)  # what is not ASCII `read` refuses
    document = _document(release, kid, url, signature)
    if read(document).text.decode() != release.text(kid):
        raise Mistake("the firmware of this checkout would check another text: is lib/ota/document.py your own?")
    return document


def check(release: Release, kid: str, url: str) -> None:
    """Raise Mistake where devices would refuse its document, whatever the signature."""
    read(_document(release, kid, url, b""))


def _document(release: Release, kid: str, url: str, signature: bytes) -> dict:
    document = {
        "operation": "ota",
        "version": release.version,
        "hardware": release.hardware,
        "url": url,
        "size": release.size,
        "sha256": release.sha256,
        "min_version": release.min_version,
        "kid": kid,
        "signature": base64.b64encode(signature).decode(),
    }
    return document if release.force == "0" else {**document, "force": release.force}


def read(document: dict):
    """What the device makes of a document: `ota.document.Update`. Raises Mistake with the device's own sentence."""
    with _lib():
        from errors import DeviceError
        from ota.document import Update

        try:
            return Update(document)
        except DeviceError as refusal:
            raise Mistake(f"devices would refuse this document: {refusal.message}") from None


def is_signed(document: dict, public: str) -> bool:
    """Whether the signature is that of this key (in hex), by the code that judges it in devices."""
    update = read(document)
    with _lib():
        from errors import DeviceError

        try:
            asyncio.run(update.authenticate({update.kid: public}))
        except DeviceError:
            return False
        return True


@contextlib.contextmanager
def _lib() -> Iterator[None]:
    sys.path.insert(0, str(LIB))
    try:
        yield
    finally:
        sys.path.remove(str(LIB))


def load(path: Path) -> dict:
    """A document that was signed elsewhere."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Mistake(f"{path} is not JSON: {error}") from error
    try:
        read(document)
    except Mistake as mistake:
        raise Mistake(f"{path}: {mistake}") from None
    return document


def check_image(document: dict, image: bytes, path: Path, image_path: Path) -> None:
    """Raise Mistake unless the document, read from `path`, is for exactly this image."""
    if document["size"] != len(image):
        what = f"{document['size']} bytes, and {image_path} has {len(image)}"
    elif document["sha256"].lower() != hashlib.sha256(image).hexdigest():
        what = f"another SHA-256 than that of {image_path}"
    else:
        return
    raise Mistake(f"{path} was signed for another image: it says {what}")
