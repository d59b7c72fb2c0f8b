"""The device's settings: what the settings file, flash and the phone say -> checked and typed, or an error in words.

    settings.load(flash.settings_file(), flash.load("settings"), flash.load("candidate")).aws.endpoint

Every field, its default and its limits are in docs/settings.md, which a test holds against the code.
"""

import certificates
import settings_checks as checks
import settings_documents as documents
from settings_documents import from_record, merge_cert, merge_cfg, to_record

__all__ = ("SCHEMA", "Settings", "from_record", "load", "merge_cert", "merge_cfg", "to_record")

SCHEMA = documents.SCHEMA

_HARDWARE = "esp32"
_HOSTNAME = "awsesp"
_NTP = ("pool.ntp.org", "time.aws.com", "time.google.com")
_PORT = 8883


def load(file, stored=None, candidate=None):
    """The `Settings` of the settings file (bytes, str or None), under what flash holds, under a candidate.

    `stored` and `candidate` are records as `flash.load` returns them: (secret, bulk), or None. Raises
    `invalid_setting`, `settings_too_new`, `bad_certificate`, `key_mismatch`; each names the field.
    """
    warnings = []
    document = {} if file is None else documents.read(file)
    checks.warn_unknown(document, documents.FIELDS, "", warnings)
    effective = _check_file(document, warnings)
    for record in (stored, candidate):
        if record is not None:
            effective = documents.layer(effective, _document(record), warnings)
    return Settings(effective, warnings)


def _document(record):
    if isinstance(record, dict):
        return record
    if isinstance(record, (bytes, str)):
        return from_record(record)
    return from_record(*record)


def _check_file(document, warnings):
    """The document of a file in the form the layers have: certificates as DER, only checked fields."""
    result = {name: document[name] for name in document if name not in ("networks", "aws", "app", "certs")}
    phone = {name: document[name] for name in ("networks", "aws", "app") if document.get(name) is not None}
    result = merge_cfg(result, phone, warnings)
    certs = [] if document.get("certs") is None else document["certs"]
    for place, entry in enumerate(checks.sequence("certs", certs, len(checks.ROLES), "roles")):
        path = "certs[%d]" % place
        if any(other["role"] == checks.mapping(path, entry).get("role") for other in result.get("certs", ())):
            raise checks.invalid(path + ".role", "twice", "one entry for each role; a ca may hold several certificates")
        result = merge_cert(result, entry, path, warnings)
    return result


class Network:
    """A Wi-Fi network: `ssid` and `password`, None for an open one."""

    __slots__ = ("password", "ssid")

    def __init__(self, ssid, password):
        self.ssid = ssid
        self.password = password


class Pair:
    """A certificate and its private key, both DER: `cert`, `key`."""

    __slots__ = ("cert", "key")

    def __init__(self, cert, key):
        self.cert = cert
        self.key = key


class Aws:
    """Where the cloud is and who the device is there; None for what is not set."""

    __slots__ = ("endpoint", "parameters", "port", "template", "thing")

    def __init__(self, fields):
        self.endpoint = fields.get("endpoint")
        self.port = fields.get("port") or _PORT
        self.thing = fields.get("thing")
        self.template = fields.get("template")
        self.parameters = fields.get("parameters") or {}


class Servers:
    """`ntp`: names of the time servers, the first one asked first."""

    __slots__ = ("ntp",)

    def __init__(self, fields, warnings):
        checks.warn_unknown(checks.mapping("servers", fields), ("ntp",), "servers", warnings)
        names = fields.get("ntp")
        if names is None:
            names = list(_NTP)
        if not checks.sequence("servers.ntp", names, checks.MAX_NAME_SERVERS, "names"):
            raise checks.invalid("servers.ntp", "empty", "1 to %d names" % checks.MAX_NAME_SERVERS)
        self.ntp = [checks.host("servers.ntp[%d]" % place, name) for place, name in enumerate(names)]


class Numbers:
    """The fields of one table of `settings_checks`, each an attribute."""

    def __init__(self, path, table, fields, check, warnings):
        checks.warn_unknown(checks.mapping(path, fields), [row[0] for row in table], path, warnings)
        for name, default, least, most in table:
            value = check(checks.join(path, name), fields[name], least, most) if name in fields else default
            setattr(self, name, value)


class Settings:
    """The checked settings. `warnings` are sentences about what was found and left out."""

    def __init__(self, document, warnings):
        self.warnings = warnings
        self.hardware = checks.word("hardware", document.get("hardware", _HARDWARE), 128, "._:+-")
        self.security = checks.one_of("security", document.get("security", "code"), checks.SECURITIES)
        self.hostname = checks.hostname("hostname", document.get("hostname", _HOSTNAME))
        self.networks = [Network(entry["ssid"], entry["password"]) for entry in document.get("networks", ())]
        self.aws = Aws(document.get("aws", {}))
        self.app = {name: value for name, value in document.get("app", {}).items() if value is not None}
        self.servers = Servers(_object(document, "servers"), warnings)
        self.limits = Numbers("limits", checks.LIMITS, _object(document, "limits"), checks.whole, warnings)
        self.timeouts = Numbers("timeouts", checks.TIMEOUTS, _object(document, "timeouts"), checks.whole, warnings)
        self.pins = Numbers("pins", checks.PINS, _object(document, "pins"), checks.whole_or_null, warnings)
        certs = {entry["role"]: entry for entry in document.get("certs", ())}
        self.thing = _pair(certs.get("thing"))
        self.claim = _pair(certs.get("claim"))
        self.roots = certificates.certificates(certs["ca"]["cert"]) if "ca" in certs else []

    def missing(self, has_thing=False):
        """What keeps the device from NORMAL, in words; empty when nothing does.

        `has_thing`: flash holds a thing's name, certificate and key from an earlier enrolment.
        """
        found = []
        if not self.networks:
            found.append("a Wi-Fi network (networks)")
        if not self.aws.endpoint:
            found.append("the address of the cloud (aws.endpoint)")
        if not self.roots:
            found.append("a trusted root (certs, role ca)")
        if not has_thing:
            found.extend(self._missing_identity())
        return found

    def _missing_identity(self):
        if (self.thing and self.aws.thing) or (self.claim and self.aws.template):
            return []
        if self.thing:
            return ["the thing's name (aws.thing)"]
        if self.claim:
            return ["the provisioning template (aws.template)"]
        return ["thing or claim credentials (certs, role thing or claim)"]


def _pair(entry):
    return Pair(entry["cert"], entry["key"]) if entry else None


def _object(document, name):
    value = document.get(name)
    return {} if value is None else value
