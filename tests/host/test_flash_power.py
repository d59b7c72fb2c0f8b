"""The firmware's flash on a simulated board whose power cord is pulled: the old or the new, in the next life.

Every write of every operation is cut inside one process by tests/device/test_flash_power.py; here the process dies, and
what it left is what a file has.
"""

import pytest

from tests.host.sim_desk import desk

PROGRAM = """
import asyncio, events, flash

def show(store):
    thing, user = store.load("thing"), store.read(0, 256)
    sizes = "none" if thing is None else "%s%s" % (thing[0][:1], thing[1][:1])
    whole = thing is None or len(set(thing[0])) == len(set(thing[1])) == 1
    print("found", sizes, chr(user[0]), "whole" if whole and len(set(user)) == 1 else "MIXED")

async def main():
    store = flash.Flash(events.Bus())
    await store.start()
    show(store)
    thing = store.load("thing")
    letter = b"a" if thing is None or thing[0][:1] == b"b" else b"b"
    print("begun")
    await store.save("thing", letter * 1220, letter * 1400)
    await store.write(0, letter * 256)
    await store.flush()
    print("saved", letter)

asyncio.run(main())
"""


@pytest.mark.parametrize("torn", [False, True])
def test_power_cut_leaves_the_old_or_the_new(tmp_path, torn):
    with desk(tmp_path, PROGRAM, image="ota") as (_, board):
        board.power_on()
        board.wait_for("^saved b'a'$")
        board.power_cut()
        seen = set()
        for cut in range(1, 100, 4 if torn else 3):
            board.cut_at_write(cut, torn)
            board.power_on()
            line = board.wait_for("^saved|^sim: off: power cut at write")
            board.cut_at_write(None)
            board.power_cut()
            board.power_on()
            found = board.wait_for("^found")
            board.wait_for("^saved")
            board.power_cut()
            assert found.endswith("whole")
            seen.add(found)
            if line.startswith("saved"):
                break
        assert line.startswith("saved")
        assert len(seen) > 2  # the old, the new, and a new thing beside old user data


def test_board_whose_nvs_was_erased_has_everything_again(tmp_path):
    with desk(tmp_path, PROGRAM) as (_, board):
        board.power_on()
        board.wait_for("^saved b'a'$")
        board.power_cut()
        board.flash.erase_nvs()
        board.power_on()
        assert board.wait_for("^found") == "found b'a'b'a' a whole"
