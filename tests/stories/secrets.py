"""Searches what a device has told, on its console and in the cloud, for secrets that it must never tell.

`watch(desk)` is called by the fixture of conftest.py for every desk of every story; leaving the desk calls `search`.
"""

import base64
import json
import re
import sqlite3
from contextlib import closing

from cryptography.hazmat.primitives import serialization

from tools.cloud.store import FILE_NAME

# Where a device's words end up in the cloud: what it reports, the details of its jobs, what it retains or leaves.
_TOLD = {
    "shadows": ("state",),
    "job_executions": ("details",),
    "retained": ("payload",),
}
# On the console in CONFIG, and nowhere else: whoever reads it has the device in hand.
_SETUP_CODE = re.compile(r"CONFIG: setup code (\S+), ")
_BEGIN = re.compile(r"-----BEGIN [A-Z ]+-----")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{60,}={0,2}")
_BINARY = re.compile(r"(\\x[0-9a-f]{2}[^\\]{0,2}){12,}")


class SecretTold(AssertionError):
    """A secret was found where everybody can read it."""


def search(places, secrets):
    """Raise SecretTold when one of the `secrets` (texts), or what looks like a key or a token, is in one of `places`.

    `places`: {where: list of lines}.
    """
    for where, lines in places.items():
        codes = {code for line in lines for code in _SETUP_CODE.findall(line)}
        wanted = {*secrets, *codes, *(code.replace("-", "") for code in codes)}
        for line in lines:
            if not _SETUP_CODE.search(line):
                _search_line(where, line, wanted)


def _search_line(where, line, secrets):
    for secret in secrets:
        if secret in line:
            raise SecretTold(f"{where} tells the secret {secret!r}: {line}")
    if _BEGIN.search(line) or _BINARY.search(line) or any(_looks_secret(run) for run in _ENCODED.findall(line)):
        raise SecretTold(f"{where} tells what looks like a key, a certificate or a token: {line}")


def _looks_secret(run):
    # Not a certificate's id (hexadecimal), nor a path or a name in words.
    kinds = (str.isdigit, str.islower, str.isupper)
    return all(sum(map(kind, run)) > len(run) // 20 for kind in kinds) and run.count("/") < len(run) // 10


def told(desk, cloud_log):
    """{where: lines} of all that the device has told, on an open desk."""
    return {
        "the console": desk.device.lines,
        "the log in RTC memory": desk.device.rtc_memory.decode(errors="replace").split("\n"),
        "the cloud's log": cloud_log,
        **_told_in_the_cloud(desk.cloud.folder / FILE_NAME),
    }


def _told_in_the_cloud(path):
    found = {}
    with closing(sqlite3.connect(path)) as database:
        for table, columns in _TOLD.items():
            rows = database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            found[f"the cloud's {table}"] = [_text(value) for row in rows for value in row if value is not None]
    return found


def _text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def secrets_of(desk):
    """What the desk knows of secrets: passwords of Wi-Fi, the claim's key, and those of the settings file."""
    found = {point.password for point in desk.world.access_points() if point.password}
    keys = {desk.fleet.claim_key_pem}
    try:
        settings = json.loads(desk.device.read_file("/settings.json"))
        found |= {network.get("password") for network in settings.get("networks", ())}
        keys |= {entry.get("key") for entry in settings.get("certs", ())}
    except (OSError, ValueError, AttributeError, TypeError):
        pass  # a story whose settings are broken, or gone
    for key in filter(None, keys):
        found |= _forms(key)
    return {secret for secret in found if isinstance(secret, str) and len(secret) >= 8}


def _forms(pem):
    """Pieces of a private key by which it is known, in base64 and hexadecimal."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except ValueError:
        return set()
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return {base64.b64encode(der).decode()[20:44], der.hex()[40:72]}
