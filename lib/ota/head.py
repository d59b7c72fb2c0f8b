"""The head of a GET by HTTP/1.1: the request, and what the server's answer says of the body. https.py loads it to send
the one, and again to read the other."""

import sys

from micropython import const

import errors
import release

_PORT = const(443)
_LARGEST = const(32768)  # of a head: GitHub's have 6 KB, of which one line is 4 KB
_LINE_END = b"\n"  # behind a CR, which not every program sends (RFC 9112, 2.2)
_WANTED = (
    b"location", b"content-length", b"content-range", b"content-encoding", b"transfer-encoding", b"retry-after",
)  # fmt: skip
_NAME = const(18)  # bytes of the longest of these, with its colon
_REDIRECTS = (301, 302, 303, 307, 308)
# What S3 and CloudFront answer to a presigned link that is too old; 400 when what is too old is who signed it.
_EXPIRED = (400, 401, 403)


def request(url, start):
    """(host, port, bytes of the request) for what lies at `url`, from byte `start` on."""
    host, port, path = split(url)
    lines = [
        "GET %s HTTP/1.1" % path,
        "Host: " + _authority(host, port),
        "User-Agent: awsesp/%s" % release.VERSION,
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if start:
        lines.append("Range: bytes=%d-" % start)
    return host, port, ("\r\n".join(lines) + "\r\n\r\n").encode()


async def receive(answer, url, start):
    """Read the head of an `Answer` of https.py, set what it says; returns the link to which it sends us, if any.

    What of the body came with it is moved to the beginning of the buffer.
    """
    buffer = answer.buffer
    view = memoryview(buffer)
    head = _Head()
    size = total = 0
    while not head.is_whole:
        if total > _LARGEST:
            raise _refused("a head of more than %d bytes" % _LARGEST)
        count = answer.read(view[size:]) or await answer.wait()
        total += count
        size += count
        at = head.take(buffer, size)
        size -= at
        buffer[:size] = view[at : at + size]
    status, fields = head.status, head.fields
    if status in _REDIRECTS and b"location" in fields:
        return join(url, fields[b"location"])
    if status == 416 and start:
        answer.start = 0  # the file has become a shorter one: what it is now, the whole of it tells
        return url
    _check_status(status, start, fields)
    _take_length(answer, status, fields)
    if answer.body is not answer:
        size = answer.body.take(view[:size])
    answer.ready = size
    answer.left -= size
    if answer.left < 0:
        raise _refused("more bytes than it says")
    return None


class _Head:
    """What is read of a head, line by line: `status`, and of the `fields` {name in lower case: value} those wanted."""

    def __init__(self):
        self.is_whole = False
        self.status = None
        self.fields = {}
        self._is_cut = False  # the beginning of the line that comes next is gone

    def take(self, buffer, size):
        """Read the lines that are whole in the first `size` bytes; returns where the rest begins."""
        at = 0
        while not self.is_whole:
            end = buffer.find(_LINE_END, at, size)
            if end < 0:
                return self._cut(buffer, size) if not at and size == len(buffer) else at
            # Not a copy of each: those that nobody wants are the long ones.
            if not self._is_cut and (self.status is None or end < at + 2 or _name(buffer[at : at + _NAME]) in _WANTED):
                self._take_line(bytes(memoryview(buffer)[at:end]).rstrip())
            self._is_cut = False
            at = end + 1
        return at

    def _cut(self, buffer, size):
        """Let go of a line that the buffer does not hold."""
        if not self._is_cut and (self.status is None or _name(buffer) in _WANTED):
            raise _refused("a line of more than %d bytes" % size)
        self._is_cut = True
        return size

    def _take_line(self, line):
        try:
            if self.status is None:
                version, status = line.split(b" ")[:2]
                if not version.startswith(b"HTTP/1."):
                    raise ValueError
                self.status, self.fields = int(status), {}
            elif not line:
                # One from 100 to 199 is followed by the answer.
                self.is_whole = not 100 <= self.status < 200
                self.status = self.status if self.is_whole else None
            else:
                self.fields[_name(line)] = line[line.find(b":") + 1 :].strip().decode()
        except ValueError:
            raise _refused("an answer that is not HTTP")


def _name(line):
    return bytes(line[: line.find(b":", 0, _NAME) + 1][:-1]).lower()


def _check_status(status, start, fields):
    if status in _EXPIRED:
        raise errors.error("link_expired", status)
    if status >= 500 or status in (408, 429):
        failure = errors.error("download_failed", "HTTP %d" % status)
        wait = fields.get(b"retry-after", "")  # seconds, or a date
        failure.wait_s = int(wait) if wait.isdigit() else 0
        raise failure
    if status != 200 and not (status == 206 and start):
        raise _refused("HTTP %d" % status)


def _take_length(answer, status, fields):
    length = fields.get(b"content-length")
    coding = fields.get(b"transfer-encoding", "identity").lower()
    is_whole = coding == "identity"  # which programs of before RFC 7230 say
    if not is_whole:
        length = None  # RFC 9112, 6.3
    if length is None and (b"content-encoding" in fields or not answer.total or not (is_whole or coding == "chunked")):
        raise _refused("without its length: the server must send it as it is, neither chunked nor compressed")
    if not is_whole:
        answer.body = _chunks(answer)
    try:
        answer.start = 0
        if status == 206:
            _take_range(answer, fields[b"content-range"])
            if length is not None and answer.left != int(length):
                raise ValueError
        else:
            answer.left = answer.total = answer.total if length is None else int(length)
    except (KeyError, ValueError, IndexError):
        raise _refused("a length or range that is none")


def _take_range(answer, content):
    # bytes 4096-9999/10000, or /* where the server does not know it
    span, total = content.split(" ")[1].split("/")
    first, last = [int(number) for number in span.split("-")]
    answer.start, answer.left = first, last - first + 1
    if total != "*":
        answer.total = int(total)
    if answer.left <= 0 or last >= answer.total:
        raise ValueError


def _chunks(answer):
    """Who reads a body in chunks."""
    from . import chunks

    del sys.modules["ota.chunks"]
    delattr(sys.modules["ota"], "chunks")
    return chunks.Chunks(answer)


def split(url):
    """(host, port, path with its query) of a link; raises `download_refused` for one that is not https."""
    if not url.startswith("https://"):
        raise _refused("it leads to a link that is not https")
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
    """The link to which a server at `url` sends us, by a whole link or by a part of one (RFC 3986, 4.2).

    Raises `download_refused` for one that leaves https.
    """
    start = location.split("/")[0].split("?")[0]
    if location.startswith("//"):
        location = "https:" + location
    elif ":" not in start:
        host, port, path = split(url)
        if location.startswith("/"):
            path = ""
        else:
            path = path.split("?")[0]
            path = path[: path.rfind("/") + 1] if start else path
        location = "https://" + _authority(host, port) + _without_dots(path + location) if location else ""
    elif start.lower() == "https:":
        location = "https:" + location[6:]
    split(location)
    if not all(0x21 <= byte <= 0x7E for byte in location.encode()):
        raise _refused("a redirect to a link with characters that a link cannot have")
    return location


def _without_dots(path):
    path, mark, query = path.partition("?")
    kept = []
    for part in path.split("/"):
        if part == "..":
            del kept[max(1, len(kept) - 1) :]
        elif part != ".":
            kept.append(part)
    return "/".join(kept) + mark + query


def _authority(host, port):
    return host if port == _PORT else "%s:%d" % (host, port)


def _refused(why):
    return errors.error("download_refused", why)
