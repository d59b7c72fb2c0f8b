"""The trial of a new image: confirmed, or gone back from; and whose fault that was."""

import asyncio
import os

import machine
import simulation
from esp32 import Partition

from flash import Flash
from flash_board import ROOT
from harness import equal
from update_board import THING
from update_desk import Desk, crashes, is_refused, tried, went_back

TIMEOUT_S = 30
HEAP = "16m"  # for what the desk keeps


def test_a_new_image_that_crashes():
    desk = tried(crashes)
    went_back(desk, "trial_failed")
    equal("the sensor is not there" in desk.cloud.details("job-1")["message"], True)
    equal(is_refused(desk), True)
    equal(desk.starts.count("1.1.0"), 1)


def test_a_crash_that_says_more_than_there_is_room_for_ends_the_trial_and_keeps_the_floor():
    async def crashes(device):
        raise ValueError("x" * 3000)

    desk = Desk()
    desk.send("1.0.1", "job-0", min_version="1.0.1")
    desk.live_on(job_id="job-0")
    desk.applications["1.1.0"] = crashes
    desk.send("1.1.0")
    desk.live_on()
    equal(desk.status(), ("FAILED", "trial_failed"))
    desk.send(desk.document("1.0.0", force=THING), "job-2")
    desk.live_on(job_id="job-2")
    equal(desk.status("job-2"), ("REJECTED", "below_floor"))


def test_a_new_image_whose_initialisation_fails():
    desk = tried(None)
    Flash.start, good = broken, Flash.start
    desk.live()
    Flash.start = good
    went_back(desk, "trial_failed")
    equal(is_refused(desk), True)


async def broken(flash):
    raise RuntimeError("no flash")


def test_a_new_image_that_cannot_read_the_settings():
    desk = tried(None)
    os.rename(ROOT + "/settings.json", ROOT + "/away.json")
    equal(desk.live(), "restart")
    os.rename(ROOT + "/away.json", ROOT + "/settings.json")
    went_back(desk, "trial_failed")
    equal("incomplete" in desk.cloud.details("job-1")["message"], True)
    equal(is_refused(desk), True)


def test_a_job_cancelled_while_the_slot_is_switched_leaves_a_trial():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    switch = Partition.set_boot

    def cancelled(partition):
        desk.cancel("job-1")
        switch(partition)

    Partition.set_boot = cancelled
    equal(desk.live(), "restart")
    Partition.set_boot = switch
    equal(desk.live(limit_s=100), "calm")
    equal((desk.live(limit_s=10), desk.starts[-1]), ("calm", "1.1.0"))


def test_a_new_image_that_panics():
    async def panics(device):
        simulation.board.restart("panic", machine.HARD_RESET)

    desk = tried(panics)
    went_back(desk, "trial_failed")
    equal(is_refused(desk), True)


def test_a_new_image_that_hangs_until_the_watchdog_comes():
    async def hangs(device):
        simulation.board.restart("watchdog", machine.WDT_RESET)

    desk = tried(hangs)
    went_back(desk, "trial_failed")
    equal("watchdog" in desk.cloud.details("job-1")["message"], True)
    equal(is_refused(desk), True)


def test_a_new_image_that_panics_before_python_or_has_nothing_of_this_firmware():
    desk = tried(None)
    equal(desk.version(), "1.1.0")
    simulation.board.boot()  # its only start: nothing was counted
    simulation.board.reset_cause = machine.WDT_RESET
    went_back(desk, "trial_failed")
    equal("watchdog" in desk.cloud.details("job-1")["message"], True)
    equal((is_refused(desk), desk.starts.count("1.1.0")), (True, 0))


def test_a_new_image_whose_power_goes_before_it_counts_its_start_is_tried_again():
    desk = tried(None)
    simulation.board.power_cycle()
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))


def test_a_new_image_that_does_not_pass_its_health_check():
    asked = []

    async def sick(device):
        async def check():
            asked.append(1)
            return len(asked) > 1000

        device.health(check)
        await asyncio.sleep(1000)

    desk = tried(sick)
    went_back(desk, "trial_failed")
    equal("health check" in desk.cloud.details("job-1")["message"], True)
    equal((len(asked) > 10, is_refused(desk)), (True, True))


def test_a_health_check_that_raises_says_why():
    async def sick(device):
        async def check():
            raise OSError("no sensor on I2C")

        device.health(check)
        await asyncio.sleep(1000)

    desk = tried(sick)
    went_back(desk, "trial_failed")
    equal("no sensor on I2C" in desk.cloud.details("job-1")["message"], True)


def test_a_health_check_may_take_its_time():
    asked = []

    async def slow(device):
        async def check():
            asked.append(1)
            return len(asked) > 20

        device.health(check)
        await asyncio.sleep(1000)

    desk = tried(slow)
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    equal(len(asked), 21)


def test_a_power_cut_in_the_trial_is_not_held_against_the_version():
    desk = tried(None)
    equal(desk.live(lambda: desk.system and desk.system.trial, limit_s=60), "calm")  # the power goes
    equal(desk.version(), "1.0.0")
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))


def test_power_cuts_in_every_trial_end_it_without_a_verdict():
    desk = tried(None)
    for _ in range(3):
        equal(desk.live(lambda: desk.system and desk.system.trial, limit_s=60), "calm")
        desk.live(desk.has_ended)
    equal(desk.status(), ("FAILED", "trial_given_up"))
    desk.send("1.1.0", "job-2")
    desk.live_on(job_id="job-2")
    equal(desk.status("job-2"), ("SUCCEEDED", None))


def test_a_restart_that_the_application_wants_is_not_held_against_the_version():
    restarts = []

    async def restarting(device):
        if not restarts:
            restarts.append(1)
            await device.restart("a new day")
        await asyncio.sleep(1000)

    desk = tried(restarting)
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    equal(desk.starts.count("1.1.0"), 2)


def test_a_job_cancelled_in_the_trial_leaves_the_new_image():
    desk = tried(None)
    desk.cancel("job-1")
    equal(desk.live(limit_s=100), "calm")
    equal((desk.live(limit_s=10), desk.starts[-1]), ("calm", "1.1.0"))


def test_a_device_in_trial_does_no_jobs_until_it_is_over():
    is_well, seen = [], []

    async def check():
        return bool(is_well)

    async def waits(device):
        device.health(check)
        await asyncio.sleep(1000)

    desk = tried(waits)
    desk.cancel("job-1")
    desk.send("1.2.0", "job-2")
    desk.at(20, lambda: seen.append((desk.system.trial, desk.status("job-2"))))
    desk.at(20, lambda: is_well.append(True))
    desk.live_on(job_id="job-2")
    equal(seen, [(True, ("QUEUED", None))])
    equal((desk.status("job-2"), desk.version()), (("SUCCEEDED", None), "1.2.0"))


def test_one_update_after_the_other_succeeds():
    desk = Desk()
    for number in range(1, 5):
        job = "job-%d" % number
        desk.send("1.%d.0" % number, job)
        desk.live_on(job_id=job)
        equal((desk.status(job), desk.version()), (("SUCCEEDED", None), "1.%d.0" % number))
