"""What flash keeps of settings: a document there and back. A file of its own: it is needed where memory is short."""

import json

import errors
import records

SCHEMA = 1
# The part with the passwords goes into NVS, whose few KB are divided in flash_blobs.py.
MAX_SECRET = 1536

_ROLES = ("thing", "claim", "ca")


def to_record(document):
    """What flash keeps of a document: (secret, bulk) for `flash.save`. Raises `invalid_setting` when it is too long."""
    kept = {field: document[field] for field in ("networks", "aws", "emptied", "identity") if field in document}
    kept["schema"] = SCHEMA
    secret = _compact(kept).encode()
    if len(secret) > MAX_SECRET:
        problem = "%d bytes with aws" % len(secret)
        raise _invalid("networks", problem, "at most %d bytes; empty the list with networks: null" % MAX_SECRET)
    fields = {"app": _compact(document["app"])} if "app" in document else {}
    for entry in document.get("certs", ()):
        for part in ("cert", "key"):
            fields["%s.%s" % (entry["role"], part)] = entry.get(part)
    return secret, records.pack(fields)


def from_record(secret, bulk=b""):
    """The document of what flash kept. Raises `invalid_setting`, `settings_too_new`."""
    try:
        document = json.loads(secret)
        fields = records.unpack(bulk)
        if "app" in fields:
            document["app"] = json.loads(fields["app"])
    except (ValueError, TypeError):
        raise _invalid("settings in flash", "not readable", "what this firmware wrote")
    certs = [
        {"role": role, "cert": fields[role + ".cert"], "key": fields.get(role + ".key")}
        for role in _ROLES
        if role + ".cert" in fields
    ]
    if certs:
        document["certs"] = certs
    if isinstance(document, dict) and document.get("schema") == SCHEMA:
        return document
    import settings_checks as checks  # of another firmware, or empty
    from settings_schema import migrate

    return migrate(checks.mapping("settings in flash", document))


def _compact(value):
    return json.dumps(value, separators=(",", ":"))


def _invalid(*details):
    return errors.error("invalid_setting", *details)
