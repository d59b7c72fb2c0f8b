"""The TLS context of a connection: whom to trust, and who we are. Loaded for one, then unloaded."""

import gc
import ssl

import errors


def make_context(roots, cert=None, key=None):
    """An SSLContext that accepts only a server vouched for by one of `roots` (list of DER), and shows `cert`, `key`.

    Whoever gives the pair has checked that the key fits (`certificates.pair`): TLS would not notice.
    Errors: `settings_missing` without roots, `bad_certificate`, `no_memory`.
    """
    if not roots:
        raise errors.error("settings_missing", "no trusted root certificate (CERT with role ca)")
    gc.collect()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # MicroPython's default is CERT_NONE, for a client, too.
        context.verify_mode = ssl.CERT_REQUIRED
    except (MemoryError, OSError):
        raise errors.error("no_memory")
    for place, root in enumerate(roots):
        # One call adds one DER certificate to the chain of those trusted.
        _load("Trusted root %d of %d" % (place + 1, len(roots)), context.load_verify_locations, None, root)
    if cert:
        _load("The device's pair", context.load_cert_chain, cert, key)
    return context


def _load(what, load, first, second):
    try:
        load(first, second)
    except ValueError as failure:
        raise errors.error("bad_certificate", what, failure)
    except (MemoryError, OSError):
        raise errors.error("no_memory")


def legacy_context(parameters):
    """The SSLContext for umqtt.simple's `ssl=True, ssl_params={key, cert, cert_reqs, cadata}`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = parameters.get("cert_reqs", ssl.CERT_NONE)
    if parameters.get("cert"):
        context.load_cert_chain(parameters["cert"], parameters["key"])
    if parameters.get("cadata"):
        context.load_verify_locations(cadata=parameters["cadata"])
    return context
