"""The certificates and keys of settings: checked and converted to DER, before the rest of the settings is looked at.

A file of its own, because reading certificates and reading everything else would not fit into the heap together.
"""

import certificates
import errors
import settings_shapes as checks

CERT_FIELDS = ("role", "cert", "key")

_EDWARDS = b"\x30\x05\x06\x03\x2b\x65"  # how the algorithms Ed25519 and Ed448 begin, which TLS cannot even read


def convert(document):
    """(document, warnings): what is in a settings file in the current schema, with its certificates as DER.

    They are taken out of the one given, so that the text of each makes room for the DER of the next.
    """
    from settings_schema import migrate  # not for one certificate of a phone

    document = migrate(checks.mapping("settings.json", document))
    certs = document.pop("certs", None)
    certs = [] if certs is None else certs
    result, warnings = {}, []
    for place, entry in enumerate(checks.sequence("certs", certs, len(checks.FILE_ROLES), "roles")):
        certs[place] = None
        path = "certs[%d]" % place
        if any(other["role"] == checks.mapping(path, entry).get("role") for other in result.get("certs", ())):
            raise checks.invalid(path + ".role", "twice", "one entry for each role; a ca may hold several certificates")
        result = merge_cert(result, entry, path, warnings)
    document.update(result)
    return document, warnings


def merge_cert(document, dat, path="", warnings=None):
    """A new document: `document` with what the phone's CERT gives, as DER; it replaces what was there for the role.

    Raises `invalid_setting`, `bad_certificate` or `key_mismatch`, each with the path or role in its sentence.
    """
    checks.warn_unknown(checks.mapping(path or "dat", dat), CERT_FIELDS, path, [] if warnings is None else warnings)
    role = checks.one_of(checks.join(path, "role"), dat.get("role"), checks.FILE_ROLES if path else checks.ROLES)
    for field in ("cert",) if role in checks.ROOTS else ("cert", "key"):
        if not dat.get(field):
            raise checks.invalid(checks.join(path, field), "missing", "PEM, DER in base64")
    if role in checks.ROOTS and dat.get("key") is not None:
        allowed = "no key for the role %s; keep a CA's key at home" % role
        raise checks.invalid(checks.join(path, "key"), "not wanted", allowed)
    try:
        entry = _convert(role, dat)
    except errors.PersonError as problem:
        raise errors.PersonError(problem.code, "%s: %s" % (path or role, problem.message))
    result = dict(document)
    result["certs"] = [entry] + [other for other in document.get("certs", ()) if other["role"] != role]
    return result


def _convert(role, dat):
    if role in checks.ROOTS:
        roots = certificates.certificates(dat["cert"], "cert")
        for place, root in enumerate(roots):  # beside it no other would be trusted, either
            if _EDWARDS in root:
                what = "certificate %d of %d" % (place + 1, len(roots))
                raise errors.error("bad_certificate", what, "Ed25519 is no kind that it knows: use EC or RSA")
        return {"role": role, "cert": b"".join(roots), "roots": roots}
    cert, key = certificates.pair(dat["cert"], dat["key"], role)
    return {"role": role, "cert": cert, "key": key}
