"""The queue on flash: first in, first out, through power cuts at every write of littlefs."""

import os

import simulation

import errors
import flash_queue
from flash_board import ROOT, boot, chip, damage, fill_files, new_board
from harness import equal, raises

TIMEOUT_S = 120
FOLDER = ROOT + "/outbox"


def records(queue):
    return [queue.read(number) for number in range(queue.first, queue.first + len(queue))]


async def test_first_in_first_out_also_after_a_start():
    queue = (await new_board()).queue("outbox")
    equal((len(queue), queue.size, records(queue)), (0, 0, []))
    for n in range(12):
        queue.append(b"%d" % n * 100)
    queue.drop(queue.first + 1)
    wanted = [b"%d" % n * 100 for n in range(2, 12)]
    equal((len(queue), records(queue)), (10, wanted))
    again = (await boot()).queue("outbox")
    equal((len(again), again.size, records(again)), (10, queue.size, wanted))
    again.append(b"")
    equal(records(again), wanted + [b""])
    again.clear()
    equal((len(again), again.size, os.listdir(FOLDER)), (0, 0, []))


async def test_what_is_not_ours_is_left_alone_and_what_is_damaged_is_none():
    queue = (await new_board()).queue("outbox")
    queue.append(b"first")
    queue.append(b"second")
    with open(FOLDER + "/readme", "w") as file:
        file.write("not ours")
    damage(FOLDER + "/1")
    for number, size in ((3, 0), (4, 2), (5, 4)):
        with open(FOLDER + "/%d" % number, "wb") as file:
            file.write(bytes(size))
    queue = (await boot()).queue("outbox")
    equal(records(queue), [None, b"second", None, None, None])
    queue.drop(queue.first)
    equal(records(queue), [b"second", None, None, None])
    equal(queue.read(99), None)


class Looks:
    """`os`, and how often it was asked to look through a folder: littlefs does that for a single file, too."""

    def __init__(self):
        self.count = 0

    def __getattr__(self, name):
        self.count += name in ("stat", "listdir", "ilistdir")
        return getattr(os, name)


async def test_a_long_queue_is_looked_through_once():
    queue = (await new_board()).queue("outbox")
    for _ in range(9):
        queue.append(b"record")
    store = await boot()
    flash_queue.os = looks = Looks()
    try:
        again = store.queue("outbox")
    finally:
        flash_queue.os = os
    equal((len(again), again.size, looks.count), (9, 54, 1))


async def test_a_full_flash_is_told_and_what_was_there_stays():
    queue = (await new_board()).queue("outbox")
    queue.append(b"there")
    fill_files()
    equal(raises(errors.StorageError, lambda: queue.append(bytes(20000))).code, "flash_full")
    equal(records((await boot()).queue("outbox")), [b"there"])


async def test_it_is_forgotten_as_a_folder():
    store = await new_board()
    store.queue("outbox").append(b"secret")
    await store.erase_all(("user", "/outbox"))
    equal(len(store.queue("outbox")), 0)
    store.queue("outbox").append(b"new")
    equal(records((await boot()).queue("outbox")), [b"new"])


def work(queue, appended, dropped):
    """Append six messages of very different sizes, drop some in between; what has returned is noted."""
    for n in range(6):
        record = b"%d" % n * (1 + 700 * (n % 3))
        queue.append(record)
        appended.append(record)
        if n % 2:
            dropped.append(queue.first)
            queue.drop(queue.first)


async def test_what_was_appended_survives_a_power_cut_at_every_write():
    await new_board()
    before = chip().snapshot()
    for torn in (False, True):
        cuts = 0
        done = False
        while not done:
            cuts += 1
            chip().restore(before)
            queue = (await boot()).queue("outbox")
            appended, dropped = [], []
            simulation.board.flash.cut_at(cuts, torn)
            try:
                work(queue, appended, dropped)
                done = True
            except simulation.PowerCut:
                pass
            found = records((await boot()).queue("outbox"))
            # What is being dropped may still be there; what is being appended may be there or be damaged.
            kept = [record for record in found if record is not None]
            must = appended[len(dropped) :]
            if kept[-len(must) :] != must and kept[-len(must) - 1 : -1] != must:
                raise AssertionError("after write %d: %s of %s" % (cuts, kept, must))
            equal(len(found) - len(must) <= 2, True)
        equal(cuts > 20, True)


async def test_more_than_there_is_can_be_dropped():
    queue = (await new_board()).queue("outbox")
    queue.append(b"one")
    queue.drop(99)
    equal(len(queue), 0)
    queue.append(b"two")
    equal(records(queue), [b"two"])


async def test_what_was_erased_meanwhile_takes_no_room_once_it_is_dropped():
    store = await new_board()
    queue = store.queue("outbox")
    for _ in range(3):
        queue.append(b"record")
    await store.erase_all(("user", "/outbox"))  # a factory reset, while the application still publishes
    queue.clear()
    equal((len(queue), queue.size), (0, 0))
    queue.append(b"new")
    equal((records(queue), queue.size), ([b"new"], 3))
