"""A device's Wi-Fi for tests: the simulated air, empty and well, and settings with short time-outs."""

import network
import simulation

import events
from wifi import Wifi

world = simulation.world


class Network:
    def __init__(self, ssid, password=None):
        self.ssid = ssid
        self.password = password


class Timeouts:
    join_s = 1
    address_s = 0.4
    dns_s = 0.1
    ntp_s = 0.1


class Servers:
    ntp = ("time.aws.com", "pool.ntp.org")


class Settings:
    hostname = None
    timeouts = Timeouts
    servers = Servers

    def __init__(self, *networks):
        self.networks = [Network(*network) for network in networks]


class NoWaits:
    """Backoff that does not wait, and counts."""

    attempt = 0

    def next_ms(self):
        self.attempt += 1
        return 0

    def stable(self):
        self.attempt = 0


class Radio:
    """A device's Wi-Fi with its bus; the air around it is empty and well when it begins, and the radio off."""

    def __init__(self, *networks):
        world.__init__()
        world.radio_factor = 0.3  # of the simulated times, which are a tenth of the chip's: tests need not wait
        wlan = network.WLAN()
        wlan.active(False)
        self.wlan = wlan
        self.bus = events.Bus()
        self.seen = self.bus.listen(limit=64)
        self.wifi = Wifi(self.bus, Settings(*networks))
        self.wifi._waits = NoWaits()
        self.beats = 0

    def beat(self):
        self.beats += 1

    async def until(self, name):
        """The data of the next event of this name."""
        while True:
            event = await self.seen.get()
            if event.name == name:
                return event.data

    def names(self):
        """Names of the events that wait unread, which are then read."""
        found = []
        while self.seen.any():
            found.append(self.seen._queue.pop(0).name)
        return found


async def online():
    """A Radio that has joined "home"."""
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    await radio.wifi.join_once()
    return radio
