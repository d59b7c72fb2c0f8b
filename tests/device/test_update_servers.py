"""An update whose server, or what stands before it, answers as it likes, by chance: it always ends, within its starts,
and never with another image than the signed one.

UPDATE_SERVERS=1000 in the environment: so many updates instead of a few; UPDATE_SEED: of the first of them.
"""

import os
import random

import errors
from harness import equal
from update_desk import Desk

TIMEOUT_S = 600
HEAP = "16m"  # for what the desk keeps

UPDATES = int(os.getenv("UPDATE_SERVERS") or 12)
SEED = int(os.getenv("UPDATE_SEED") or 1)

REASONS = (
    "download_failed", "download_refused", "link_expired", "image_broken", "refused", "no_dns", "tls_failed",
    "server_cert_untrusted", "update_too_slow", "task_failed", "no_memory",
)  # fmt: skip


def cut(link):
    link.data = link.data[: random.randrange(len(link.data))]


def status(link):
    code = random.choice((400, 403, 404, 408, 416, 416, 416, 429, 500, 503, 503))
    wait = random.choice(("", "Retry-After: 5\r\n", "Retry-After: 9999\r\n", "Retry-After: soon\r\n"))
    link.data = ("HTTP/1.1 %d x\r\n%sContent-Length: 2\r\n\r\nno" % (code, wait)).encode()


def redirect(link):
    place = random.choice((link.path, "/elsewhere/.." + link.path, "https://images.test" + link.path))
    link.data = ("HTTP/1.1 302 x\r\nLocation: %s?link=1\r\n\r\n" % place).encode()


def whole(link):
    """It knows no ranges."""
    link.start, link.body = 0, link.image
    link.say(200, link.image)


def shifted(link):
    """Another range than was asked for."""
    link.start = random.choice(
        (0, link.start // 8192 * 8192, link.start // 2, min(link.start + 4096, len(link.image) - 1))
    )
    link.say(206, link.image[link.start :], len(link.image))


def spoilt(link):
    """A bit of it is another one."""
    data = bytearray(link.data)
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    link.data = bytes(data)


def chunked(link):
    head = "HTTP/1.1 200 x\r\n"
    if link.start:
        head = "HTTP/1.1 206 x\r\nContent-Range: bytes %d-%d/*\r\n" % (link.start, len(link.image) - 1)
    parts, at, body = [(head + "Transfer-Encoding: chunked\r\n\r\n").encode()], 0, bytes(link.body)
    while at < len(body):
        part = body[at : at + random.choice((1, 100, 4096, 9000))]
        parts.append(b"%x\r\n%s\r\n" % (len(part), part))
        at += len(part)
    link.data = b"".join(parts) + b"0\r\n\r\n"


def without_length(link):
    whole(link)
    link.data = b"HTTP/1.0 200 x\n\n" + bytes(link.image)


def silent(link):
    cut(link)
    read = link.readinto
    link.readinto = lambda view: None if link._at == len(link.data) else read(view)


def starved(link):
    raise MemoryError


def chunked_and_cut(link):
    chunked(link)
    cut(link)


def chunked_and_spoilt(link):
    chunked(link)
    spoilt(link)


ANSWERS = (cut, cut, cut, status, redirect, whole, shifted, spoilt, chunked, without_length, silent, chunked_and_cut,
           chunked_and_spoilt)  # fmt: skip


def fault(images):
    """What happens to a connection: an exception, or a function of the `Link`."""
    chance = random.random()
    if chance < 0.1:
        return errors.error(
            *random.choice((("refused", "images.test", 443), ("no_dns", "images.test"), ("no_memory",)))
        )
    if chance < 0.13:
        return starved
    answer = random.choice(ANSWERS)

    def said(link):
        link.image = memoryview(images[link.path])
        answer(link)

    return said


def test_whatever_the_server_says_the_update_ends_and_no_other_image_is_started():
    ends = set()
    for seed in range(SEED, SEED + UPDATES):
        random.seed(seed)
        desk = Desk(limits={"update_tries": random.choice((1, 8, 30))})
        desk.send("1.1.0")
        desk.faults = [fault(desk.images) for _ in range(random.randrange(30))]
        desk.live_on()
        state, reason = desk.status()
        ends.add(state)
        equal((seed, state, desk.version()), (seed, state, "1.1.0" if state == "SUCCEEDED" else "1.0.0"))
        equal(
            (seed, reason if state == "SUCCEEDED" else reason in REASONS),
            (seed, None if state == "SUCCEEDED" else True),
        )
    if UPDATES > 10:
        equal(ends, {"SUCCEEDED", "FAILED"})  # both were met
