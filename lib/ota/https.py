"""One GET by HTTP/1.1 over TLS: the request, the head of the answer, and its body, read without blocking the loop.

The connection is handed in, so that this has no opinion about sockets and roots:

    link = await connect(host, port, request)       a connection that has written `request`, or an error of errors.py
    link.stream.readinto(buffer); await link.more(); link.close()

https://www.rfc-editor.org/rfc/rfc9110 and 9112. Bodies of a known length only: every server of files says it.
"""

import asyncio

import errors
import release

_PORT = 443
_END = b"\r\n\r\n"
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 4
_EXPIRED = (401, 403)  # what S3 and CloudFront answer to a presigned link that is too old


class Answer:
    """A GET of `url` from byte `start` on, into `buffer`, which must hold the head of the answer: 4 KB.

    After `open`: `status` 200 or 206; `start`: where the body begins, 0 where the server does not know ranges; `total`:
    bytes of the whole; `ready`: bytes of the body that lie at the beginning of `buffer` already.
    """

    def __init__(self, connect, buffer, stall_ms):
        self._connect = connect
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._stall_ms = stall_ms
        self._link = None
        self._left = 0
        self.status = self.start = self.total = self.ready = 0

    async def follow(self, url, start=0):
        """As `open`, over as many redirects as there are, within reason."""
        for _ in range(_MOST_REDIRECTS):
            url = await self.open(url, start)
            if url is None:
                return
            self.close()
        raise _refused("too many redirects")

    async def open(self, url, start=0):
        """Ask, and read the head. Returns None, or the link (str) to which the server sends us.

        Errors: those of `connect`; `download_failed`, `link_expired` pass; `download_refused` does not.
        """
        host, port, path = split(url)
        self._link = await self._connect(host, port, _request(host, port, path, start))
        size = await self._read_head()
        end = self._buffer.find(_END, 0, size)
        self.status, fields = _parse(bytes(self._view[:end]))
        if self.status in _REDIRECTS:
            return join(url, fields.get("location", ""))
        self._check_status(start)
        self._check_length(fields)
        self.ready = size - end - len(_END)
        if self.ready > self._left:
            raise _refused("more bytes than it says")
        self._left -= self.ready
        self._buffer[: self.ready] = self._view[end + len(_END) : size]
        return None

    async def _read_head(self):
        """Fill the buffer until the head is in it; returns how many bytes are."""
        size = 0
        while True:
            if size == len(self._buffer):
                raise _refused("a head of more than %d bytes" % size)
            size += await self._receive(self._view[size:])
            if self._buffer.find(_END, 0, size) >= 0:
                return size

    async def read(self, view):
        """Read some of the body into `view`; returns how many bytes, 0 at its end. Errors: `download_failed`."""
        if not self._left or not len(view):
            return 0
        count = await self._receive(view[: self._left])
        self._left -= count
        return count

    def take(self, view):
        """As `read`, of what has come already, without a coroutine: 0 when that is nothing, or the end is near."""
        count = self._now(view) or 0 if len(view) <= self._left else 0
        self._left -= count
        return count

    async def _receive(self, view):
        while True:
            count = self._now(view)
            if count:
                return count
            try:
                await asyncio.wait_for_ms(self._link.more(), self._stall_ms)
            except asyncio.TimeoutError:
                raise errors.error("download_failed", "nothing came for %d s" % (self._stall_ms // 1000))
            except OSError as failure:
                raise _lost(failure)

    def _now(self, view):
        """How many bytes there were; None when it would have to wait."""
        try:
            count = self._link.stream.readinto(view)
        except OSError as failure:
            raise _lost(failure)
        if count == 0:
            raise errors.error("download_failed", "the server closed the connection")
        return count

    def _check_status(self, start):
        if self.status in _EXPIRED:
            raise errors.error("link_expired", self.status)
        if self.status >= 500 or self.status == 429:
            raise errors.error("download_failed", "HTTP %d" % self.status)
        if self.status != 200 and not (self.status == 206 and start):
            raise _refused("HTTP %d" % self.status)

    def _check_length(self, fields):
        try:
            self._left = int(fields["content-length"])
            self.start, self.total = 0, self._left
            if self.status == 206:
                # bytes 4096-9999/10000
                span, total = fields["content-range"].split(" ")[1].split("/")
                first, last = [int(number) for number in span.split("-")]
                self.start, self.total = first, int(total)
                if last - first + 1 != self._left or last >= self.total:
                    raise ValueError
        except (KeyError, ValueError, IndexError):
            raise _refused("no length, or a range that is none")
        if self._left < 0:
            raise _refused("no length")

    def close(self):
        """Close the connection."""
        if self._link is not None:
            self._link.close()
            self._link = None


def split(url):
    """(host, port, path with its query) of a link; raises `download_refused` for one that is not https."""
    if not url.startswith("https://"):
        raise _refused("a link that is not https")
    place = url[8:].split("#")[0]
    ends = [at for at in (place.find("/"), place.find("?")) if at >= 0]
    end = min(ends) if ends else len(place)
    host, path = place[:end], place[end:]
    if not path.startswith("/"):
        path = "/" + path
    host, _, port = host.partition(":")
    if not host or "@" in host or not (port.isdigit() or not port):
        raise _refused("a link without a host")
    return host, int(port) if port else _PORT, path


def join(url, location):
    """The link that a server at `url` sends us to; raises `download_refused` for one that leaves https."""
    if location.startswith("/") and not location.startswith("//"):
        location = url[: url.find("/", 8)] + location if "/" in url[8:] else url + location
    split(location)
    if not all("!" <= character <= "~" for character in location):
        raise _refused("a redirect to no link")
    return location


def _request(host, port, path, start):
    lines = [
        "GET %s HTTP/1.1" % path,
        "Host: %s" % (host if port == _PORT else "%s:%d" % (host, port)),
        "User-Agent: awsesp/%s" % release.VERSION,
        "Connection: close",
    ]
    if start:
        lines.append("Range: bytes=%d-" % start)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _parse(head):
    """(status, {field in lower case: value}) of an answer's head."""
    try:
        lines = head.decode().split("\r\n")
        version, status = lines[0].split(" ")[:2]
        if not version.startswith("HTTP/1."):
            raise ValueError
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return int(status), fields
    except (ValueError, IndexError):
        raise _refused("an answer that is not HTTP")


def _lost(failure):
    return errors.error("download_failed", "the connection was lost, error %s" % failure.errno)


def _refused(why):
    return errors.error("download_refused", why)
