"""The link of a download is cut at random bytes, in every way: the update always ends as the rule says, which is told
here once more: it goes on where it was, and `limits.update_tries` cuts in a row without a new sector are one too few.

UPDATE_CUTS=1000 in the environment: so many updates instead of a few; UPDATE_SEED: of the first of them.
Through real TLS, handshake included: test_ota_cuts.py.
"""

import os
import random

from harness import equal
from update_desk import SIZE, Desk, given_up

TIMEOUT_S = 600
HEAP = "16m"  # for what the desk keeps

SECTOR = 4096
TRIES = 8  # limits.update_tries
UPDATES = int(os.getenv("UPDATE_CUTS") or 12)
SEED = int(os.getenv("UPDATE_SEED") or 1)

# How a link ends
CLOSED, RESET, STALLED = range(3)


class Cuts:
    """Cuts the links of a desk, by chance; knows how the update has to end."""

    def __init__(self, count):
        self.made = []  # (byte of the answer, how)
        self.in_vain = 0  # in a row
        self.is_given_up = False
        self.wanted = [0]  # where each range has to begin
        self._left = count

    def __call__(self, link):
        if not self._left:
            return
        self._left -= 1
        whole, head = len(link.data), len(link.data) - len(link.body)
        at = random.choice(
            (
                0,
                random.randrange(head),
                head,
                head + random.randrange(min(SECTOR, whole - head)),
                random.randrange(whole),
                random.randrange(whole),
                whole - 1,
            )
        )
        how = random.choice((CLOSED, RESET, STALLED))
        self.made.append((at, how))
        cut(link, at, how)
        brought = max(0, at - head) // SECTOR
        self.in_vain = 0 if brought else self.in_vain + 1
        self.is_given_up = self.is_given_up or self.in_vain > TRIES
        if not self.is_given_up:
            self.wanted.append(self.wanted[-1] + brought * SECTOR)


def cut(link, at, how):
    """Let a link end before this byte of the answer."""
    link.data = link.data[:at]
    read = link.readinto

    def readinto(view):
        if link._at < at:
            return read(view)
        if how == RESET:
            raise OSError(104)  # ECONNRESET
        return None if how == STALLED else 0

    link.readinto = readinto


def test_an_update_whose_link_is_cut_at_random_bytes_succeeds_or_is_given_up():
    resumed = given = 0
    for seed in range(SEED, SEED + UPDATES):
        random.seed(seed)
        desk, cuts = Desk(), Cuts(random.randint(1, 40))
        desk.send("1.1.0")
        desk.faults = [cuts] * 50
        try:
            desk.live_on()
            if cuts.is_given_up:
                equal((desk.status(), desk.version()), (("FAILED", "download_failed"), "1.0.0"))
            else:
                equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
            equal([start for _, start in desk.asked], cuts.wanted)
        except AssertionError as failure:
            raise AssertionError("UPDATE_SEED=%d UPDATE_CUTS=1: %s; cuts: %s" % (seed, failure, cuts.made))
        resumed += len([start for start in cuts.wanted if start])
        given += cuts.is_given_up
    if UPDATES > 10:
        equal((resumed > UPDATES, 0 < given < UPDATES), (True, True))  # both ends were met


def never_brings_anything(place, how):
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [lambda link: cut(link, place(link), how)] * 50
    given_up(desk, "download_failed")
    equal(desk.asked, [("/1.1.0", 0)] * (TRIES + 1))


def test_cuts_that_let_nothing_through_end_it():
    never_brings_anything(lambda link: 0, CLOSED)
    never_brings_anything(lambda link: 20, RESET)
    never_brings_anything(lambda link: len(link.data) - SIZE, STALLED)
    never_brings_anything(lambda link: len(link.data) - SIZE + SECTOR - 1, CLOSED)


def test_at_the_last_byte_again_and_again():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [lambda link: cut(link, len(link.data) - 1, CLOSED)] * 50
    given_up(desk, "download_failed")
    equal([start for _, start in desk.asked], [0] + [SIZE - SECTOR] * (TRIES + 1))
