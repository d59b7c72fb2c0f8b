"""The head of a download: what is asked for, where links lead, and which answers are taken."""

import errors
from harness import equal, raises
from ota import head

URL = "https://images.test/a/new.bin?link=1"


class Said:
    """An `Answer` of https.py whose server says this, in pieces; `ready` bytes come with the head."""

    def __init__(self, status, *fields, body=b""):
        self.buffer = bytearray(256)
        self.left = self.start = self.total = self.ready = 0
        self.body = self
        self._said = "\r\n".join(["HTTP/1.1 %s x" % status] + list(fields)).encode() + b"\r\n\r\n" + body
        self._is_there = False

    def read(self, view):
        if not self._is_there:
            return None
        self._is_there = False
        count = min(7, len(view), len(self._said))
        view[:count] = self._said[:count]
        self._said = self._said[count:]
        return count

    async def wait(self):
        self._is_there = True
        return 0


async def taken(said, start=0):
    """(start, total, ready, left) of an answer."""
    equal(await head.receive(said, URL, start), None)
    return said.start, said.total, said.ready, said.left


async def refusal(said, start=0):
    return (await raises(errors.DeviceError, head.receive(said, URL, start))).code


def test_what_is_asked_for():
    host, port, request = head.request(URL + "#part", 4096)
    equal((host, port), ("images.test", 443))
    lines = request.decode().split("\r\n")
    equal((lines[0], lines[1]), ("GET /a/new.bin?link=1 HTTP/1.1", "Host: images.test"))
    equal(("Range: bytes=4096-" in lines, lines[-2:]), (True, ["", ""]))
    equal(b"Range" in head.request(URL, 0)[2], False)
    equal("Accept-Encoding: identity" in lines, True)  # without a word any would do (RFC 9110, 12.5.3)
    equal(b"Host: images.test:8443\r\n" in head.request("https://images.test:8443/x", 0)[2], True)


def test_where_a_link_leads():
    for url, parts in (
        ("https://h", ("h", 443, "/")),
        ("https://h?a=/b", ("h", 443, "/?a=/b")),
        ("https://h:444/x", ("h", 444, "/x")),
        ("https://h:/x", ("h", 443, "/x")),
    ):
        equal(head.split(url), parts)
    for url in ("http://h/x", "https://", "https:///x", "https://:443/x", "https://h@i/x", "https://h:x/", "//h/x", ""):
        equal(raises(errors.CloudError, lambda: head.split(url)).code, "download_refused")


def test_where_a_redirect_leads():
    equal(head.join(URL, "/b?c"), "https://images.test/b?c")
    equal(head.join("https://images.test", "/b"), "https://images.test/b")
    equal(head.join(URL, "https://other.test/b"), "https://other.test/b")
    equal(head.join(URL, "HTTPS://other.test/b"), "https://other.test/b")
    equal(head.join(URL, "//other.test/b"), "https://other.test/b")
    for location, found in (("b", "a/b"), ("b/c?d=e:f", "a/b/c?d=e:f"), ("?d", "a/new.bin?d")):  # nginx sends such
        equal(head.join(URL, location), "https://images.test/" + found)
    equal(head.join("https://images.test:444?link=/1", "b"), "https://images.test:444/b")
    for location, found in (("../b?c=/../d", "b?c=/../d"), ("./b", "a/b"), ("../../../b", "b"), ("/c/./../.b", ".b")):
        equal(head.join(URL, location), "https://images.test/" + found)  # RFC 3986, 5.2.4
    for location in ("http://images.test/b", "ftp://images.test/b", "data:,b", "//", "", "https://h/\x7f", "/b c"):
        equal(raises(errors.CloudError, lambda: head.join(URL, location)).code, "download_refused")


async def test_a_whole_file_and_a_range_of_it():
    said = Said(200, "content-LENGTH:  9 ", body=b"abc")
    # What has come of the body with the head's last piece lies at the beginning.
    start, total, ready, left = await taken(said)
    equal((start, total, ready + left), (0, 9, 9))
    equal((bytes(said.buffer[:ready]), ready > 0), (b"abc"[:ready], True))
    equal((await taken(Said(200, "Content-Length: 9"), 4))[:2], (0, 9))  # a server that knows no ranges
    said = Said(206, "Content-Length: 5", "Content-Range: bytes 4-8/9")
    equal(await taken(said, 4), (4, 9, 0, 5))


async def test_a_range_that_is_none_is_refused():
    for span, length in (
        ("bytes 4-8/9", 6), ("bytes 4-9/9", 6), ("bytes 4-8/8", 5), ("bytes 4-8/*", 5), ("bytes */9", 5), ("4-8/9", 5),
        ("", 5),
    ):  # fmt: skip
        said = Said(206, "Content-Length: %d" % length, "Content-Range: " + span)
        equal(await refusal(said, 4), "download_refused")
    equal(await refusal(Said(206, "Content-Length: 5"), 4), "download_refused")
    equal(await refusal(Said(206, "Content-Length: 9", "Content-Range: bytes 0-8/9")), "download_refused")  # not asked


async def test_a_length_that_is_none_is_refused():
    for length in ("", "x", "-1", "1,1"):
        equal(await refusal(Said(200, "Content-Length: " + length)), "download_refused")
    equal(await refusal(Said(200, "Content-Length: 1", body=bytes(7))), "download_refused")  # more came than it says


async def test_an_answer_in_chunks_is_refused_with_the_reason():
    failure = await raises(errors.DeviceError, head.receive(Said(200, "Transfer-Encoding: chunked"), URL, 0))
    equal((failure.code, "neither chunked nor compressed" in failure.message), ("download_refused", True))


async def test_chunks_count_and_not_the_length_beside_them():
    said = Said(200, "Content-Length: 20", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n")
    said.total = 3
    equal((await taken(said))[:2], (0, 3))
    equal(said.body is said, False)
    equal((await taken(Said(200, "Content-Length: 9", "Transfer-Encoding: identity")))[:2], (0, 9))


async def test_what_an_answer_means():
    for code, meaning in (
        (400, "link_expired"), (401, "link_expired"), (403, "link_expired"), (408, "download_failed"),
        (429, "download_failed"), (500, "download_failed"), (503, "download_failed"), (404, "download_refused"),
        (416, "download_refused"), (204, "download_refused"), ("none", "download_refused"),
    ):  # fmt: skip
        equal(await refusal(Said(code, "Content-Length: 9")), meaning)
    failure = await raises(errors.DeviceError, head.receive(Said(403, "Content-Length: 9"), URL, 0))
    equal("it is too old, or may not read the file" in failure.message, True)  # which of both the server does not say
    equal(await head.receive(Said(307, "Location: /b"), URL, 0), "https://images.test/b")
    failure = await raises(errors.DeviceError, head.receive(Said(302), URL, 0))
    equal((failure.code, "HTTP 302" in failure.message), ("download_refused", True))


async def test_a_line_that_the_buffer_does_not_hold_is_passed_over():
    for size in range(240, 260):
        said = Said(200, "X: " + "y" * size, "Y: \u00fc", "Content-Length: 9", "Z: " + "z" * 600, body=b"abc")
        start, total, ready, left = await taken(said)
        equal((start, total, ready + left, bytes(said.buffer[:ready])), (0, 9, 9, b"abc"[:ready]))


async def test_a_line_that_is_needed_and_too_long_is_refused():
    for field in ("location", "LOCATION"):
        equal(await refusal(Said(302, "%s: https://h/%s" % (field, "y" * 300))), "download_refused")
    equal(await refusal(Said("200 " + 300 * "x")), "download_refused")


async def test_a_head_without_end_is_refused():
    equal(await refusal(Said(200, *["X: " + "y" * 80] * 600)), "download_refused")


async def test_the_answer_follows_what_is_said_in_between():
    hints = "Link: </x>", "Content-Length: 7", "Transfer-Encoding: chunked"
    said = Said("103", *hints, "", "HTTP/1.1 200 x", "Content-Length: 9", body=b"abc")
    equal((await taken(said))[:2], (0, 9))
