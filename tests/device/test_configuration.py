"""How long CONFIG stays open for a phone, what becomes of settings on trial then, and its setup code."""

import json

import config_ble
import errors
import events
import pki
import settings as words
from configuration import Configuration
from fakes import Flash, Group
from harness import equal

FILE = {
    "networks": [{"ssid": "home", "password": None}],
    "aws": {"endpoint": "a.example", "thing": "lamp-7"},
    "certs": [
        {"role": "ca", "cert": pki.ROOT_CERT},
        {"role": "thing", "cert": pki.EC_CERT, "key": pki.EC_KEY_SEC1},
    ],
}


def new_system(ble=None, trial=None, flash=None):
    """What `Configuration` needs of the head, its window one second wide; `left`: why CONFIG ends."""
    settings = Group(missing=lambda known: [], timeouts=Group(config_s=1))
    identity = Group(known=lambda: True, trial=trial)
    system = Group(settings=settings, identity=identity, flash=flash, bus=events.Bus(), ble=ble, left=[])
    system.file_is_good, system.NOBODY_CAME = True, ""
    system.leave = lambda event, reason: system.left.append(event)
    return system


async def looks_of_the_window(system, at_look=lambda count: None):
    """How many looks at the phone it took until CONFIG ended."""
    beats = []

    def beat():
        beats.append(None)
        at_look(len(beats))

    await Configuration(system)._close_window(Group(beat=beat))
    equal(system.left, ["window_closed"])
    return len(beats)


async def test_the_window_stays_open_while_the_device_is_at_work_though_its_phone_has_gone():
    ble = Group(is_busy=True)  # trying Wi-Fi networks takes longer than the window is open
    equal(await looks_of_the_window(new_system(ble), lambda count: setattr(ble, "is_busy", count < 4)), 5)


async def test_the_window_stays_open_while_a_phone_is_there_that_knows_the_code():
    system = new_system()
    come_and_go = {1: events.BLE_AUTHENTICATED, 4: events.BLE_DISCONNECTED}

    def at_look(count):
        if count in come_and_go:
            system.bus.emit(come_and_go[count])

    equal(await looks_of_the_window(system, at_look), 5)


async def test_settings_on_trial_are_dropped_when_nobody_comes_if_there_are_better_ones():
    for file, left in (({}, ["candidate"]), (FILE, [])):
        flash = Flash(candidate=words.to_record({"networks": [{"ssid": "other", "password": None}]}))
        flash.settings_file = lambda: json.dumps(file)
        system = new_system(trial="none", flash=flash)
        await looks_of_the_window(system)
        equal(sorted(flash.kept), left)


async def test_a_flash_without_room_for_a_new_setup_code_keeps_no_phone_out():
    flash = Flash()

    async def refuse(*_):
        raise errors.error("flash_full", "code")

    async def stop():
        pass

    flash.save = refuse
    wifi = Group(start=lambda: None, stop=stop)
    system = Group(flash=flash, bus=None, settings=None, make_wifi=lambda bus, settings: wifi)
    equal(len(await config_ble._setup_code(system)), 10)


async def test_a_restart_that_a_phone_waits_for_comes_though_there_is_no_memory_to_wait_until_it_has_gone():
    def own(name, run):
        raise MemoryError

    system = new_system(Group(is_busy=False))
    system.own = own
    Configuration(system)._restart("new settings")
    equal(system.left, ["restart_requested"])
