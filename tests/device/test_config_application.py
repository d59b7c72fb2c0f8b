"""What the application may do in CONFIG, where a phone has sent it something: what `Device` offers in NORMAL, too."""

import asyncio

import board
import config_requests
import notes
from fakes import Group
from harness import equal
from update_desk import Desk

TIMEOUT_S = 30
HEAP = "16m"  # for what the desk keeps


def in_config():
    """A desk whose next start opens CONFIG, with settings that are complete."""
    desk = Desk(timeouts={"config_s": 60})
    equal(desk.live(limit_s=100), "calm")
    try:
        notes.change(desk.system.flash, into="CONFIG").send(None)
    except StopIteration:
        pass
    return desk


def live_with(desk, configure):
    """One start, in which a phone sends a message for the application."""

    async def send():
        system = desk.system
        equal(system.mode, "CONFIG")
        system.configure = configure
        await config_requests.on_app(Group(system=system), {})

    desk.at(5, lambda: asyncio.create_task(send()))
    return desk.live(limit_s=30)


def test_config_asked_for_in_config_is_opened_anew():
    desk = in_config()
    equal(live_with(desk, lambda device, dat: device.enter_config("the knob was turned again")), "restart")
    desk.live(limit_s=30)
    equal((desk.system.mode, desk.system.restart_reason), ("CONFIG", "the knob was turned again"))


def test_a_device_may_be_sent_to_sleep_in_config():
    desk = in_config()
    equal(live_with(desk, lambda device, dat: device.sleep(300)), "restart")
    equal(board.reset_cause(), "deep_sleep")
    equal((desk.live(limit_s=30), desk.system.mode), ("calm", "NORMAL"))


def test_a_promise_to_be_alive_is_none_in_config():
    promised = []

    async def promises(device, dat):
        device.alive(within_s=1)
        promised.append(dat)

    desk = in_config()
    equal((live_with(desk, promises), desk.system.mode, len(promised)), ("calm", "CONFIG", 1))


def test_an_event_for_which_the_table_has_no_row_ends_in_a_restart():
    desk = Desk()
    desk.at(5, lambda: desk.system.leave("window_closed", "a row of CONFIG alone"))
    equal(desk.live(limit_s=30), "restart")
    equal(desk.system.reason.code, "bad_transition")
