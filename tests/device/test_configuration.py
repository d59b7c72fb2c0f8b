"""How long CONFIG stays open for a phone."""

import config_ble
import errors
import events
from configuration import Configuration
from fakes import Flash, Group
from harness import equal


async def test_the_window_stays_open_while_the_device_is_at_work_though_its_phone_has_gone():
    looks, left = [], []

    class Ble:
        @property
        def is_busy(self):
            looks.append(len(looks))
            return len(looks) < 4  # trying Wi-Fi networks takes longer than the window is open

    settings = Group(missing=lambda known: [], timeouts=Group(config_s=1))
    identity = Group(known=lambda: True, trial=None)
    system = Group(settings=settings, identity=identity, bus=events.Bus(), ble=Ble(), NOBODY_CAME="")
    system.leave = lambda event, reason: left.append(event)
    await Configuration(system)._close_window(Group(beat=lambda: None))
    equal((len(looks), left), (5, ["window_closed"]))


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
