"""`ssl` as on the chip: PEM and DER are both accepted, and the chip's clock judges dates (extmod/modtls_mbedtls.c).

The interpreter's own Mbed TLS takes DER only, and looks at the desk's clock.
"""

import binascii

import simulation
import tls
import utime
from simulated import calendar
from simulated.x509 import validity
from tls import *  # noqa: F403

_EPOCH_2000 = 946684800


def _der(data, what, many=False):
    """DER of PEM or DER; a list of all with `many`. Raises ValueError("invalid `what`"), as the port for all of it."""
    try:
        return _blocks(data, many)
    except ValueError:
        raise ValueError("invalid " + what)


def _blocks(data, many):
    if isinstance(data, str):
        data = data.encode()
    data = bytes(data)
    blocks = []
    rest = data
    while b"-----BEGIN " in rest:
        _, rest = rest.split(b"-----BEGIN ", 1)
        body, rest = rest.split(b"-----END ", 1)
        label, body = body.split(b"-----", 1)
        # What stands in front of an EC key says which curve it is; the key repeats it.
        if not label.endswith(b"PARAMETERS"):
            blocks.append(binascii.a2b_base64(body.replace(b"\n", b"").replace(b"\r", b"")))
    blocks = blocks or [data]
    return blocks if many else blocks[0]


def _content(data):
    if isinstance(data, str) and not data.startswith("-----BEGIN "):
        with open(data, "rb") as file:
            return file.read()
    return data


class _Context:
    """The chip's `tls.SSLContext`: wraps the interpreter's own."""

    def __init__(self, protocol):
        self._inner = tls.SSLContext(protocol)
        self._inner.verify_callback = self._verify
        self._callback = None

    def _verify(self, certificate, depth):
        skew_ns = simulation.board.clock_skew_ns
        if skew_ns is not None and self.verify_mode == tls.CERT_REQUIRED:
            wrong = _wrong_date(certificate, (utime.time_ns() - skew_ns) // 1000000000 + _EPOCH_2000)
            # Where the desk's clock says the same, Mbed TLS refuses by itself, and sends its alert as on the chip.
            if wrong and wrong != _wrong_date(certificate, utime.time()):
                raise ValueError(wrong)
        return self._callback(certificate, depth) if self._callback else 0

    @property
    def verify_mode(self):
        return self._inner.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._inner.verify_mode = mode

    @property
    def verify_callback(self):
        return self._callback

    @verify_callback.setter
    def verify_callback(self, callback):
        self._callback = callback

    def get_ciphers(self):
        return self._inner.get_ciphers()

    def set_ciphers(self, names):
        self._inner.set_ciphers(names)

    def load_cert_chain(self, cert, key):
        self._inner.load_cert_chain(_der(cert, "cert"), _der(key, "key"))

    def load_verify_locations(self, cadata):
        for root in _der(cadata, "cert", many=True):
            self._inner.load_verify_locations(root)

    def wrap_socket(self, *details, **more):
        return self._inner.wrap_socket(*details, **more)


class SSLContext:
    """As micropython-lib's ssl.py: verifies nothing until it is told to, and hides what else `_context` can do."""

    def __init__(self, protocol):
        self._context = _Context(protocol)
        self._context.verify_mode = tls.CERT_NONE

    @property
    def verify_mode(self):
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._context.verify_mode = mode

    def load_cert_chain(self, certfile, keyfile):
        """The device's certificate and key: bytes, or the path of a file."""
        self._context.load_cert_chain(_content(certfile), _content(keyfile))

    def load_verify_locations(self, cafile=None, cadata=None):
        """Trusted roots; PEM may hold several."""
        self._context.load_verify_locations(cadata if cafile is None else _content(cafile))

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        """A TLS socket over a TCP socket."""
        return self._context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            server_hostname=server_hostname,
        )


def _wrong_date(certificate, now):
    """What Mbed TLS says, or None. An error with it comes out of the handshake as it does on the chip."""
    not_before, not_after = validity(certificate)
    if now < calendar.join(not_before):
        return "\nThe certificate validity starts in the future\n"
    return "\nThe certificate validity has expired\n" if now > calendar.join(not_after) else None


def wrap_socket(
    sock,
    server_side=False,
    key=None,
    cert=None,
    cert_reqs=tls.CERT_NONE,
    cadata=None,
    server_hostname=None,
    do_handshake=True,
):
    """As the port's own shortcut: verifies nothing unless told to."""
    context = SSLContext(tls.PROTOCOL_TLS_SERVER if server_side else tls.PROTOCOL_TLS_CLIENT)
    if cert or key:
        context.load_cert_chain(cert, key)
    if cadata:
        context.load_verify_locations(cadata=cadata)
    context.verify_mode = cert_reqs
    return context.wrap_socket(sock, server_side, do_handshake, server_hostname)
