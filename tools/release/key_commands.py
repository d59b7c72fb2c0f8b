"""The commands that need no network: keys, signatures, images for simulated devices."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from tools.interpreter import LIB
from tools.release import document as documents
from tools.release import images, keys
from tools.release import options as opt
from tools.release.screen import Screen
from tools.release.signing import Signing, passphrase
from tools.release.trouble import Mistake


def keygen(
    kid: Annotated[str, typer.Option("--kid", help="Id of the new key.")] = "k1",
    folder: opt.Keys = keys.FOLDER,
    trusted: opt.Trusted = keys.TRUSTED,
):
    """Make a key that signs releases, and let the firmware trust it.

    It is a P-256 key; its private half is encrypted in a file of its own. Make two before you ship: devices take
    updates that are signed with any key they trust, and the second one, kept somewhere else, is how the first can be
    replaced when it is lost or stolen.
    """
    with opt.guarded():
        screen = Screen()
        known = keys.trusted(trusted)
        if kid in known:
            raise Mistake(f"the firmware trusts a key called {kid!r} already: take another --kid")
        keys.check_new(kid, folder)  # before a passphrase is thought of
        key = keys.create(kid, folder, passphrase(f"Passphrase for the new key {kid}", is_new=True))
        try:
            keys.trust(kid, keys.public_hex(key), trusted)
        except BaseException:  # a key that no firmware knows would only keep the next `keygen` from its name
            keys.private_file(kid, folder).unlink()
            raise
        screen.say(f"The private key, encrypted: {keys.private_file(kid, folder)}")
        screen.say(f"The public key is in {_shown(trusted)}: commit it, and build the firmware with it.")
        screen.say("Back up the private key AND its passphrase, apart from each other: when all your keys are lost,")
        screen.say("devices take no update ever again.")
        if not known:
            screen.say('Now make a second one: make release ARGS="keygen --kid k2"', "yellow")


def revoke(
    kid: Annotated[str, typer.Argument(help="Id of the key.")],
    trusted: opt.Trusted = keys.TRUSTED,
    last: Annotated[bool, typer.Option("--last", help="Even the last one.")] = False,
):
    """Let the firmware trust a key no more. Devices follow once they run an image that was built like that.

    That image must be signed with a key that they still trust, best with another one than the revoked.
    """
    with opt.guarded():
        keys.revoke(kid, trusted, last)
        screen = Screen()
        screen.say(f"{_shown(trusted)} does not trust {kid} any more: commit it, build a release with a --min-version")
        screen.say("of its own version, so that nothing older comes back, and sign it with another key.")


def list_keys(folder: opt.Keys = keys.FOLDER, trusted: opt.Trusted = keys.TRUSTED):
    """The keys that the firmware trusts. It says, too, whether their private halves are here."""
    with opt.guarded():
        known = keys.trusted(trusted)
        rows = [[kid, public[:16] + "...", _here(kid, folder)] for kid, public in sorted(known.items())]
        others = sorted({path.stem for path in folder.glob("*.pem")} - known.keys())
        rows += [[kid, "not trusted by this firmware", _here(kid, folder)] for kid in others]
        screen = Screen()
        if not known:
            screen.say("The firmware of this checkout trusts no key: devices that are flashed with it take no update.")
            screen.say('Make one before the first is flashed: make release ARGS="keygen --kid k1"')
        if rows:
            screen.table(["key", "public key", "private key"], rows)


def sign(
    image: opt.Image,
    kid: opt.Kid = None,
    folder: opt.Keys = keys.FOLDER,
    version: opt.Version = None,
    hardware: opt.Hardware = "esp32",
    min_version: opt.MinVersion = "0.0.0",
    force: opt.Force = "0",
    url: Annotated[str, typer.Option(help="Where the image lies; `publish` fills it in.")] = documents.NO_LINK,
    out: Annotated[Path | None, typer.Option(help="Write the document there instead of printing it.")] = None,
):
    """Sign an image, without the network. Prints the job document of its update, with the signature."""
    with opt.guarded():
        if out is not None:
            _require_place(out)  # before a passphrase is typed
        _, document = Signing(kid, folder, version, hardware, min_version, force).sign(image, url)
        text = json.dumps(document, indent=2)
        if out is None:
            typer.echo(text)
        else:
            out.write_text(text + "\n", encoding="utf-8")
            Screen().say(f"{document['version']} for {document['hardware']}, signed with {document['kid']}: {out}")


def image(
    version: Annotated[str, typer.Option("--version", help="What release.py in it says.")],
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("firmware.sim.bin"),
    lib: Annotated[Path, typer.Option(help="The firmware's modules.", exists=True, file_okay=False)] = LIB,
    size: Annotated[int | None, typer.Option(help="Fill it up to so many bytes, a multiple of 16.")] = None,
    thin: Annotated[bool, typer.Option("--thin", help="Only what differs from this checkout: some KB.")] = False,
):
    """Make an image for simulated devices from this checkout.

    Simulated devices that take updates are `make sim ARGS="--image ota"`. For the chip build one with ESP-IDF:
    firmware/README.md.
    """
    from tools.sim import firmware

    with opt.guarded():
        if not images.is_version(version):
            raise Mistake(f"--version {version}: say x.y.z, three numbers, such as 1.1.0")
        _require_place(out)
        try:
            data = firmware.build(version, lib=lib, thin=thin, size=size)
        except ValueError as error:
            raise Mistake(str(error)) from error
        out.write_bytes(data)
        Screen().say(f"{out}: {version}, {len(data)} bytes, for simulated devices")


def _require_place(out: Path) -> None:
    """Raise OSError where no file of this name can be."""
    if out.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(out))
    if not out.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(out))


def _here(kid: str, folder: Path) -> str:
    path = keys.private_file(kid, folder)
    return str(path) if path.exists() else "not here"


def _shown(path: Path) -> str:
    return min(os.path.relpath(path), str(path), key=len)
