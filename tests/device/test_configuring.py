"""What a phone asks for in CONFIG ends well, or ends all the same: in STATE, in memory, and in a restart."""

import asyncio
import json
import time

import errors
import events
import settings
from ble import codes, framing
from ble.talk import Host, Talk
from configuring import Configuring
from fakes import Flash, Group
from harness import equal, raises
from identity import Identity
from quick_life import Clock, nothing

FILE = """{"networks": [{"ssid": "home", "password": null}], "aws": {"endpoint": "a.example", "thing": "lamp"}}"""


class Ble:
    """Notes the steps that STATE would show; `failure` is raised in place of the next "restarting"."""

    failure = None

    def __init__(self):
        self.steps = []

    async def progress(self):
        pass

    async def set_state(self, step, code=0, message="", last=None):
        if step == "restarting" and self.failure:
            failure, self.failure = self.failure, None
            raise failure
        self.steps.append((step, code))


class Wifi:
    """`failure`: what joining ends with; `tried`: names of networks, `is_on`: whether the radio is."""

    failure = None
    is_on = False
    takes_s = 0

    def use(self, _, settings):
        self.tried = [network.ssid for network in settings.networks]
        return self

    async def join_once(self):
        self.is_on = True
        await asyncio.sleep(self.takes_s)
        if self.failure:
            raise self.failure

    async def stop(self):
        self.is_on = False

    def keep_time(self, seconds, not_before):
        raise errors.error("invalid_setting", "time", "earlier than the firmware", "later")


def new_desk():
    """(Configuring, its Ble, its Wi-Fi, the reasons for which it restarts)."""
    flash, found = Flash(), settings.load(FILE)
    found.roots, found.thing = [None], Group(cert=None, key=None)
    wifi, restarts = Wifi(), []
    system = Group(flash=flash, settings=found, bus=events.Bus(), wifi=None, identity=Identity(flash, found))
    system.make_wifi = wifi.use
    configuring = Configuring(system, restarts.append, None)
    configuring.ble = Ble()
    return configuring, configuring.ble, wifi, restarts


async def test_settings_that_work_are_saved_and_tried_by_a_restart():
    configuring, ble, _, restarts = new_desk()
    equal(await configuring.handle("APPLY", 1, {}), {"code": codes.DONE})
    equal(ble.steps, [("joining", 0), ("saving", 0), ("restarting", codes.DONE)])
    equal((restarts, "candidate" in configuring.system.flash.kept), (["new settings"], True))
    refusal = await raises(codes.Refusal, configuring.handle("STS", 2, {}))
    equal(refusal.number, codes.BUSY)


async def test_only_what_the_phone_gave_is_tried_for_what_was_known_before_would_hide_a_wrong_password():
    configuring, _, wifi, _ = new_desk()
    await configuring.handle("CFG", 1, {"networks": [{"ssid": "new", "password": "a password"}]})
    wifi.failure = errors.error("wrong_password", "new")
    await raises(errors.PersonError, configuring.handle("APPLY", 2, {}))
    equal((wifi.tried, wifi.is_on), (["new"], False))
    configuring.system.bus.emit(events.BLE_DISCONNECTED, phone="", reason="")
    wifi.failure = None
    await configuring.handle("APPLY", 3, {})  # what was staged went with the phone
    equal((wifi.tried, wifi.is_on), (["home"], False))


async def test_whatever_ends_an_attempt_is_told_in_state_for_a_phone_that_has_lost_touch_waits_while_it_joins():
    for failure, number in (
        (errors.error("wrong_password", "home"), codes.WRONG_PASSWORD),
        (MemoryError(), codes.FAILED),
        (asyncio.CancelledError(), codes.FAILED),  # its time was up
    ):
        configuring, ble, wifi, restarts = new_desk()
        wifi.failure = failure
        await raises(type(failure), configuring.handle("APPLY", 1, {}))
        equal(ble.steps, [("joining", 0), ("failed", number)])
        equal((configuring.last["code"], restarts), (number, []))


def test_networks_are_given_as_long_as_the_settings_allow_and_work_that_hangs_ends_all_the_same():
    Clock()
    asyncio.new_event_loop()
    asyncio.run(slow_networks())


async def slow_networks():
    slow = [{"ssid": name, "password": None} for name in ("first", "second")]
    each_s = 120 + 120  # joined, but without an address
    for takes_s, number in ((2 * each_s, codes.NO_ADDRESS), (86400, codes.FAILED)):
        configuring, ble, wifi, _ = new_desk()
        timeouts = configuring.system.settings.timeouts
        timeouts.join_s = timeouts.address_s = 120
        await configuring.handle("CFG", 1, {"networks": slow})
        wifi.takes_s, wifi.failure = takes_s, errors.error("no_address", "first")
        equal(await answer_to(configuring, {"typ": "APPLY", "id": 2, "dat": {}}), number)
        equal((ble.steps[-1], wifi.is_on), (("failed", number), False))


async def answer_to(configuring, message):
    """The code of the last answer that the phone gets."""
    sent = []

    async def send(frame):
        sent.append(json.loads(bytes(frame[framing.HEADER :])))

    host = Host("lamp", None, configuring.handle, time.ticks_ms, lambda failure: None)
    await Talk(host, send, nothing).hear(framing.frame(framing.CLEAR, json.dumps(message).encode()), time.ticks_ms())
    while host.is_busy:
        await asyncio.sleep(1)
    return sent[-1]["dat"]["code"]


async def test_saved_settings_are_tried_though_there_was_no_memory_to_say_so():
    configuring, ble, _, restarts = new_desk()
    ble.failure = MemoryError()
    await raises(MemoryError, configuring.handle("APPLY", 1, {}))
    equal(restarts, ["new settings"])


async def test_a_time_that_is_refused_leaves_nothing_in_memory():
    configuring, _, _, _ = new_desk()
    await raises(errors.PersonError, configuring.handle("TIME", 1, {"time": 1}))
    equal(configuring.system.wifi, None)


async def test_a_reset_that_flash_refuses_is_told_and_not_done_by_a_later_start():
    configuring, _, _, restarts = new_desk()
    flash = configuring.system.flash
    flash.kept["thing"] = (b"", b"")

    async def refuse(names):
        raise errors.error("flash_failed", "erasing", "it is worn")

    flash.erase_all = refuse
    await raises(errors.StorageError, configuring.handle("RESET", 1, {"what": "settings"}))
    equal((sorted(flash.kept), restarts), (["thing"], []))
