"""What a device is to be told, as the messages that tell it: CFG and CERT, from a settings file or from a person.

A settings file is /settings.json as docs/settings.md has it. It is read and checked by the firmware's own words.
"""

import json
from typing import NamedTuple

from tools import person_json
from tools.configure import credentials
from tools.configure.firmware import codes, errors, framing, settings, settings_certs, settings_checks, settings_schema
from tools.configure.session import OVERHEAD
from tools.configure.trouble import Mistake

_CFG = ("networks", "aws", "app")
_OF_THE_FILE = set(settings_checks.FIELDS) - {"schema", "certs", *_CFG}
_LARGEST = framing.LARGEST - OVERHEAD


class Message(NamedTuple):
    """One message; `label` says to a person what it is."""

    typ: str
    dat: dict
    label: str


class Plan(NamedTuple):
    """`messages` to send before APPLY; `networks`: names; `notes`: sentences for the person."""

    messages: list
    networks: list
    notes: list


def from_file(data):
    """The `Plan` of a settings file (bytes or str). Raises Mistake with the firmware's own sentence."""
    try:
        document = person_json.parse(data)
    except ValueError as error:
        raise Mistake(f"it is not JSON: {error}") from error
    try:
        checked = settings.load(json.dumps(document))
        document = settings_schema.migrate(settings_checks.mapping("the file", document))
        cfg = {name: document[name] for name in _CFG if document.get(name) is not None}
        carried = [entry for entry in document.get("certs") or () if entry["role"] in settings_checks.ROLES]
        certs = [settings_certs.merge_cert({}, entry)["certs"][0] for entry in carried]
        return plan(cfg, certs, [*checked.warnings, *_left_out(document), *_missing(checked)])
    except errors.PersonError as error:
        raise Mistake(error.message) from error


def from_person(networks, aws, role, found):
    """The `Plan` of what a person decided: `role` "thing", "claim" or None, `found` the `Credentials` or None."""
    cfg = {}
    if networks:
        cfg["networks"] = networks
    if aws:
        cfg["aws"] = aws
    certs = []
    if found and found.roots:
        certs.append({"role": "ca", "roots": found.roots})
    if found and found.cert and role:
        certs.append({"role": role, "cert": found.cert, "key": found.key})
    return plan(cfg, certs, [])


def plan(cfg, certs, notes):
    """The `Plan` for a CFG and entries as `settings_certs` makes them, each of them within the device's limits."""
    kept = [{"ssid": one["ssid"], "password": None} for one in cfg.get("networks", ()) if "password" not in one]
    try:
        settings.to_record(settings.merge_cfg({"networks": kept}, cfg))
    except errors.PersonError as error:
        raise Mistake(error.message) from error
    messages = [Message("CFG", cfg, "settings")] if cfg else []
    messages += [_cert(entry) for entry in sorted(certs, key=lambda entry: entry["role"])]
    for message in messages:
        _check_size(message)
    notes += [note for entry in certs for der in entry.get("roots") or [entry["cert"]] if (note := _dates(der))]
    return Plan(messages, [network["ssid"] for network in cfg.get("networks", ())], notes)


def _cert(entry):
    role = entry["role"]
    if role == "ca":
        return Message("CERT", {"role": role, "cert": credentials.cert_pem(entry["roots"])}, "trusted root")
    if credentials.public_of_key(entry["key"]) != settings_certs.certificates.public_key(entry["cert"]):
        raise Mistake(f"certs, role {role}: the private key does not belong to the certificate")
    dat = {"role": role, "cert": credentials.cert_pem([entry["cert"]]), "key": credentials.key_pem(entry["key"])}
    return Message("CERT", dat, f"{role} certificate and key")


def _check_size(message):
    size = len(json.dumps({"typ": message.typ, "id": 99, "dat": message.dat}, ensure_ascii=False).encode())
    if size > _LARGEST:
        way_on = codes.sentence(codes.TOO_LARGE)
        raise Mistake(f"the {message.label}: {size} bytes, at most {_LARGEST} fit into one message. {way_on}")


def _dates(der):
    return credentials.date_note(der)


def _left_out(document):
    names = sorted(_OF_THE_FILE & document.keys())
    roles = {entry["role"] for entry in document.get("certs") or ()} - set(settings_checks.ROLES)
    names += [f"certs of the role {role}" for role in sorted(roles)]
    if not names:
        return []
    return [f"not sent: {', '.join(names)}. Bluetooth carries networks, aws, app and certs; the rest is the file's"]


def _missing(checked):
    missing = checked.missing()
    return [f"the file alone is not enough for a new device: it lacks {', '.join(missing)}"] if missing else []
