"""The station: every way a join can fail, told apart, and the habits of the driver that hide them."""

import asyncio

import errors
from harness import equal, raises
from radio import Radio, Settings, Timeouts, online, world
from wifi import Wifi


async def test_network_out_of_range():
    radio = Radio(("home", "secret12"))
    error = await raises(errors.RetryError, radio.wifi.join_once())
    equal((error.code, "'home'" in error.message), ("no_network", True))


async def test_wrong_password_in_each_way_a_chip_tells_it():
    for reasons in ((15,), (204,), (202,), (205,), (15, 204)):
        radio = Radio(("home", "wrong"))
        world.access_point("home", "secret12").wrong_password_reasons = reasons
        error = await raises(errors.PersonError, radio.wifi.join_once())
        equal(error.code, "wrong_password")


async def test_password_refused_once_by_a_weak_signal_is_not_blamed():
    radio = Radio(("home", "wrong"))
    point = world.access_point("home", "secret12")
    for point.password, connecting in (("secret12", 1001), ("changed again", 1000)):  # the second time days later
        joining = asyncio.create_task(radio.wifi.join_once())
        for code in (connecting, 15):  # then refused
            while radio.wlan.status() != code:
                await asyncio.sleep_ms(5)
        point.password = "wrong"
        equal(await joining, "192.168.4.2")


async def test_password_given_to_an_open_network_and_the_reverse():
    for ours, theirs in ((None, "secret12"), ("secret12", None)):
        radio = Radio(("home", ours))
        world.access_point("home", theirs)
        equal((await raises(errors.PersonError, radio.wifi.join_once())).code, "wrong_password")


async def test_a_network_without_addresses_is_told_as_no_address():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12").no_address()
    error = await raises(errors.RetryError, radio.wifi.join_once())
    equal((error.code, radio.wifi.is_connected), ("no_address", False))
    equal(radio.wifi.rssi(), None)  # it was left


async def test_access_point_that_refuses_or_stalls():
    for trouble in ("refuse", "stall"):
        radio = Radio(("home", "secret12"))
        getattr(world.access_point("home", "secret12"), trouble)()
        error = await raises(errors.RetryError, radio.wifi.join_once())
        equal((error.code, "association refused" in error.message), ("wifi_failed", True))


async def test_most_telling_error_of_the_round_is_raised():
    radio = Radio(("absent", "x"), ("locked", "wrong"), ("full", "secret12"), ("silent", "secret12"))
    world.access_point("locked", "secret12")
    world.access_point("full", "secret12").refuse()
    world.access_point("silent", "secret12").no_address()
    error = await raises(errors.DeviceError, radio.wifi.join_once())
    equal((error.code, radio.wifi.ssid), ("wrong_password", "locked"))


async def test_no_networks_at_all():
    radio = Radio()
    equal((await raises(errors.PersonError, radio.wifi.join_once())).code, "settings_missing")


async def test_code_of_an_attempt_long_past_is_not_believed():
    """A driver keeps 201 and 202 until there is an address: the join after it must not end by them."""
    for first in (("absent", "x"), ("home", "wrong")):
        radio = Radio(first)
        point = world.access_point("home", "secret12")
        point.wrong_password_reasons = (202,)
        await raises(errors.DeviceError, radio.wifi.join_once())
        equal(radio.wlan.status() in (201, 202), True)
        world.radio_factor = 5  # joining takes longer than it takes to become suspicious
        again = Wifi(radio.bus, Settings(("home", "secret12")))
        again._settings.timeouts = Patient
        equal(await again.join_once(), "192.168.4.2")


async def test_failure_that_repeats_itself_is_told_before_the_time_is_up():
    radio = Radio(("absent", "x"))
    radio.wifi._settings.timeouts = Patient
    for _ in range(2):
        equal((await raises(errors.RetryError, radio.wifi.join_once())).code, "no_network")


class Patient(Timeouts):
    join_s = 600  # far beyond what a test may take


async def test_attempt_that_an_earlier_program_left_running_is_ended():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    radio.wlan.active(True)
    radio.wlan.connect("elsewhere", "x")
    equal(await radio.wifi.join_once(), "192.168.4.2")


async def test_driver_that_refuses_everything_is_an_error_of_ours():
    for broken in ("active", "connect", "config"):
        radio = Radio(("home", "secret12"))
        world.access_point("home", "secret12")
        Broken(radio, broken)
        error = await raises(errors.RetryError, radio.wifi.join_once())
        equal((error.code, "Wifi Internal Error" in error.message), ("wifi_failed", True))


class Driver:
    """The simulated driver, to which a test gives one more habit of the real one."""

    def __init__(self, radio):
        self._wlan = radio.wlan
        radio.wifi._wlan = self

    def __getattr__(self, name):
        return getattr(self._wlan, name)


class Broken(Driver):
    """One call fails always."""

    def __init__(self, radio, name):
        super().__init__(radio)
        self._name = name

    def __getattr__(self, name):
        return self._fail if name == self._name else getattr(self._wlan, name)

    def _fail(self, *args, **kwargs):
        if args == ("mac",):
            return self._wlan.config("mac")
        raise OSError("Wifi Internal Error")


class Lagging(Driver):
    """It notices the end of a link some looks later, as the driver's own task does."""

    late = 0

    def disconnect(self):
        self.late = 5 if self._wlan.isconnected() else 0
        self._wlan.disconnect()

    def isconnected(self):
        self.late -= 1
        return self.late > 0 or self._wlan.isconnected()

    def status(self, *param):
        return -50 if self.late > 0 and param else self._wlan.status(*param)


async def test_old_link_that_ends_late_is_not_taken_for_the_new_one():
    radio = await online()
    radio.wifi._settings.networks[0].ssid = "absent"
    Lagging(radio)
    equal((await raises(errors.RetryError, radio.wifi.join_once())).code, "no_network")


class Busy(Driver):
    """It still works on an attempt that nobody remembers, until that is ended; then it is free."""

    ended = 0

    def connect(self, *args):
        if self.ended < 3:
            raise OSError("Wifi Internal Error")
        self._wlan.connect(*args)

    def disconnect(self):
        self.ended += 1


async def test_driver_that_is_still_busy_is_freed():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    Busy(radio)
    equal(await radio.wifi.join_once(), "192.168.4.2")
