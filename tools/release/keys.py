"""The keys of releases: private ones encrypted in files, the public ones in the firmware's lib/ota/keys.py.

A private key is worth the whole fleet: it is never written without a passphrase, never printed, and never inside the
checkout unless somebody says so.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from pathlib import Path

import typer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tools.interpreter import LIB
from tools.release.trouble import Mistake

FOLDER = Path(typer.get_app_dir("awsiot-esp32")) / "release-keys"
TRUSTED = LIB / "ota" / "keys.py"

_KID = re.compile(r"[A-Za-z0-9._:+-]{1,32}")
_PUBLIC = re.compile("04[0-9a-fA-F]{128}")
_SHORTEST = 8
_LONGEST = 1023  # OpenSSL's
_HALF = 66  # hex digits of a line


class WrongPassphrase(Mistake):
    """Whoever is there may type it again."""


def create(kid: str, folder: Path, passphrase: str) -> ec.EllipticCurvePrivateKey:
    """A new P-256 key in `folder`, encrypted. Never over one that is there."""
    check_new(kid, folder)
    check_passphrase(passphrase)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(_bytes(passphrase)))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = private_file(kid, folder)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise _there_already(path) from None
    try:
        with open(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(handle)  # before the firmware trusts it
    except BaseException as error:  # Ctrl-C, too
        path.unlink()
        if isinstance(error, OSError):
            raise Mistake(f"{path}: {error.strerror}") from None
        raise
    return key


def check_new(kid: str, folder: Path) -> None:
    """Raise Mistake where `create` could make no key of that id."""
    if not _KID.fullmatch(kid):
        raise Mistake(f"{kid!r} is no key id: 1 to 32 letters, digits and . _ : + -")
    if private_file(kid, folder).exists():
        raise _there_already(private_file(kid, folder))


def check_passphrase(passphrase: str) -> None:
    """Raise Mistake unless it is good for a new key."""
    if len(passphrase) < _SHORTEST:
        raise Mistake(f"the passphrase protects the whole fleet: take at least {_SHORTEST} characters")
    if len(_bytes(passphrase)) > _LONGEST:
        raise Mistake(f"a passphrase has at most {_LONGEST} bytes")


def _bytes(passphrase: str) -> bytes:
    return passphrase.encode("utf-8", "surrogateescape")  # as it was typed, in whatever encoding


def _there_already(path: Path) -> Mistake:
    return Mistake(f"{path} is there already: a key is never replaced. Take another --kid")


def private_file(kid: str, folder: Path) -> Path:
    return folder / f"{kid}.pem"


def find(kid: str | None, folder: Path) -> str:
    """The id of the private key to sign with: the one that was asked for, or the only one that is there."""
    there = sorted(path.stem for path in folder.glob("*.pem"))
    if kid is None and len(there) == 1:
        return there[0]
    if kid is None:
        raise Mistake(f"say --kid, one of: {', '.join(there)}" if there else _no_key(folder))
    if kid not in there:
        raise Mistake(f"no private key {kid!r} in {folder}; there are: {', '.join(there) or 'none'}")
    return kid


def load(kid: str, folder: Path, passphrase: str) -> ec.EllipticCurvePrivateKey:
    """The private key of that id."""
    path = private_file(kid, folder)
    try:
        key = load_pem_private_key(path.read_bytes(), _bytes(passphrase))
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error
    except TypeError:
        raise Mistake(f"{path} is not encrypted: make a new key with keygen, and revoke this one") from None
    except ValueError:
        raise WrongPassphrase(f"{path}: that is not its passphrase, or the file is damaged") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise Mistake(f"{path} is no P-256 key")
    return key


def public_hex(key: ec.EllipticCurvePrivateKey) -> str:
    """Its public half as the firmware has it: uncompressed point, in hex."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()


def trusted(file: Path = TRUSTED) -> dict[str, str]:
    """{kid: public key} that the firmware trusts."""
    try:
        for node in ast.parse(_text(file)).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "KEYS":
                return _checked(dict(ast.literal_eval(node.value)), file)
    except (SyntaxError, ValueError, TypeError, AttributeError):
        pass
    raise Mistake(f"{file} has no KEYS that can be read: restore it from version control")


def _checked(found: dict, file: Path) -> dict[str, str]:
    for kid, public in found.items():
        if not isinstance(public, str) or not _PUBLIC.fullmatch(public):
            raise Mistake(f"{file}: {kid} is no public key: restore it from version control")
    return found


def trust(kid: str, public: str, file: Path = TRUSTED) -> None:
    """Let the firmware trust a key."""
    there = trusted(file)
    if there.get(kid, public) != public:
        raise Mistake(f"the firmware trusts another key called {kid!r} already: take another --kid")
    _write({**there, kid: public}, file)


def revoke(kid: str, file: Path = TRUSTED, last_too: bool = False) -> None:
    """Let the firmware not trust a key any more."""
    there = trusted(file)
    if kid not in there:
        raise Mistake(f"the firmware does not trust {kid!r}; it trusts: {', '.join(there) or 'no key'}")
    if len(there) == 1 and not last_too:
        raise Mistake(f"{kid!r} is the last key: devices with this firmware would take no update ever again (--last)")
    _write({known: public for known, public in there.items() if known != kid}, file)


def _write(keys: dict[str, str], file: Path) -> None:
    head = _text(file).rpartition("\nKEYS = ")[0] + "\n"
    lines = [f'    "{kid}": "{public[:_HALF]}"\n    "{public[_HALF:]}",' for kid, public in sorted(keys.items())]
    body = "KEYS = {\n" + "\n".join(lines) + "\n}\n" if lines else "KEYS = {}\n"
    new = file.with_name(file.name + ".new")  # a full disk leaves the old keys
    try:
        new.write_text(head + body, encoding="utf-8")
        shutil.copymode(file, new)
        new.replace(file)
    except BaseException as error:
        new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Mistake(f"{file}: {error.strerror}") from None
        raise


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from error


def _no_key(folder: Path) -> str:
    return f"there is no private key in {folder}: make one with `make release ARGS=keygen`, or say --keys FOLDER"
