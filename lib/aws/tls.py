"""The TLS context of a connection: whom to trust, and who we are. Loaded for one, then unloaded.

AWS IoT has two certificates: one with an RSA key, and one with an EC key for clients that take no other. The second
with all that belongs to it takes 3 KB less of a chip's memory for as long as a connection stands, and a quicker
handshake: it is asked for first, where a root is trusted that has such a key (Amazon Root CA 3).
"""

import gc
import ssl

import errors

# By Mbed TLS's names; AWS has both.
_EC_SUITES = ("TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384")
_EC_KEY = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"  # id-ecPublicKey: the kind of the key in a certificate


def has_ec(roots):
    """Whether one of `roots` (list of DER) has an EC key, so that `only_ec` is worth a try."""
    return any(_EC_KEY in root for root in roots)


def make_context(roots, cert=None, key=None, only_ec=False):
    """An SSLContext that accepts only a server vouched for by one of `roots` (list of DER), and shows `cert`, `key`.

    `only_ec`: servers with an EC key alone, by the roots with such a key. Whoever gives the pair has checked that the
    key fits (`certificates.pair`): TLS would not notice.
    Errors: `settings_missing` without roots, `bad_certificate`, `no_memory`.
    """
    if not roots:
        raise errors.error("settings_missing", "no trusted root certificate (CERT with role ca)")
    gc.collect()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # MicroPython's default is CERT_NONE, for a client, too.
        context.verify_mode = ssl.CERT_REQUIRED
        only_ec = only_ec and _take_ec_only(context)
    except (MemoryError, OSError):
        raise errors.error("no_memory")
    for place, root in enumerate(roots):
        if only_ec and _EC_KEY not in root:
            continue
        # One call adds one DER certificate to the chain of those trusted.
        _load("Trusted root %d of %d" % (place + 1, len(roots)), context.load_verify_locations, None, root)
    if cert:
        _load("The device's pair", context.load_cert_chain, cert, key)
    return context


def _take_ec_only(context):
    """Whether this MicroPython can. micropython-lib's SSLContext hides what does."""
    try:
        getattr(context, "_context", context).set_ciphers(_EC_SUITES)
    except (AttributeError, OSError):
        return False
    return True


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
