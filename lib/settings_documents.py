"""Settings as plain documents (dicts as JSON gives them): laid one over the other.

The settings file, what flash holds and what the phone sends are laid one over the other by the same code, so a rule is
checked in one place. In a document here `certs` hold DER (bytes), not PEM; `emptied` names the fields that were set to
null as a whole, so that the layer below does not shine through; `identity` which credentials a candidate brings.
"""

import json

import settings_checks as checks

MAX_APP = 4096

AWS_FIELDS = ("endpoint", "port", "thing", "template", "parameters", "status")
NETWORK_FIELDS = ("ssid", "password")
_PHONE_FIELDS = ("networks", "aws", "app")


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


def layer(below, above, warnings):
    """A new document: `above`, from flash, over `below`."""
    result = dict(below)
    for field in above.get("emptied", ()):
        if field in _PHONE_FIELDS:
            _empty(result, field)
    result = merge_cfg(result, {field: above[field] for field in _PHONE_FIELDS if field in above}, warnings)
    if "certs" in above:
        from settings_certs import merge_cert

        for entry in above["certs"]:
            result = merge_cert(result, entry)
    return result


def _compact(value):
    return json.dumps(value, separators=(",", ":"))


def _empty(document, field):
    document[field] = [] if field == "networks" else {}
    emptied = document.get("emptied", [])
    document["emptied"] = emptied if field in emptied else emptied + [field]


def _merge_networks(below, above, warnings):
    """New ones first, each name once; what is beyond the limit falls off the end."""
    known = {network["ssid"]: network["password"] for network in below or ()}
    merged = {}
    order = []
    for place, network in enumerate(checks.sequence("networks", above, checks.MAX_NETWORKS, "networks")):
        path = "networks[%d]" % place
        checks.warn_unknown(checks.mapping(path, network), NETWORK_FIELDS, path, warnings)
        name = network["ssid"] = checks.ssid(path + ".ssid", network.get("ssid"))
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
    text = _compact(result)
    if len(text) > MAX_APP:
        raise checks.invalid("app", "%d bytes as JSON" % len(text), "at most %d" % MAX_APP)
    if "inf" in text or "nan" in text:  # 1e999 is read, and written as what nobody reads any more
        try:
            json.loads(text)
        except ValueError:
            raise checks.invalid("app", "a number that is too large", "numbers below 1e38")
    return result


def _parameters(path, value):
    if len(checks.mapping(path, value)) > checks.MAX_PARAMETERS:
        raise checks.invalid(path, "%d entries" % len(value), "at most %d" % checks.MAX_PARAMETERS)
    return {name: checks.text("%s.%s" % (path, name[:32]), value[name], 256) for name in value}


_MERGE = {"networks": _merge_networks, "aws": _merge_aws, "app": _merge_app}
_AWS_CHECKS = {
    "endpoint": checks.endpoint,
    "port": lambda path, value: checks.whole(path, value, 1, 65535),
    "thing": lambda path, value: checks.word(path, value, 128, ":_-"),
    "template": lambda path, value: checks.word(path, value, 36, "_-"),
    "parameters": _parameters,
    "status": checks.status_topic,
}
