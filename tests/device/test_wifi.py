"""Wi-Fi on the simulated radio: joining by priority, loss and return, scanning."""

import asyncio
import gc

import network

import backoff
import errors
import events
from harness import equal, raises
from radio import Radio, Settings, world
from wifi import Wifi


async def test_joins_and_says_so():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12", rssi=-61)
    equal(await radio.wifi.join_once(), "192.168.4.2")
    equal(
        (radio.wifi.is_connected, radio.wifi.ssid, radio.wifi.ip, radio.wifi.rssi()), (True, "home", "192.168.4.2", -61)
    )
    event = await radio.seen.get()
    equal((event.name, event.data), (events.WIFI_CONNECTED, {"ssid": "home", "ip": "192.168.4.2", "rssi": -61}))
    await asyncio.wait_for(radio.wifi.connected(), 1)


async def test_open_network_is_joined_without_password():
    radio = Radio(("guests",))
    world.access_point("guests")
    equal(await radio.wifi.join_once(), "192.168.4.2")


async def test_odd_names_and_long_passwords_are_joined():
    for name, password in (("Café ☕ №1", "p" * 63), (" x ", "pass word"), ("s" * 32, "0" * 64)):
        radio = Radio((name, password))
        world.access_point(name, password)
        equal(await radio.wifi.join_once(), "192.168.4.2")
        equal(radio.wifi.ssid, name)


async def test_first_network_of_the_settings_wins():
    radio = Radio(("first", "secret12"), ("second", "secret12"))
    world.access_point("second", "secret12", rssi=-30)
    world.access_point("first", "secret12", rssi=-80)
    await radio.wifi.join_once()
    equal(radio.wifi.ssid, "first")


async def test_next_network_is_tried_when_the_first_fails():
    for trouble in ("vanish", "refuse", "no_address"):
        radio = Radio(("first", "secret12"), ("second", "secret12"))
        getattr(world.access_point("first", "secret12"), trouble)()
        world.access_point("second", "secret12")
        await radio.wifi.join_once()
        equal(radio.wifi.ssid, "second")


async def test_old_link_is_left_before_another_network_is_tried():
    radio = Radio(("old", "secret12"))
    world.access_point("old", "secret12")
    await radio.wifi.join_once()
    staged = Wifi(radio.bus, Settings(("new", "secret12")))
    error = await raises(errors.RetryError, staged.join_once())
    equal((error.code, staged.is_connected), ("no_network", False))


async def test_router_sees_the_host_name():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    await radio.wifi.join_once()
    equal(network.hostname(), "esp32-3d4e5f")
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    radio.wifi._settings.hostname = "meter-12"
    await radio.wifi.join_once()
    equal(network.hostname(), "meter-12")


async def test_lost_access_point_is_told_and_joined_again():
    radio = Radio(("home", "secret12"))
    point = world.access_point("home", "secret12")
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await radio.until(events.WIFI_CONNECTED)
    point.vanish()
    lost = await radio.until(events.WIFI_DISCONNECTED)
    equal((lost["ssid"], lost["code"], "signal is gone" in lost["message"]), ("home", "wifi_lost", True))
    equal((radio.wifi.is_connected, radio.wifi.ip), (False, None))
    point.back()
    equal((await radio.until(events.WIFI_CONNECTED))["ssid"], "home")
    task.cancel()


async def test_thrown_out_station_joins_again():
    radio = Radio(("home", "secret12"))
    point = world.access_point("home", "secret12")
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await radio.until(events.WIFI_CONNECTED)
    point.kick()
    equal((await radio.until(events.WIFI_DISCONNECTED))["code"], "wifi_lost")
    await radio.until(events.WIFI_CONNECTED)
    task.cancel()


async def test_rounds_that_fail_are_told_with_their_wait():
    radio = Radio(("home", "secret12"))
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    equal((await radio.until(events.WIFI_DISCONNECTED))["code"], "no_network")
    radio.wifi._waits = backoff.Backoff(0, 0, 25)
    equal((await radio.until(events.WIFI_DISCONNECTED))["wait_ms"], 25)
    task.cancel()


async def test_radio_is_switched_off_and_on_after_rounds_that_fail():
    radio = Radio(("home", "secret12"))
    switched = []

    class Watched:
        def active(self, *on):
            switched.extend(on)
            return radio.wlan.active(*on)

        def __getattr__(self, name):
            return getattr(radio.wlan, name)

    radio.wifi._wlan = Watched()
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    for _ in range(4):
        await radio.until(events.WIFI_DISCONNECTED)
    equal(switched, [True, False, True])
    task.cancel()


async def test_waits_grow_until_a_link_has_held():
    radio = Radio(("home", "secret12"))
    point = world.access_point("home", "secret12")
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    for _ in range(3):
        await radio.until(events.WIFI_CONNECTED)
        point.kick()
        await radio.until(events.WIFI_DISCONNECTED)
    equal(radio.wifi._waits.attempt, 3)
    task.cancel()


async def test_joining_shows_signs_of_life():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12").no_address()
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await radio.until(events.WIFI_DISCONNECTED)
    equal(radio.beats > 4, True)
    task.cancel()


async def test_long_wait_shows_signs_of_life():
    radio = Radio()
    radio.wifi._waits = backoff.Backoff(0, 0, 60000)
    seen = []
    with SkippedSleep(seen.append) as skipped:
        task = asyncio.create_task(radio.wifi.run(lambda: seen.append(0)))
        await skipped.sleep_until(lambda: sum(seen) >= 60000)
        task.cancel()
    for at, duration_ms in enumerate(seen):
        equal(duration_ms <= 20000 and (duration_ms == 0 or seen[at - 1] == 0), True)


class SkippedSleep:
    """Inside, `asyncio.sleep_ms` takes no time; `slept` is told each duration."""

    def __init__(self, slept):
        self._slept = slept
        self._sleep_ms = asyncio.sleep_ms

    def __enter__(self):
        asyncio.sleep_ms = self._skip
        return self

    def __exit__(self, *error):
        asyncio.sleep_ms = self._sleep_ms

    async def _skip(self, duration_ms):
        self._slept(duration_ms)
        await self._sleep_ms(0)

    async def sleep_until(self, condition):
        while not condition():
            await self._sleep_ms(1)


class Joined:
    """A driver that only says "connected", without the simulation behind it."""

    def isconnected(self):
        return True


async def test_watching_a_link_allocates_nothing():
    radio = Radio(("home", "secret12"))
    radio.wifi._resync_in_ms = 900000  # the clock was asked for
    world.access_point("home", "secret12")
    task = asyncio.create_task(radio.wifi.run(_nothing))
    await radio.until(events.WIFI_CONNECTED)
    radio.wifi._wlan = Joined()
    await asyncio.sleep_ms(600)
    before = gc.mem_alloc()
    await asyncio.sleep_ms(1600)  # three looks
    equal(gc.mem_alloc() - before, 0)
    task.cancel()


def _nothing():
    pass


class Unaddressed:
    """A driver that goes on saying "connected" without an address."""

    def ifconfig(self):
        return ("0.0.0.0",) * 4

    def __getattr__(self, name):
        return getattr(network.WLAN(), name)


async def test_address_that_the_router_took_back_is_a_loss():
    """The port goes on saying "connected" when DHCP takes the address back."""
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await radio.until(events.WIFI_CONNECTED)
    radio.wifi._wlan = Unaddressed()
    radio.wifi._waits.attempt = 7
    with SkippedSleep(lambda duration_ms: None) as skipped:
        await skipped.sleep_until(radio.seen.any)
    equal((await radio.until(events.WIFI_DISCONNECTED))["code"], "no_address")
    equal(radio.wifi._waits.attempt, 1)  # the link had held for 30 s: the waits are short again
    task.cancel()


async def test_stop_leaves_and_switches_off():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    await radio.wifi.join_once()
    await radio.wifi.stop()
    equal((radio.wifi.is_connected, radio.wlan.active(), radio.wifi.ip, radio.wifi.rssi()), (False, False, None, None))
    equal(await radio.wifi.join_once(), "192.168.4.2")


async def test_scan_gives_the_strongest_first_and_each_name_once():
    radio = Radio()
    world.access_point("near", "secret12", rssi=-40)
    world.access_point("far", None, rssi=-80)
    world.access_point("gone", "secret12", rssi=-20).vanish()
    twin = world.access_point("near ", "secret12", rssi=-60)
    twin.name = "near"
    world.access_point("", "secret12", rssi=-30)
    world.access_point("university", "secret12", rssi=-30).auth = network.AUTH_WPA2_ENTERPRISE
    equal(await radio.wifi.scan(), [("near", -40, True), ("far", -80, False)])


async def test_scan_is_bounded():
    radio = Radio()
    for number in range(30):
        world.access_point("net%d" % number, "secret12", rssi=-40 - number)
    found = await radio.wifi.scan()
    equal((len(found), found[0][0], found[-1][0]), (20, "net0", "net19"))


async def test_scan_waits_for_the_join_in_progress():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    joining = asyncio.create_task(radio.wifi.join_once())
    await asyncio.sleep_ms(20)
    equal(await radio.wifi.scan(), [("home", -50, True)])
    equal(await joining, "192.168.4.2")
    equal(radio.wifi.is_connected, True)
