"""Settings that are of no use: new ones with which the application does not run, a file that cannot be read. The device
works on with those that are good, and says why."""

import json
import os

import simulation

import candidate
import errors
import events
import flash_board
import notes
import settings
from flash import Flash
from harness import equal
from update_desk import Desk

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps

works = []  # what the application has worked with

FILE = flash_board.ROOT + "/settings.json"
JOB = {"operation": "settings", "settings": {"app": {"every_s": "never"}}}


async def needs_a_number(device):
    """Fails at once, before the cloud can be reached."""
    device.settings["every_s"] + 1
    works.append(device.settings["every_s"])


def new_desk(**changes):
    return Desk(needs_a_number, app={"every_s": 1}, jobs={"allow": ["settings"]}, limits={"starts": 3}, **changes)


def end_of(desk, most=12):
    """How the device came to rest: the modes of its starts."""
    modes = []
    for _ in range(most):
        end = desk.live(desk.has_ended, limit_s=200)
        modes.append(desk.system.mode)
        if end == "calm":
            return modes
    raise AssertionError(modes)


def test_new_settings_of_a_job_that_crash_the_application_are_taken_back_and_the_job_says_so():
    desk = new_desk()
    desk.send(JOB)
    works.clear()
    equal(end_of(desk), ["restart"] * 4 + ["NORMAL"])
    equal(desk.status(), ("FAILED", "not_proven"))
    equal("3 starts in a row did not last" in desk.cloud.details("job-1")["message"], True)
    equal(works, [1, 1])  # before it, and at once after it
    flash = desk.system.flash
    equal((flash.load("candidate"), flash.load("settings")), (None, None))


async def give(desk, **more):
    """As a phone does."""
    system = desk.system
    document = settings.merged(candidate.base(system.flash), "CFG", dict(JOB["settings"], **more))
    await candidate.save(system, document, "phone")


def test_those_of_a_person_lead_into_config_where_it_is_told():
    desk = new_desk()
    equal(desk.live(limit_s=100), "calm")
    run(give(desk))
    for _ in range(3):
        equal((desk.live(), desk.system.mode), ("restart", "restart"))
    config = []
    equal(desk.live(lambda: config.append(desk.system.mode) or desk.system.mode == "CONFIG"), "calm")
    equal(config[-1], "CONFIG")
    last = notes.read(desk.system.flash)["last"]
    equal("3 starts in a row did not last" in last["message"], True)
    equal(desk.live(limit_s=100), "calm")
    equal((desk.system.mode, desk.system.settings.app), ("NORMAL", {"every_s": 1}))


def test_where_nothing_better_is_there_recovery_goes_on_with_them():
    desk = new_desk(networks=[])
    equal(desk.live(limit_s=100), "calm")
    equal(desk.system.mode, "CONFIG")
    run(give(desk, networks=[{"ssid": "home", "password": None}]))
    for _ in range(3):
        equal(desk.live(), "restart")
    equal(desk.live(limit_s=100), "calm")
    equal((desk.system.mode, desk.system._is_recovery), ("NORMAL", True))
    equal(desk.system.flash.load("settings") is not None, True)


def test_power_cuts_as_few_as_are_no_crash_loop_take_nothing_back():
    desk = new_desk()
    equal(desk.live(limit_s=100), "calm")
    run(give(desk))
    for _ in range(2):
        desk.live(lambda: desk.system.mode == "NORMAL")
    equal(desk.system.settings.app, {"every_s": "never"})
    equal(desk.system.flash.load("candidate") is not None, True)


def test_a_settings_file_that_flash_does_not_give_leaves_the_confirmed_settings_in_force():
    desk = new_desk()
    equal(desk.live(limit_s=100), "calm")
    with open(FILE) as file:
        document = json.load(file)
    confirmed = {name: document[name] for name in ("networks", "aws", "app")}
    confirmed = settings.merged({}, "CFG", confirmed)
    confirmed = settings.merged(confirmed, "CERT", document["certs"][0])
    run(desk.system.flash.save("settings", *settings.to_record(confirmed)))
    os.remove(FILE)
    os.mkdir(FILE)  # as good as a file that littlefs finds damaged: opening it fails, and not for want of it
    equal(desk.live(limit_s=100), "calm")
    equal((desk.system.mode, desk.system.aws.is_connected), ("NORMAL", True))
    equal(candidate.has_better(desk.system), True)
    desk.system.file_is_good = True
    equal(candidate.has_better(desk.system), False)


def test_new_settings_are_tried_though_there_was_no_memory_to_tell_of_them():
    for untold in ("restart.requested", "settings.received"):
        desk, emit, short = new_desk(), events.Bus.emit, []

        def starved(bus, name, **data):
            if name == untold and not short:
                short.append(name)
                raise MemoryError
            emit(bus, name, **data)

        desk.send({"operation": "settings", "settings": {"app": {"every_s": 2}}})
        events.Bus.emit = starved
        try:
            desk.live_on()
        finally:
            events.Bus.emit = emit
        equal((untold, desk.status(), desk.system.settings.app), (untold, ("SUCCEEDED", None), {"every_s": 2}))
        equal((short, desk.system.flash.load("candidate")), ([untold], None))


def test_new_settings_have_succeeded_though_flash_refuses_something_once_when_they_work():
    for what in ("settings", "notes"):
        desk, save, erase, refused = new_desk(), Flash.save, Flash.erase, []

        def refuse(name):
            if name == what and desk.system.aws and desk.system.identity.name and not refused:
                refused.append(name)
                raise errors.error("flash_failed", "writing " + name, "it is worn")

        async def refuse_to_save(flash, name, *record):
            if what == "settings":
                refuse(name)
            await save(flash, name, *record)

        async def refuse_to_erase(flash, name):
            refuse(name)
            await erase(flash, name)

        desk.send({"operation": "settings", "settings": {"app": {"every_s": 2}}})
        equal(desk.live(), "restart")
        Flash.save, Flash.erase = refuse_to_save, refuse_to_erase
        try:
            desk.live_on()
        finally:
            Flash.save, Flash.erase = save, erase
        equal((what, desk.status(), desk.system.settings.app), (what, ("SUCCEEDED", None), {"every_s": 2}))
        equal((refused, desk.system.flash.load("candidate")), ([what], None))


def run(coroutine):
    """In a loop of its own."""
    try:
        coroutine.send(None)
        while True:
            coroutine.send(None)
    except StopIteration:
        simulation.board.flash.cut_at(None)
        flash_board.chip().power_cycle()
