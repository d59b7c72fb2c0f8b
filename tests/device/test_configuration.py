"""How long CONFIG stays open for a phone."""

import events
from configuration import Configuration
from fakes import Group
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
