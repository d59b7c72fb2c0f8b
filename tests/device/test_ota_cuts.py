"""The link of a download through real TLS is cut: in its handshake, in the head of the answer, between head and body,
in the body, at its last byte. A later link goes on with what has come, and the image is whole at last.

LINK_CUTS=1000 in the environment: so many at random bytes instead of a few; LINK_SEED: what chooses them.
"""

import hashlib
import os
import random

import simulation
from esp32 import Partition

import errors
from aws.connector import Connector
from harness import equal
from ota.update import Update

COMPANIONS = ["cut_servers"]
TIMEOUT_S = 600

SLOT = 0x10000
SIZE = 50000
SECTOR = 4096
CUTS = int(os.getenv("LINK_CUTS") or 20)
SEED = int(os.getenv("LINK_SEED") or 1)
HANDSHAKE, BODY = "22", "23"  # types of records
PASSING = ("download_failed", "connection_lost", "tls_failed", "refused")


class Timeouts:
    connect_s = 10
    stall_s = 10


async def resolve(host, beat=None):
    return "127.0.0.1"


def stored(name):
    with open(name, "rb") as file:
        return file.read()


def update():
    simulation.board.use_slots(SLOT)
    connector = Connector([stored("root")], resolve, Timeouts)
    return Update(connector.connect, Partition(Partition.RUNNING).get_next_update(), SIZE, Timeouts)


async def fetch(made):
    await made.fetch("https://images.test:%s/apart" % os.getenv("PORT"), lambda: None)


async def cut_at(made, at, how, since="handshake"):
    """One more link, cut so. The code of its error; None when all had come before."""
    with open("cut", "w") as file:
        file.write("%d %s %s" % (at, since, how))
    before = made.at
    try:
        await fetch(made)
    except errors.DeviceError as failure:
        if failure.code not in PASSING or not isinstance(failure, errors.RetryError):
            raise
        equal(made.at >= before, True)  # nothing is lost
        return failure.code
    finally:
        os.remove("cut")
    return None


async def records():
    """Of a whole link: [(type, where it ends)]."""
    await fetch(update())
    return [(line.split()[0], int(line.split()[1])) for line in stored("records").decode().split("\n") if line]


async def check(made):
    await fetch(made)
    equal(await made.digest(), hashlib.sha256(stored("image")).digest())


async def test_wherever_it_is_cut():
    marks = await records()
    begins = [end for kind, end in marks if kind == BODY]
    handshake = [end for kind, end in marks if end < begins[0]]
    head = begins[0] - handshake[-1]
    places = [(at, "handshake") for at in [0, 1] + [at for end in handshake for at in (end - 1, end)]]
    places += [(at, "answer") for at in (0, 1, head // 2, head - 1, head, head + 1)]
    made = update()
    for at, since in places:
        for how in ("closed", "reset"):
            equal((await cut_at(made, at, how, since) is None, made.at), (False, 0))
    await check(made)


async def test_at_its_last_byte():
    marks = await records()
    ends = [end for kind, end in marks if kind == BODY]
    begin = [end for kind, end in marks if end < ends[0]][-1]
    for how in ("closed", "reset"):
        made = update()
        code = await cut_at(made, ends[-1] - begin - 1, how, "answer")
        # All but the record that lacks its last byte; a reset may take along all that was not read yet.
        if how == "closed":
            equal((code, made.at), ("download_failed", (SIZE - 2000) // SECTOR * SECTOR))
        equal(code is None, False)
        await check(made)


async def test_a_download_that_is_cut_at_random_bytes_ends_whole():
    end = (await records())[-1][1]
    random.seed(SEED)
    made, cuts = update(), []
    try:
        for number in range(CUTS):
            at = random.choice((random.randrange(end), random.randrange(5000)))
            cuts.append((at, random.choice(("closed", "reset"))))
            if await cut_at(made, *cuts[-1]) is None or number % 10 == 9:
                await check(made)
                made, cuts = update(), []
        await check(made)
    except (AssertionError, errors.DeviceError) as failure:
        raise AssertionError("LINK_SEED=%d LINK_CUTS=%d: %r after %s" % (SEED, CUTS, failure, cuts))
