"""What the https file server can be ordered to do wrong, as a client sees it that reads bytes and waits for none."""

import contextlib
import http.client
import os
import ssl
from urllib.parse import urlsplit

import pytest

from tools.cloud import LocalCloud

IMAGE = os.urandom(50_000)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        cloud.s3().create_bucket(Bucket="releases")
        cloud.s3().put_object(Bucket="releases", Key="image", Body=IMAGE)
        yield cloud


@pytest.fixture(autouse=True)
def no_faults_left(cloud):
    yield
    cloud.faults.clear()


class Answer:
    """What came: `status`, `headers`, the bytes of the body, and how it ended: whole, closed, reset or silent."""

    def __init__(self, cloud, **headers):
        parts = urlsplit(cloud.presign("releases", "image"))
        context = ssl.create_default_context(cafile=str(cloud.ca_file))
        client = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=0.5, context=context)
        self.body, self.status, self.headers = b"", None, {}
        with contextlib.closing(client):
            self.end = self._read(client, f"{parts.path}?{parts.query}", headers)

    def _read(self, client, path, headers):
        try:
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            self.status, self.headers = answer.status, answer.headers
            while data := answer.read1(10_000):
                self.body += data
        except TimeoutError:
            return "silent"
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return "reset"
        announced = int(self.headers.get("Content-Length", len(self.body)))
        return "whole" if len(self.body) == announced else "closed"


@pytest.mark.parametrize(
    ("kind", "options", "status", "size", "end"),
    [
        ("forbidden", {}, 403, None, "whole"),
        ("unavailable", {}, 503, None, "whole"),
        ("broken", {}, 500, None, "whole"),
        ("silent", {}, None, 0, "silent"),
        ("stall", {"amount": 20_000}, 200, 20_000, "silent"),
        ("short", {"amount": 20_000}, 200, 20_000, "closed"),
        ("wrong_length", {"amount": 100}, 200, 50_000, "closed"),
        ("wrong_length", {"amount": -100}, 200, 49_900, "whole"),
    ],
)
def test_a_fault_strikes_once_and_the_next_download_is_whole(cloud, kind, options, status, size, end):
    cloud.faults.files.order(kind, **options)
    answer = Answer(cloud)
    assert (answer.status, answer.end) == (status, end)
    if size is not None:
        assert answer.body == IMAGE[:size]
    assert Answer(cloud).body == IMAGE


def test_a_download_is_cut_as_often_as_ordered(cloud):
    cloud.faults.files.order("cut", amount=20_000, times=2)
    for _ in range(2):
        answer = Answer(cloud)
        assert answer.end in ("reset", "closed")
        assert len(answer.body) <= 20_000
    assert Answer(cloud).body == IMAGE


def test_corrupt_is_a_place_in_the_file_whatever_part_is_asked_for(cloud):
    cloud.faults.files.order("corrupt", amount=30_001, times=2)
    wrong = IMAGE[:30_001] + bytes([IMAGE[30_001] ^ 1]) + IMAGE[30_002:]
    assert Answer(cloud).body == wrong
    assert Answer(cloud, Range="bytes=30000-").body == wrong[30_000:]


def test_ranges_that_are_ignored_or_wrong(cloud):
    cloud.faults.files.order("no_range")
    answer = Answer(cloud, Range="bytes=100-")
    assert (answer.status, answer.body == IMAGE) == (200, True)
    cloud.faults.files.order("wrong_range", amount=10)
    answer = Answer(cloud, Range="bytes=100-")
    assert (answer.status, answer.headers["Content-Range"]) == (206, "bytes 110-49999/50000")


def test_one_fault_a_request_and_those_without_end_beside_it(cloud):
    cloud.faults.files.order("corrupt", amount=0, times=None)
    cloud.faults.files.order("forbidden")
    cloud.faults.files.order("short", amount=10)
    assert [Answer(cloud).status for _ in range(2)] == [403, 200]
    assert Answer(cloud).body[1:] == IMAGE[1:]
    assert Answer(cloud).body[0] == IMAGE[0] ^ 1


def test_a_redirect_leads_where_it_was_ordered(cloud):
    cloud.faults.files.order("redirect", target="https://wrong.example/image")
    answer = Answer(cloud)
    assert (answer.status, answer.headers["Location"]) == (302, "https://wrong.example/image")


def test_a_slow_download_is_whole_all_the_same(cloud):
    cloud.faults.files.order("slow", amount=1_000_000)
    assert Answer(cloud).body == IMAGE
    cloud.faults.files.order("slow", amount=2000, times=1)
    answer = Answer(cloud, Range="bytes=0-399")
    assert answer.body == IMAGE[:400]


@pytest.mark.parametrize("fault", ["expired", "wrong_name", "untrusted"])
def test_a_bad_certificate_ends_the_handshake(cloud, fault):
    cloud.faults.files.certificate = fault
    with pytest.raises(ssl.SSLCertVerificationError):
        Answer(cloud)
    cloud.faults.files.certificate = None
    assert Answer(cloud).end == "whole"


def test_orders_that_make_no_sense_are_refused(cloud):
    for arguments in (("none",), ("forbidden", 5), ("redirect",), ("cut", -1), ("slow", 0), ("corrupt", 0.5)):
        with pytest.raises(ValueError, match=arguments[0]):
            cloud.faults.files.order(arguments[0], **({"amount": arguments[1]} if arguments[1:] else {}))
    with pytest.raises(ValueError, match="times=0"):
        cloud.faults.files.order("cut", times=0)
    assert cloud.faults.files.orders() == ()
    with pytest.raises(ValueError, match="no fault of the certificate"):
        cloud.faults.files.certificate = "dusty"
