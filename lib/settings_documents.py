"""Settings as plain documents (dicts as JSON gives them): read, brought to the current schema, merged, kept.

The settings file, what flash holds and what the phone sends are laid one over the other by the same code, so a rule is
checked in one place. In a document here `certs` hold DER (bytes), not PEM; `emptied` names the fields that were set to
null as a whole, so that the layer below does not shine through.
"""

import json

import certificates
import errors
import records
import settings_checks as checks

SCHEMA = 1
MAX_APP = 4096
# The part with the passwords goes into NVS, whose few KB are divided in flash_records.py.
MAX_SECRET = 1536

FIELDS = ("schema", "hardware", "security", "hostname", "networks", "aws", "app", "certs", "servers", "limits",
          "timeouts", "pins")  # fmt: skip
AWS_FIELDS = ("endpoint", "port", "thing", "template", "parameters")
NETWORK_FIELDS = ("ssid", "password")
CERT_FIELDS = ("role", "cert", "key")
_PHONE_FIELDS = ("networks", "aws", "app")


def migrate(document):
    """The document in the current schema. The one given stays as it is: the firmware before an update reads it, too."""
    schema = document.get("schema")
    if schema is None:
        schema = 0 if "awsConfig" in document or "pWifiSsid" in document else SCHEMA
    if not checks.is_whole(schema) or schema < 0:
        raise checks.invalid("schema", checks.shown(schema), "the whole number %d" % SCHEMA)
    if schema > SCHEMA:
        raise errors.error("settings_too_new", str(schema)[:20], SCHEMA)
    while schema < SCHEMA:
        document = _MIGRATIONS[schema](document)
        schema += 1
    return document


def merge_cfg(document, dat, warnings=None):
    """A new document: `document` with what the phone's CFG gives. Raises `invalid_setting`; see docs/settings.md."""
    warnings = [] if warnings is None else warnings
    checks.warn_unknown(checks.mapping("dat", dat), _PHONE_FIELDS, "", warnings)
    result = dict(document)
    for field in _PHONE_FIELDS:
        if field not in dat:
            continue
        if dat[field] is None:
            _empty(result, field)
        else:
            result[field] = _MERGE[field](result.get(field), dat[field], warnings)
    return result


def merge_cert(document, dat, path="", warnings=None):
    """A new document: `document` with what the phone's CERT gives, as DER; it replaces what was there for the role.

    Raises `invalid_setting`, `bad_certificate` or `key_mismatch`, each with the path or role in its sentence.
    """
    checks.warn_unknown(checks.mapping(path or "dat", dat), CERT_FIELDS, path, [] if warnings is None else warnings)
    role = checks.one_of(checks.join(path, "role"), dat.get("role"), checks.ROLES)
    for field in ("cert",) if role == "ca" else ("cert", "key"):
        if not dat.get(field):
            raise checks.invalid(checks.join(path, field), "missing", "PEM, DER in base64")
    if role == "ca" and dat.get("key") is not None:
        raise checks.invalid(checks.join(path, "key"), "not wanted", "no key for the role ca; keep a CA's key at home")
    try:
        entry = _convert(role, dat)
    except errors.PersonError as problem:
        raise errors.PersonError(problem.code, "%s: %s" % (path or role, problem.message))
    result = dict(document)
    result["certs"] = [entry] + [other for other in document.get("certs", ()) if other["role"] != role]
    return result


def layer(below, above, warnings):
    """A new document: `above`, from flash, over `below`."""
    result = dict(below)
    for field in above.get("emptied", ()):
        if field in _PHONE_FIELDS:
            _empty(result, field)
    result = merge_cfg(result, {field: above[field] for field in _PHONE_FIELDS if field in above}, warnings)
    for entry in above.get("certs", ()):
        result = merge_cert(result, entry)
    return result


def to_record(document):
    """What flash keeps of a document: (secret, bulk) for `flash.save`. Raises `invalid_setting` when it is too long."""
    kept = {field: document[field] for field in ("networks", "aws", "emptied") if field in document}
    kept["schema"] = SCHEMA
    secret = _compact(kept).encode()
    if len(secret) > MAX_SECRET:
        problem = "%d bytes with aws" % len(secret)
        raise checks.invalid("networks", problem, "at most %d bytes; empty the list with networks: null" % MAX_SECRET)
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
        raise checks.invalid("settings in flash", "not readable", "what this firmware wrote")
    certs = [
        {"role": role, "cert": fields[role + ".cert"], "key": fields.get(role + ".key")}
        for role in checks.ROLES
        if role + ".cert" in fields
    ]
    if certs:
        document["certs"] = certs
    return migrate(checks.mapping("settings in flash", document))


def _compact(value):
    return json.dumps(value, separators=(",", ":"))


def _empty(document, field):
    document[field] = [] if field == "networks" else {}
    emptied = document.get("emptied", [])
    document["emptied"] = emptied if field in emptied else emptied + [field]


def _convert(role, dat):
    if role == "ca":
        return {"role": role, "cert": b"".join(certificates.certificates(dat["cert"], "cert"))}
    cert, key = certificates.pair(dat["cert"], dat["key"], role)
    return {"role": role, "cert": cert, "key": key}


def _merge_networks(below, above, warnings):
    """New ones first, each name once; what is beyond the limit falls off the end."""
    known = {network["ssid"]: network["password"] for network in below or ()}
    merged = {}
    order = []
    for place, network in enumerate(checks.sequence("networks", above, checks.MAX_NETWORKS, "networks")):
        path = "networks[%d]" % place
        checks.warn_unknown(checks.mapping(path, network), NETWORK_FIELDS, path, warnings)
        name = checks.ssid(path + ".ssid", network.get("ssid"))
        if "password" not in network and name not in known:
            raise checks.invalid(path + ".password", "missing", "the password, or null for an open network")
        if name not in merged:
            order.append(name)
        merged[name] = checks.password(path + ".password", network.get("password", known.get(name)))
    order.extend([network["ssid"] for network in below or () if network["ssid"] not in merged])
    known.update(merged)
    for name in order[checks.MAX_NETWORKS :]:
        warnings.append('network "%s" fell off the list: at most %d are kept' % (name, checks.MAX_NETWORKS))
    return [{"ssid": name, "password": known[name]} for name in order[: checks.MAX_NETWORKS]]


def _merge_aws(below, above, warnings):
    checks.warn_unknown(checks.mapping("aws", above), AWS_FIELDS, "aws", warnings)
    result = dict(below or {})
    for field in AWS_FIELDS:
        if field in above:
            result[field] = _AWS_CHECKS[field]("aws." + field, above[field]) if above[field] is not None else None
    return result


def _merge_app(below, above, _warnings):
    result = dict(below or {})
    result.update(checks.mapping("app", above))
    size = len(_compact(result))
    if size > MAX_APP:
        raise checks.invalid("app", "%d bytes as JSON" % size, "at most %d" % MAX_APP)
    return result


def _parameters(path, value):
    if len(checks.mapping(path, value)) > checks.MAX_PARAMETERS:
        raise checks.invalid(path, "%d entries" % len(value), "at most %d" % checks.MAX_PARAMETERS)
    for name in value:
        checks.text("%s.%s" % (path, name[:32]), value[name], 256)
    return value


_MERGE = {"networks": _merge_networks, "aws": _merge_aws, "app": _merge_app}
_AWS_CHECKS = {
    "endpoint": checks.endpoint,
    "port": lambda path, value: checks.whole(path, value, 1, 65535),
    "thing": lambda path, value: checks.word(path, value, 128, ":_-"),
    "template": lambda path, value: checks.word(path, value, 36, "_-"),
    "parameters": _parameters,
}


def _from_original(document):
    """The names of the original library's `systemInitConfig_st`, written as JSON, its spelling included."""
    aws = checks.mapping("awsConfig", document.get("awsConfig", {}))
    result = {name: document[name] for name in document if name in FIELDS}
    if "pWifiSsid" in document:
        result["networks"] = [{"ssid": document["pWifiSsid"], "password": document.get("pWifiPwd")}]
    result["aws"] = {new: aws[old] for old, new in _ORIGINAL_AWS if old in aws}
    result["certs"] = [_original_cert(aws, *names) for names in _ORIGINAL_CERTS if aws.get(names[1])]
    result["schema"] = 1
    return result


_ORIGINAL_AWS = (
    ("pHostNameStr", "endpoint"),
    ("port_u16", "port"),
    ("pThingNameStr", "thing"),
    ("pClaimTemplateStr", "template"),
)
_ORIGINAL_CERTS = (
    ("ca", "pRootCaStr", None),
    ("claim", "pCaimCertStr", "pClaimPrivateKeyStr"),
    ("claim", "pClaimCertStr", "pClaimPrivateKeyStr"),
    ("thing", "pThingCertStr", "pThingPrivateKeyStr"),
)


def _original_cert(aws, role, cert, key):
    return {"role": role, "cert": aws[cert], "key": aws.get(key) if key else None}


# Schema -> what makes a document of the next one out of it.
_MIGRATIONS = {0: _from_original}
