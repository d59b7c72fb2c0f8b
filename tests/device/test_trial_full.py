"""Trials that end while flash has no room to note how."""

import asyncio
import os

from flash_board import ROOT, fill_files, fill_nvs
from harness import equal
from update_board import THING
from update_desk import Desk, tried

TIMEOUT_S = 30
HEAP = "16m"  # for what the desk keeps


async def fills(device):
    """Leaves no room on flash, not even for a note of how its trial ended."""
    fill_nvs()
    fill_files()
    await asyncio.sleep(1000)


def test_a_new_image_is_confirmed_when_flash_has_no_room_to_note_it():
    desk = Desk()
    desk.applications["1.1.0"] = fills
    desk.send("1.1.0", min_version="1.1.0")
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
    equal(desk.live(limit_s=100), "calm")
    os.remove(ROOT + "/filler")
    del desk.applications["1.1.0"]
    equal((desk.live(limit_s=100), desk.starts.count("1.1.0")), ("calm", 3))
    older = desk.document("1.0.5", force=THING)  # below the floor, which this start has raised
    desk.send(older, "job-2")
    desk.live_on(job_id="job-2")
    equal(desk.status("job-2"), ("REJECTED", "below_floor"))


def test_a_slot_of_others_is_confirmed_when_flash_has_no_room_for_a_note():
    desk = Desk()
    equal(desk.live(limit_s=10), "calm")
    fill_nvs()
    fill_files()
    desk.switch_by_hand("1.1.0")
    equal(desk.live(limit_s=100), "calm")
    equal((desk.live(limit_s=10), desk.starts), ("calm", ["1.0.0", "1.1.0", "1.1.0"]))


def test_an_outage_in_the_trial_ends_the_job_where_flash_has_no_room():
    desk = tried(fills)
    desk.is_reachable = False
    equal(desk.live(), "restart")
    desk.is_reachable = True
    desk.live_on()
    equal(desk.status(), ("FAILED", "flash_full"))
    equal((desk.live(limit_s=100), desk.version()), ("calm", "1.0.0"))


def test_a_floor_that_could_not_be_noted_has_risen_for_the_next_job():
    desk = Desk()
    desk.applications["1.1.0"] = fills
    desk.send("1.1.0", min_version="1.1.0")
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
    del desk.applications["1.1.0"]
    newer, older = desk.document("1.2.0", min_version="1.0.0"), desk.document("1.0.5", force=THING)

    def find_room():  # when this start has looked for some in vain
        os.remove(ROOT + "/filler")
        desk.send(newer, "job-2")
        desk.system.aws.news()

    desk.at(10, find_room)
    equal(desk.live(limit_s=100), "restart")
    desk.live_on(job_id="job-2")
    equal((desk.status("job-2"), desk.version()), (("SUCCEEDED", None), "1.2.0"))
    desk.send(older, "job-3")
    desk.live_on(job_id="job-3")
    equal(desk.status("job-3"), ("REJECTED", "below_floor"))
