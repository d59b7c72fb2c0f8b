"""TLS connections to other servers than the broker, for downloads: their certificate is checked, ours is not shown."""

import errors

from .link import Link, borrow, readable


class Connector:
    """Opens connections to servers that one of `roots` (list of DER) vouches for. `resolve`: host name to IP address.

    A context is made once, because trusted roots are parsed into memory for each.
    """

    def __init__(self, roots, resolve, timeouts):
        self._roots = roots
        self._resolve = resolve
        self._timeout_ms = timeouts.connect_s * 1000
        self._context = None

    async def connect(self, host, port, first_packet):
        """A connection that has written `first_packet`. Errors: those of `resolve` and dial.py, but `cert_refused`."""
        if self._context is None:
            self._context = borrow("tls").make_context(self._roots)
        link = Connection(host, port)
        try:
            address = await self._resolve(host)
            dial = borrow("dial")
            await dial.connect(link, address, self._timeout_ms)
            await dial.shake_hands(link, self._context, first_packet, self._timeout_ms)
        except BaseException as failure:  # a cancelled connect must close its socket, too
            link.close()
            if getattr(failure, "code", None) == "cert_refused":
                # None was shown, so it cannot be refused: the network, or the server, has closed the connection.
                raise errors.error("connection_lost", "in the TLS handshake: downloads show no certificate")
            raise
        return link


class Connection(Link):
    """A connection to read from: `stream.readinto`, and `more` when that gave None."""

    def more(self):
        """await more(): until there is something to read, or an error to find."""
        return readable(self.raw)
