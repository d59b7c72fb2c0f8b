"""The values of policy variables (`${iot:ClientId}` and the like) for one connection.

Names as in the AWS IoT Core developer guide, "Basic", "Thing" and "X.509 certificate AWS IoT Core policy variables";
they are not case-sensitive, as in IAM.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import NameOID

from tools.cloud.interfaces import Identity, Thing
from tools.cloud.packets import Connect

_ATTRIBUTE = re.compile(r"attributes\[(.*)\]", re.IGNORECASE)
_CERTIFICATE_NAME = re.compile(r"(subject|issuer)\.([a-z]+)(?:\.(\d+))?")
_ALTERNATIVE = re.compile(r"subjectalternativename\.([a-z]+)(?:\.(\d+))?")
_NAME_PARTS = {
    "distinguishednamequalifier": NameOID.DN_QUALIFIER,
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalunit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "state": NameOID.STATE_OR_PROVINCE_NAME,
    "commonname": NameOID.COMMON_NAME,
    "serialnumber": NameOID.SERIAL_NUMBER,
    "title": NameOID.TITLE,
    "surname": NameOID.SURNAME,
    "givenname": NameOID.GIVEN_NAME,
    "initials": NameOID.INITIALS,
    "pseudonym": NameOID.PSEUDONYM,
    "generationqualifier": NameOID.GENERATION_QUALIFIER,
}
_ALTERNATIVE_KINDS = {
    "rfc822name": x509.RFC822Name,
    "dnsname": x509.DNSName,
    "uniformresourceidentifier": x509.UniformResourceIdentifier,
}


class ConnectionVariables:
    """Called with a variable's name, gives its value, a list for a key of several values, or None."""

    def __init__(self, identity: Identity, connect: Connect, source_ip: str, certificate_der: bytes):
        self._basic: dict[str, str | list[str]] = {
            "iot:clientid": connect.client_id,
            "aws:sourceip": source_ip,
            "iot:connectattributes": _connect_attributes(connect),
        }
        # AWS takes the thing's name from the client id, and believes it only of a thing that is attached to the
        # certificate.
        self._thing = next((thing for thing in identity.things if thing.name == connect.client_id), None)
        self._certificate_der = certificate_der

    def __call__(self, name: str) -> str | list[str] | None:
        folded = name.lower()
        if folded.startswith("iot:connection.thing."):
            return _of_thing(self._thing, name[len("iot:connection.thing.") :])
        if folded.startswith("iot:certificate."):
            return _of_certificate(self._certificate_der, folded[len("iot:certificate.") :])
        return self._basic.get(folded)


def _connect_attributes(connect: Connect) -> list[str]:
    return [
        *(["PersistentConnect"] if connect.keeps_session else []),
        *(["LastWill"] if connect.will else []),
    ]


def _of_thing(thing: Thing | None, name: str) -> str | None:
    if name.lower() == "isattached":
        return "true" if thing else "false"
    if thing is None:
        return None
    attribute = _ATTRIBUTE.fullmatch(name)
    if attribute:
        return thing.attributes.get(attribute.group(1))
    return {"thingname": thing.name, "thingtypename": thing.type_name}.get(name.lower())


def _of_certificate(der: bytes, name: str) -> str | None:
    if not der:
        return None
    certificate = x509.load_der_x509_certificate(der)
    if name == "serialnumber":
        return format(certificate.serial_number, "x")
    alternative = _ALTERNATIVE.fullmatch(name)
    if alternative:
        return _pick(_alternatives(certificate, alternative.group(1)), alternative.group(2))
    part = _CERTIFICATE_NAME.fullmatch(name)
    oid = _NAME_PARTS.get(part.group(2)) if part else None
    if part is None or oid is None:
        return None
    whole = certificate.subject if part.group(1) == "subject" else certificate.issuer
    return _pick((str(each.value) for each in whole.get_attributes_for_oid(oid)), part.group(3))


def _alternatives(certificate: x509.Certificate, kind: str) -> Iterable[str]:
    if kind not in _ALTERNATIVE_KINDS:
        return ()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return names.get_values_for_type(_ALTERNATIVE_KINDS[kind])


def _pick(values: Iterable[str], index: str | None) -> str | None:
    """The value at `index` (AWS: `CommonName.1` is the second), the first without one."""
    found = list(values)
    at = int(index or 0)
    return found[at] if at < len(found) else None
