"""What AWS IoT says in the TLS handshake to a certificate that is not registered or not active."""

from __future__ import annotations

import asyncio
import contextlib
import os

_FATAL, _CERTIFICATE_UNKNOWN = 2, 46  # RFC 5246, 7.2
_RECORD = bytes((21, 3, 3, 0, 2, _FATAL, _CERTIFICATE_UNKNOWN))


def send_certificate_unknown(transport: asyncio.Transport) -> None:
    """Send the alert in place of the server's last handshake message; to be called in `connection_made`.

    Python's ssl module asks nobody for a verdict on the client's certificate, so the alert is written here, below it:
    asyncio still holds back the server's last message, until then nothing of ours is encrypted. TLS 1.3 encrypts its
    alerts: there the connection just ends.
    """
    if transport.get_extra_info("ssl_object").version() != "TLSv1.2":
        return
    with contextlib.suppress(OSError):  # the peer has gone already
        os.write(transport.get_extra_info("socket").fileno(), _RECORD)
