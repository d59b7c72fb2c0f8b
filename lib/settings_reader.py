"""Builds the `Settings` of documents: the layers put together, defaults filled in, every field checked."""

import settings_checks as checks
import settings_documents as documents
import settings_lacking as lacking
import settings_numbers as numbers
from settings_records import from_record
from settings_types import Group, Settings

_HARDWARE = "esp32"
_PREFIX = "awsesp"
_PAGE = "http://localhost:8765/"
_NTP = ("pool.ntp.org", "time.aws.com", "time.google.com")
_MQTT_PORT = 8883


def load(document, cert_warnings, stored, candidate):
    """See `settings.load`; `document` and `cert_warnings` are what `settings_certs.convert` made of the file."""
    warnings = []
    checks.warn_unknown(document, checks.FIELDS, "", warnings)
    effective = _check_file(document, warnings)
    warnings.extend(cert_warnings)
    for record in (stored, candidate):
        if record is not None:
            effective = documents.layer(effective, _document(record), warnings)
    return _build(effective, warnings)


def _document(record):
    if isinstance(record, dict):
        return record
    return from_record(*record)


def _check_file(document, warnings):
    """The document of a file in the form the layers have: only checked fields."""
    result = {name: document[name] for name in document if name not in ("networks", "aws", "app")}
    phone = {name: document[name] for name in ("networks", "aws", "app") if document.get(name) is not None}
    return documents.merge_cfg(result, phone, warnings)


def _build(document, warnings):
    certs = {entry["role"]: entry for entry in document.get("certs", ())}
    settings = Settings(
        {
            "warnings": warnings,
            "hardware": checks.word("hardware", document.get("hardware", _HARDWARE), 128, "._:+-"),
            "security": checks.one_of("security", document.get("security", "code"), checks.SECURITIES),
            "prefix": checks.hostname("prefix", document.get("prefix", _PREFIX), 21),
            "page": checks.text("page", document.get("page", _PAGE), 128),
            "hostname": _hostname(document.get("hostname")),
            "networks": [Group(entry) for entry in document.get("networks", ())],
            "app": {name: value for name, value in document.get("app", {}).items() if value is not None},
            "aws": _aws(document.get("aws", {})),
            "servers": _servers(_object(document, "servers"), warnings),
            "jobs": _jobs(_object(document, "jobs"), warnings),
            "health": _health(_object(document, "health"), warnings),
            "outbox": _outbox(_object(document, "outbox"), warnings),
            "limits": _numbers("limits", numbers.LIMITS, document, checks.whole, warnings),
            "timeouts": _numbers("timeouts", numbers.TIMEOUTS, document, checks.whole, warnings),
            "pins": _numbers("pins", numbers.PINS, document, checks.whole_or_null, warnings),
            "thing": _pair(certs.get("thing")),
            "claim": _pair(certs.get("claim")),
            "roots": certs["ca"]["roots"] if "ca" in certs else [],
            "download_roots": certs["download"]["roots"] if "download" in certs else None,
        }
    )
    if settings.security == "open":
        warnings.append("security is open: whoever is in range can configure this device")
    aws = settings.aws
    settings.lacking = lacking.of_device(settings.networks, aws.endpoint, settings.roots)
    settings.lacking_identity = lacking.of_identity(settings.thing, aws.thing, settings.claim, aws.template)
    return settings


def _hostname(name):
    return checks.hostname("hostname", name) if name is not None else None


def _aws(fields):
    group = Group({name: fields.get(name) for name in documents.AWS_FIELDS})
    group.port = group.port or _MQTT_PORT
    group.parameters = group.parameters or {}
    return group


def _servers(fields, warnings):
    checks.warn_unknown(checks.mapping("servers", fields), ("ntp",), "servers", warnings)
    names = fields.get("ntp")
    if names is None:
        names = list(_NTP)
    if not checks.sequence("servers.ntp", names, checks.MAX_NAME_SERVERS, "names"):
        raise checks.invalid("servers.ntp", "empty", "1 to %d names" % checks.MAX_NAME_SERVERS)
    return Group({"ntp": [checks.host("servers.ntp[%d]" % place, name) for place, name in enumerate(names)]})


def _jobs(fields, warnings):
    checks.warn_unknown(checks.mapping("jobs", fields), ("allow",), "jobs", warnings)
    names = fields.get("allow")
    if names is None:
        names = checks.OPERATIONS
    else:
        checks.sequence("jobs.allow", names, checks.MAX_OPERATIONS, "operations")
    return Group({"allow": [checks.word("jobs.allow[%d]" % place, name, 32, "_-") for place, name in enumerate(names)]})


def _health(fields, warnings):
    checks.warn_unknown(checks.mapping("health", fields), ("every_s", "to"), "health", warnings)
    to = checks.one_of("health.to", fields.get("to", checks.HEALTH_TO[0]), checks.HEALTH_TO)
    every_s = fields.get("every_s", 0)
    if every_s != 0:
        checks.whole("health.every_s", every_s, 300 if to == "defender" else 10, 604800)  # 300: Device Defender's limit
    return Group({"every_s": every_s, "to": to})


def _outbox(fields, warnings):
    checks.warn_unknown(checks.mapping("outbox", fields), ("place", "when_full"), "outbox", warnings)
    place = checks.one_of("outbox.place", fields.get("place", checks.OUTBOXES[0]), checks.OUTBOXES)
    when_full = checks.one_of("outbox.when_full", fields.get("when_full", checks.FULL[0]), checks.FULL)
    return Group({"place": place, "when_full": when_full})


def _numbers(path, table, document, check, warnings):
    fields = _object(document, path)
    checks.warn_unknown(checks.mapping(path, fields), [row[0] for row in table], path, warnings)
    values = {}
    for name, default, least, most in table:
        values[name] = check(checks.join(path, name), fields[name], least, most) if name in fields else default
    return Group(values)


def _pair(entry):
    return Group({"cert": entry["cert"], "key": entry["key"]}) if entry else None


def _object(document, name):
    value = document.get(name)
    return {} if value is None else value
