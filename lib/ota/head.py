"""The head of a GET by HTTP/1.1: the request, and what the server's answer says of the body. https.py loads it to send
the one, and again to read the other."""

from micropython import const

import errors
import release

_PORT = const(443)
_END = b"\r\n\r\n"
_REDIRECTS = (301, 302, 303, 307, 308)
# What S3 and CloudFront answer to a presigned link that is too old; 400 when what is too old is who signed it.
_EXPIRED = (400, 401, 403)


def request(url, start):
    """(host, port, bytes of the request) for what lies at `url`, from byte `start` on."""
    host, port, path = split(url)
    lines = [
        "GET %s HTTP/1.1" % path,
        "Host: %s" % (host if port == _PORT else "%s:%d" % (host, port)),
        "User-Agent: awsesp/%s" % release.VERSION,
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
    size, end = 0, -1
    while end < 0:
        if size == len(buffer):
            raise _refused("a head of more than %d bytes" % size)
        size += answer.read(view[size:]) or await answer.wait()
        end = buffer.find(_END, 0, size)
    status, fields = _parse(bytes(view[:end]))
    if status in _REDIRECTS:
        return join(url, fields.get("location", ""))
    _check_status(status, start)
    _take_length(answer, status, fields)
    end += len(_END)
    answer.ready = size - end
    answer.left -= answer.ready
    if answer.left < 0:
        raise _refused("no length, or more bytes than it says")
    buffer[: answer.ready] = view[end:size]
    return None


def _check_status(status, start):
    if status in _EXPIRED:
        raise errors.error("link_expired", status)
    if status >= 500 or status == 429:
        raise errors.error("download_failed", "HTTP %d" % status)
    if status != 200 and not (status == 206 and start):
        raise _refused("HTTP %d" % status)


def _take_length(answer, status, fields):
    try:
        answer.left = int(fields["content-length"])
        answer.start, answer.total = 0, answer.left
        if status == 206:
            # bytes 4096-9999/10000
            span, total = fields["content-range"].split(" ")[1].split("/")
            first, last = [int(number) for number in span.split("-")]
            answer.start, answer.total = first, int(total)
            if last - first + 1 != answer.left or last >= answer.total:
                raise ValueError
    except (KeyError, ValueError, IndexError):
        raise _refused("no length, or a range that is none")


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
    if not all(0x21 <= byte <= 0x7E for byte in location.encode()):
        raise _refused("a redirect to no link")
    return location


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


def _refused(why):
    return errors.error("download_refused", why)
