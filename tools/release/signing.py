"""An image and a key become a signed document."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from tools.release import document as documents
from tools.release import images, keys
from tools.release.trouble import Mistake


@dataclass
class Signing:
    """What a person chose, on the command line. `version` None: what the image or the checkout says."""

    kid: str | None
    folder: Path
    version: str | None
    hardware: str
    min_version: str
    force: str

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
        key = keys.load(kid, self.folder, passphrase(f"Passphrase of the key {kid}"))
        if keys.trusted().get(kid) != keys.public_hex(key):
            typer.echo(f"release: beware: the firmware of this checkout does not trust this {kid}", err=True)
        return data, documents.sign(release, kid, key, url)


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
