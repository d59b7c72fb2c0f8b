"""An image and a key become a signed document."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from cryptography.hazmat.primitives.asymmetric import ec

from tools.release import document as documents
from tools.release import images, keys
from tools.release.trouble import Mistake

_TRIES = 3  # to type a passphrase


@dataclass
class Signing:
    """What a person chose, on the command line. `version` None: what the image or the checkout says.

    `trusted` is the file with the keys of the devices' firmware. None: that of this checkout, which may be another one.
    """

    kid: str | None
    folder: Path
    version: str | None
    hardware: str
    min_version: str
    force: str
    trusted: Path | None = None

    def compare(self, document: dict) -> None:
        """Raise Mistake where something was chosen that a document signed elsewhere says otherwise."""
        defaults = {"kid": None, "version": None, "hardware": "esp32", "min_version": "0.0.0", "force": "0"}
        for field, default in defaults.items():
            chosen, signed = getattr(self, field), document.get(field, default)
            if chosen not in (default, signed):
                option = field.replace("_", "-")
                raise Mistake(f"--{option} {chosen}: the signed --document says {signed}; `sign` makes another one")

    def sign(self, path: Path, url: str = documents.NO_LINK) -> tuple[bytes, dict]:
        """The bytes of an image, and its document."""
        data, own = images.load(path)
        if len(data) > images.SLOT_BYTES:
            typer.echo(f"release: beware: larger than the slots of boards with 4 MB ({images.SLOT_BYTES})", err=True)
        chip = images.other_chip(data, self.hardware)
        if chip is not None:  # devices that were given no `hardware` of their own say esp32, whatever they are
            typer.echo(f"release: beware: an image for {chip}, released for the hardware {self.hardware}", err=True)
        version = images.version(self.version, own)
        release = documents.Release.of(data, version, self.hardware, self.min_version, self.force)
        kid = keys.find(self.kid, self.folder)
        documents.check(release, kid, url)  # before a passphrase is typed
        key = self._unlocked(kid)
        document = documents.sign(release, kid, key, url)
        if self.trusted is not None:
            self.authenticate(document)
        elif keys.trusted().get(kid) != keys.public_hex(key):
            _beware(kid)
        return data, document

    def _unlocked(self, kid: str, tries: int = _TRIES) -> ec.EllipticCurvePrivateKey:
        try:
            return keys.load(kid, self.folder, passphrase(f"Passphrase of the key {kid}"))
        except keys.WrongPassphrase as mistake:
            if tries == 1 or os.environ.get("RELEASE_PASSPHRASE"):
                raise
            typer.echo(f"release: {mistake}", err=True)
        return self._unlocked(kid, tries - 1)

    def read(self, path: Path, image: Path) -> tuple[bytes, dict]:
        """The bytes of an image, and its document, signed elsewhere. Raises Mistake where devices would refuse it."""
        data, _ = images.load(image)
        document = documents.load(path)
        self.compare(document)
        documents.check_image(document, data, path, image)
        self.authenticate(document, f"{path}: ")
        return data, document

    def authenticate(self, document: dict, where: str = "") -> None:
        """Raise Mistake unless a key of the devices' firmware signed this document."""
        file, kid = self.trusted or keys.TRUSTED, document["kid"]
        known = keys.trusted(file)
        if kid not in known and self.trusted is None:  # of another firmware than this checkout's, as `sign` takes it
            _beware(kid)
        elif kid not in known:
            others = ", ".join(known) or "no key"
            raise Mistake(f"{where}it is signed with {kid}, which {file} does not trust; it trusts: {others}")
        elif not documents.is_signed(document, known[kid]):
            raise Mistake(
                f"{where}the signature is not that of the {kid} in {file}: the document was changed after it was "
                "signed, or signed with another key of this id. If the devices' firmware has other keys, say "
                "--trusted FILE"
            )


def _beware(kid: str) -> None:
    firmware = f"the firmware of this checkout does not trust this {kid}"
    typer.echo(f"release: beware: {firmware}: devices that have it would refuse the update", err=True)


def passphrase(question: str, is_new: bool = False) -> str:
    """From RELEASE_PASSPHRASE, or asked for; never an option, which every user of the machine could read.

    One that is new has to be long enough, and is asked for twice.
    """
    given = os.environ.get("RELEASE_PASSPHRASE")
    if given:
        if is_new:
            keys.check_passphrase(given)
        return given
    if not sys.stdin.isatty():
        raise Mistake("the key's passphrase is asked for in a terminal; elsewhere put it into RELEASE_PASSPHRASE")
    return _new_passphrase(question) if is_new else typer.prompt(question, hide_input=True)


def _new_passphrase(question: str) -> str:
    while True:
        given = typer.prompt(question, hide_input=True)
        try:
            keys.check_passphrase(given)
        except Mistake as mistake:  # before it is typed once more
            typer.echo(f"release: {mistake}", err=True)
            continue
        if typer.prompt("The same once more", hide_input=True) == given:
            return given
        typer.echo("release: these were two different ones", err=True)
