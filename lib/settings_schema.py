"""Documents of earlier schemas, brought to the current one."""

import errors
import settings_checks as checks
from settings_records import SCHEMA


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


def _from_original(document):
    """The names of the original library's `systemInitConfig_st`, written as JSON, its spelling included."""
    aws = checks.mapping("awsConfig", document.get("awsConfig", {}))
    result = {name: document[name] for name in document if name in checks.FIELDS}
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
