"""Notes from one start to the next."""

import asyncio

import flash_board
import notes
from fakes import Flash
from harness import equal


async def test_notes_are_kept_beside_each_other_and_forgotten_one_by_one():
    flash = Flash()
    equal(notes.read(flash), {})
    await notes.change(flash, into="CONFIG", last={"code": "no_dns", "message": "a sentence"})
    await notes.change(flash, into=None, windows=2)
    equal(notes.read(flash), {"last": {"code": "no_dns", "message": "a sentence"}, "windows": 2})
    await notes.change(flash, last=None, windows=None)
    equal(flash.kept, {})


async def test_nothing_is_written_when_nothing_changes():
    flash = Flash()
    await notes.change(flash, into=None)
    await notes.change(flash, windows=1)
    flash.save = flash.erase = None  # would fail
    await notes.change(flash, windows=1, into=None)


async def test_notes_of_two_tasks_that_wait_for_the_flash_are_both_kept():
    flash = await flash_board.new_board()
    await flash.write(0, b"counted")
    others = [asyncio.create_task(flash.flush())]  # is at it when the first of them comes
    others.append(asyncio.create_task(notes.change(flash, into="CONFIG")))
    others.append(asyncio.create_task(notes.change(flash, last={"code": "no_dns"})))
    await asyncio.gather(*others)
    equal(notes.read(flash), {"into": "CONFIG", "last": {"code": "no_dns"}})


def test_what_cannot_be_read_is_no_note():
    equal(notes.read(Flash(notes=(b"[1", b""))), {})
    equal(notes.read(Flash(notes=(b"[1]", b""))), {})


def test_the_last_known_time_is_zero_without_one():
    equal(notes.last_known_time(Flash()), 0)
    equal(notes.last_known_time(Flash(clock=((5).to_bytes(8, "big"), b""))), 5)
