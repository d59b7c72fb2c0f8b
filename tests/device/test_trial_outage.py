"""Trials that are cut short by an outage, and slots that others have written."""

import asyncio

from esp32 import Partition

from harness import equal
from update_board import THING, TIMES
from update_desk import Desk, crashes, is_refused, tried, went_back

TIMEOUT_S = 30
HEAP = "16m"  # for what the desk keeps


def test_a_slot_that_somebody_else_has_written_is_confirmed_when_it_is_well():
    desk = Desk()
    desk.switch_by_hand("1.1.0")
    equal(desk.live(limit_s=100), "calm")
    equal((desk.live(limit_s=10), desk.starts), ("calm", ["1.1.0", "1.1.0"]))


def test_a_version_that_has_failed_and_is_well_after_all_may_come_again():
    desk = tried(crashes)
    went_back(desk, "trial_failed")
    desk.applications.clear()
    desk.switch_by_hand("1.1.0")
    equal(desk.live(limit_s=100), "calm")
    for job, document in (("job-2", "1.2.0"), ("job-3", desk.document("1.1.0", force=THING))):
        desk.send(document, job)
        desk.live_on(job_id=job)
        equal(desk.status(job), ("SUCCEEDED", None))
    equal(desk.version(), "1.1.0")


def test_an_outage_is_not_held_against_the_version():
    desk = tried(None)
    desk.is_reachable = False
    equal(desk.live(), "restart")  # it did not reach the cloud, and goes back
    equal(desk.live(limit_s=60), "calm")  # nor does the old one
    desk.is_reachable = True
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    equal(desk.starts, ["1.0.0", "1.0.0", "1.1.0", "1.0.0", "1.0.0", "1.1.0"])


def test_an_outage_while_the_application_still_warms_up_is_not_held_against_the_version():
    async def cold(device):
        async def check():
            return desk.system.board.uptime_ms() > 60000

        device.health(check)
        await asyncio.sleep(1000)

    def go_out():
        desk.is_reachable = False

    desk = tried(cold, timeouts=dict(TIMES, trial_s=120))
    desk.at(20, go_out)
    equal(desk.live(), "restart")
    desk.is_reachable = True
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))


def test_a_connection_that_comes_and_goes_confirms_nothing():
    desk = tried(None, timeouts=dict(TIMES, settle_s=20, trial_s=200))
    trials = []

    def turn(seconds, is_reachable):
        def do():
            desk.is_reachable = is_reachable
            trials.append(desk.system.trial)

        desk.at(seconds, do)

    for seconds in (15, 30, 45, 60):
        turn(seconds, False)
        turn(seconds + 5, True)
    desk.live_on()
    equal((trials, desk.status(), desk.starts.count("1.1.0")), ([True] * 8, ("SUCCEEDED", None), 1))


def test_an_image_that_was_spoilt_between_two_trials_is_downloaded_anew_when_the_job_is_tried_again():
    desk = tried(None)
    desk.is_reachable = False
    equal(desk.live(), "restart")
    Partition("ota_1").writeblocks(0, bytes(4096))
    desk.is_reachable = True
    desk.live_on()
    equal((desk.status(), desk.version()), (("FAILED", "image_broken"), "1.0.0"))
    desk.cloud.executions["job-1"].update(status="QUEUED", executionNumber=2, queuedAt=1800000000, statusDetails={})
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))


def test_a_version_that_never_reaches_the_cloud_where_the_old_one_does():
    desk = tried(None)
    desk.refuses = "1.1.0"
    went_back(desk, "trial_given_up")
    equal(desk.starts.count("1.1.0"), 3)
    equal(is_refused(desk), True)


def test_a_job_cancelled_between_two_trials_ends_it():
    desk = tried(None)
    desk.is_reachable = False
    equal(desk.live(), "restart")
    desk.cancel("job-1")
    desk.is_reachable = True
    equal(desk.live(limit_s=100), "calm")
    equal(desk.starts[-1], "1.0.0")


def test_a_slot_that_somebody_else_has_written_is_not_the_update_that_was_wanted():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.switch_by_hand("1.2.0")
    desk.live_on()
    equal((desk.status(), desk.version()), (("REJECTED", "not_newer"), "1.2.0"))
