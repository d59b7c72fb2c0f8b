"""The job of an update in NORMAL: what is refused, is refused at once, and stops no application."""

import asyncio
import builtins

import simulation

import settings
import update_job
from events import Bus
from fakes import Group
from flash import Flash
from flash_board import fill_files, fill_nvs
from harness import equal
from ota import keys
from update_board import THING
from update_desk import SIZE, SLOT, Desk, tried

TIMEOUT_S = 30
HEAP = "16m"  # for what the desk keeps


def refused(desk, document, reason, status="REJECTED"):
    """The device says no without a restart, and without a write to a slot."""
    job = "job-%d" % len(desk.cloud.executions)
    slot = desk.slots()
    desk.send(document, job)
    equal(desk.live(lambda: desk.has_ended(job)), "calm")
    equal(desk.status(job), (status, reason))
    equal(desk.slots() == slot, True)


def test_what_a_device_refuses():
    desk = Desk()
    for reason, changes in (
        ("wrong_hardware", {"hardware": "esp32s3"}),
        ("not_newer", {"version": "1.0.0"}),
        ("not_newer", {"version": "0.9.9", "min_version": "0.1.0"}),
        ("not_newer", {"version": "1.0.0", "force": "boiler-8"}),
        ("image_too_large", {"size": SLOT + 1}),
        ("bad_document", {"size": 0}),
        ("bad_document", {"sha256": "no"}),
        ("bad_document", {"url": "http://images.test/1.1.0"}),
        ("bad_document", {"version": "2.0"}),
    ):
        refused(desk, desk.document("1.1.0", **changes), reason)
    strange = dict(desk.document("1.1.0"), kid="k9")
    refused(desk, strange, "unknown_key")


def test_the_sentence_of_a_refusal_comes_with_it():
    desk = Desk()
    desk.send("1.1.0", hardware="esp32s3")
    desk.live(desk.has_ended)
    equal(desk.cloud.details("job-1")["message"].startswith("The update is for hardware 'esp32s3'"), True)


def test_a_board_without_slots_says_so():
    desk = Desk()
    simulation.board.rows = simulation.board.rows[:1] + [(0, 0, 0x10000, 0x1F0000, "factory", False)]
    simulation.board.running = "factory"
    desk.version = lambda: "1.0.0"
    desk.send("1.1.0")
    desk.live(desk.has_ended)
    equal(desk.status(), ("REJECTED", "no_slots"))


def test_a_firmware_without_keys_takes_no_update_and_says_how_to_get_one():
    desk = Desk()
    keys.KEYS.clear()
    refused(desk, "1.1.0", "no_keys")
    message = desk.cloud.details("job-0")["message"]
    equal(("trusts no key" in message, "docs/ota.md" in message), (True, True))


def test_updates_may_be_forbidden():
    desk = Desk(jobs={"allow": ["restart"]})
    refused(desk, "1.1.0", "not_allowed")


def test_flash_without_room_for_the_note_fails_the_job_and_nothing_else():
    desk = Desk()
    equal(desk.live(limit_s=10), "calm")  # what a start writes is written
    fill_nvs()
    fill_files()
    refused(desk, "1.1.0", "flash_full", "FAILED")


def test_a_force_for_this_device_goes_back():
    desk = Desk()
    desk.send("0.9.0", force=THING, min_version="0.9.0")
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    equal(desk.version(), "0.9.0")


def test_nothing_goes_below_the_floor_once_it_has_risen():
    desk = Desk()
    old = desk.document("1.0.1")
    desk.send("1.2.0", min_version="1.1.0")
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    refused(desk, old, "below_floor")
    refused(desk, desk.document("1.0.1", force=THING), "below_floor")


def test_the_floor_stays_where_it_is_when_an_image_is_not_confirmed():
    desk = Desk()

    async def crashes(device):
        raise RuntimeError("no")

    desk.applications["1.2.0"] = crashes
    desk.send("1.2.0", min_version="1.2.0")
    desk.live_on()
    equal(desk.status(), ("FAILED", "trial_failed"))
    desk.send("1.1.0", "job-2")
    desk.live_on(job_id="job-2")
    equal(desk.status("job-2"), ("SUCCEEDED", None))


async def test_settings_that_are_new_are_written_down_before_the_device_restarts():
    left = []
    system = Group(bus=Bus(), identity=Group(trial="none", rotating=False), leave=lambda *why: left.append(why))
    told_ms, update_job._TOLD_MS = update_job._TOLD_MS, 10
    leaving = asyncio.create_task(update_job._leave(system, "update: version 1.1.0"))
    await asyncio.sleep_ms(50)
    equal(left, [])
    system.identity.trial = None
    while not left:
        await asyncio.sleep_ms(10)
    leaving.cancel()
    update_job._TOLD_MS = told_ms
    equal(left, [("update_requested", "update: version 1.1.0")])


def test_an_update_does_not_restart_a_device_for_ever_whose_flash_has_no_room_for_new_settings():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    networks = [{"ssid": "office", "password": None}]
    asyncio.run(desk.system.flash.save("candidate", *settings.to_record({"networks": networks})))
    fill_nvs()
    fill_files()
    desk.live_on()
    equal((desk.status(), desk.starts), (("FAILED", "flash_full"), ["1.0.0"] * 2))


def test_memory_that_ends_while_it_is_judged_is_waited_for():
    desk = Desk()
    desk.send("1.1.0")
    vet, ended = update_job.vet, []

    def short(*what):
        if not ended:
            ended.append(desk.system.mode)
            raise MemoryError
        return vet(*what)

    update_job.vet = short
    try:
        desk.live_on()
    finally:
        update_job.vet = vet
    equal((desk.status(), desk.starts, ended), (("SUCCEEDED", None), ["1.0.0", "1.0.0", "1.1.0"], ["NORMAL"]))


def test_an_update_that_has_succeeded_is_told_so_though_there_is_no_memory_to_tell_it_for_a_moment():
    desk = Desk()
    desk.send("1.1.0")
    usual, ended = builtins.__import__, []

    def short(name, *how):
        if name == "update_end" and len(ended) < 4:
            ended.append(desk.system.mode)
            raise MemoryError
        return usual(name, *how)

    builtins.__import__ = short
    try:
        desk.live_on()
    finally:
        builtins.__import__ = usual
    equal((desk.status(), desk.version(), ended), (("SUCCEEDED", None), "1.1.0", ["NORMAL"] * 4))


def test_a_job_made_anew_is_not_told_how_the_one_before_it_ended_though_the_power_goes_as_it_is_accepted():
    async def crashes(device):
        raise RuntimeError("no")

    desk = tried(crashes)
    equal(desk.live(), "restart")  # its end is on flash, and not told yet
    desk.cloud.add("job-1", desk.document("1.2.0"), queuedAt=1800000000)
    save, accepted = Flash.save, []

    async def cut(flash, name, secret, bulk=b""):
        if name == "update" and len(accepted) == 1:
            accepted.append(False)
            raise simulation.PowerCut
        await save(flash, name, secret, bulk)
        if name == "job" and b"accepted" in bulk and not accepted:
            accepted.append(True)

    Flash.save = cut
    try:
        equal(desk.live(), "cut")
    finally:
        Flash.save = save
    desk.live_on()
    equal((desk.status(), desk.version(), accepted), (("SUCCEEDED", None), "1.2.0", [True, False]))


def test_a_job_made_anew_is_tried_again_when_there_was_no_memory_to_accept_it():
    async def crashes(device):
        raise RuntimeError("no")

    desk = tried(crashes)
    equal(desk.live(), "restart")  # its end is on flash, and not told yet
    desk.cloud.add("job-1", desk.document("1.2.0"), queuedAt=1800000000)
    save, starved = Flash.save, []

    async def short(flash, name, secret, bulk=b""):
        if name == "update" and not starved:
            starved.append(desk.system.mode)
            raise MemoryError
        await save(flash, name, secret, bulk)

    Flash.save = short
    try:
        desk.live_on()
    finally:
        Flash.save = save
    equal((desk.status(), desk.version(), starved), (("SUCCEEDED", None), "1.2.0", ["NORMAL"]))


def test_how_an_update_ended_is_told_without_the_document_for_which_there_may_be_no_memory():
    async def crashes(device):
        raise RuntimeError("no")

    for application, ended in ((None, ("SUCCEEDED", None)), (crashes, ("FAILED", "trial_failed"))):
        desk = Desk()
        if application:
            desk.applications["1.1.0"] = application
        desk.send("1.1.0")
        for _ in range(2):  # NORMAL, which judges it, and mode OTA, which needs its link
            equal(desk.live(), "restart")
        desk.cloud.asked.clear()
        desk.live_on()
        equal((desk.status(), [end for end, _ in desk.cloud.asked if end != "$next/get"]), (ended, ["job-1/update"]))


def test_an_update_whose_record_was_lost_is_judged_once_more():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    asyncio.run(desk.system.flash.erase("update"))
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))


def test_the_application_hears_of_it_and_may_clean_up():
    heard = []

    async def application(device):
        try:
            async for event in device.events:
                if event.name == "restart.requested":
                    heard.append(event.data["reason"])
        finally:
            heard.append("cleaned up")

    desk = Desk(application)
    desk.send("1.1.0", size=SIZE)
    equal(desk.live(), "restart")
    equal(heard, ["update: version 1.1.0", "cleaned up"])
