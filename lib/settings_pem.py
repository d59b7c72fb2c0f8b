"""A phone's certificates and keys, PEM -> DER, before the code that checks them is loaded: see `settings.merged`."""

import errors
import pem


def decode(dat):
    """Replace the PEM texts in `dat`, of a CERT, by their DER. What cannot be read stays: `settings_certs` says why."""
    if not isinstance(dat, dict):
        return
    for field, kind in (("cert", pem.CERTIFICATE), ("key", pem.PRIVATE_KEY)):
        if field in dat:
            try:
                found = pem.decode(dat[field], kind, field)
            except errors.PersonError:
                continue
            dat[field] = found[0] if field == "key" else b"".join(found)
