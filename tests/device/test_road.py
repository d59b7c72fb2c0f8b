"""The road to the cloud: what is written down on the way, whatever moment it comes at, and waits of any length."""

import asyncio
import time

import events
import notes
import road
import road_outcome
from fakes import Flash, Group
from harness import equal, raises


class Identity:
    trial = rotating = None
    confirmed = 0

    async def confirm(self):
        self.confirmed += 1

    async def refused(self, code):
        return False


class Aws:
    def __init__(self, is_connected):
        self.is_connected = is_connected
        self.subscribing = asyncio.Lock()
        self.only_ec = None
        self.jobs = Group(time=None, working=False)
        self.connections = 0


class Board:
    def __init__(self, cause):
        self.reset_cause = lambda: cause
        self.idf_free = 50000
        self.left_more = 0

    def heap(self):
        return {"idf_free": self.idf_free}

    def network_memory(self):
        return self.idf_free, self.idf_free

    def leave_more_to_network(self):
        self.left_more += 1

    @staticmethod
    def uptime_ms():
        return time.ticks_ms()


class System:
    """What it needs of the head."""

    left = None
    mode = "NORMAL"

    def __init__(self, cause="power_on", is_connected=True):
        self.flash, self.bus, self.board = Flash(), events.Bus(), Board(cause)
        self.identity, self.aws = Identity(), Aws(is_connected)
        self.wifi = Group(now=lambda: 1800000000)
        self.settings = Group(thing=None, outbox=Group(place="memory"), timeouts=Group(candidate_s=60, offline_s=60))

    def leave(self, event, reason):
        self.left = event


class Busy(events.Bus):
    """A loop that is held up, by garbage for example, just when an event was taken."""

    def listen(self, *names, limit=16):
        listener = super().listen(*names, limit=limit)
        get = listener.get

        async def held_up():
            event = await get()
            time.sleep_ms(max(0, time.ticks_diff(self.until_ms, time.ticks_ms())))
            return event

        listener.get = held_up
        return listener


async def test_a_connection_is_noted_whatever_the_loop_is_at():
    system = System()
    system.bus = Busy()
    noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
    system.bus.until_ms = time.ticks_add(time.ticks_ms(), 1050)
    await asyncio.sleep_ms(900)
    system.bus.emit(events.AWS_CONNECTED)
    for _ in range(10):
        await asyncio.sleep_ms(100)
        if system.identity.confirmed:
            break
    noting.cancel()
    equal(system.identity.confirmed, 1)


async def test_a_connection_is_noted_after_its_subscriptions_beside_which_there_may_be_no_memory():
    system = System()
    await system.aws.subscribing.acquire()
    noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
    await asyncio.sleep_ms(50)
    system.bus.emit(events.AWS_CONNECTED)
    await asyncio.sleep_ms(1000)
    equal(system.identity.confirmed, 0)
    system.aws.subscribing.release()
    await asyncio.sleep_ms(500)
    noting.cancel()
    equal(system.identity.confirmed, 1)


class Crowded(Identity):
    """There is no memory to confirm it, at first."""

    async def confirm(self):
        await super().confirm()
        if self.confirmed < 2:
            raise MemoryError


async def test_a_connection_is_noted_as_soon_as_there_is_memory_for_it():
    system = System()
    system.identity = Crowded()
    noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
    await asyncio.sleep_ms(50)
    system.bus.emit(events.AWS_CONNECTED)
    for _ in range(100):
        await asyncio.sleep_ms(100)
        if system.identity.confirmed > 1:
            break
    equal((noting.done(), system.identity.confirmed), (False, 2))
    noting.cancel()


class Timeless:
    """There is no memory to ask for the time, at first."""

    ip = "192.168.4.2"
    clock_is_set = False
    asked = 0

    async def set_clock(self, not_before, beat):
        self.asked += 1
        if self.asked == 1:
            raise MemoryError
        await asyncio.sleep(60)


def timeless():
    """A device that has no memory to ask for the time, at first."""
    system = System(is_connected=False)
    system.wifi = Timeless()
    system.settings.timeouts = Group(backoff_s=1, backoff_cap_s=1)
    system.identity.current = lambda: None
    system.enrol_first = True
    return system


async def goes_again(system):
    """Whether it is gone once more, by the same task."""
    going = asyncio.create_task(road.Road(system).run(Group(beat=lambda: None)))
    for _ in range(50):
        await asyncio.sleep_ms(100)
        if system.wifi.asked > 1:
            break
    is_over = going.done()
    going.cancel()
    return not is_over and system.wifi.asked == 2


async def test_without_memory_on_the_way_it_is_gone_again():
    system = timeless()
    heard = system.bus.listen(events.AWS_DISCONNECTED)
    equal(await goes_again(system), True)
    equal((await heard.get()).data["code"], "no_memory")


async def test_nor_does_it_take_memory_to_tell_that():
    def emit(name, **data):
        raise MemoryError

    system = timeless()
    system.bus.emit = emit
    equal(await goes_again(system), True)


async def test_without_memory_to_read_what_the_last_start_has_left_that_is_done_later():
    system = System("hard")
    system.flash = Flash(notes=(b"", b'{"windows": 3}'))
    begin, begun = road._outcome, []

    def crowded():
        begun.append(1)
        if len(begun) == 1:
            raise MemoryError
        return begin()

    road._outcome = crowded
    road._CROWDED_MS = 100
    made = road.Road(system)
    noting = asyncio.create_task(made.keep_notes(Group(beat=lambda: None)))
    for _ in range(50):
        await asyncio.sleep_ms(100)
        if made._windows:
            break
    road._outcome = begin
    equal((noting.done(), made._windows), (False, 3))
    noting.cancel()


async def test_a_wait_may_be_a_week():
    beats = []
    waiting = asyncio.create_task(road._sleep(604800000, lambda: beats.append(1)))
    await asyncio.sleep_ms(20)
    equal((waiting.done(), len(beats)), (False, 1))
    waiting.cancel()


async def test_a_wait_is_as_long_as_it_is_told():
    since_ms = time.ticks_ms()
    await road._sleep(30, lambda: None)
    equal(time.ticks_diff(time.ticks_ms(), since_ms) >= 25, True)


class Thing(Identity):
    """It has its credentials from the settings file."""

    def __init__(self, settings):
        self._settings = settings

    def current(self):
        return "thing", self._settings.thing.cert, self._settings.thing.key


async def test_the_key_of_the_settings_leaves_memory_once_tls_has_it():
    system = System()
    system.settings.thing = Group(cert=b"cert", key=b"key")
    system.identity, used = Thing(system.settings), []
    crowded = [MemoryError, None]

    def use(*credentials):
        if crowded.pop(0):
            raise MemoryError
        used.append(credentials)

    system.aws.use = use
    way = road.Road(system)
    raises(MemoryError, way._use_credentials)
    way._use_credentials()
    equal(used, [("thing", b"cert", b"key")])
    equal((system.settings.thing.cert, system.settings.thing.key), (b"cert", None))


async def test_the_key_of_the_settings_stays_until_no_other_kind_of_server_can_ask_for_it():
    system = System(is_connected=False)
    system.settings.thing = Group(cert=b"cert", key=b"key")
    system.identity, used = Thing(system.settings), []
    system.aws.use = lambda *credentials: used.append(credentials)
    system.aws.only_ec = True
    way = road.Road(system)
    way._use_credentials()
    await way._judge()
    system.aws.reload()
    equal(used, [("thing", b"cert", b"key")] * 2)
    system.aws.is_connected = True
    await way._judge()
    equal((system.settings.thing.key, system.aws.reload), (None, None))


async def test_who_has_other_credentials_than_those_of_the_settings_finds_the_other_kind_of_server_later_too():
    system = System()
    system.settings.thing = Group(cert=b"cert", key=b"key")
    system.identity, used = Thing(system.settings), []
    system.identity.current = lambda: ("thing", b"rotated", b"other key")
    system.aws.use = lambda *credentials: used.append(credentials)
    way = road.Road(system)
    way._use_credentials()
    await way._judge()
    equal(system.settings.thing.key, None)
    system.aws.reload()
    equal(used, [("thing", b"rotated", b"other key")] * 2)


async def test_the_time_before_a_sleep_counts_once_however_often_this_start_fails():
    made = road.Road(System(is_connected=False))
    made._offline_s = 50
    before_ms = made._reached_ms
    for _ in range(2):
        await road_outcome.note(made, events.Event(events.WIFI_DISCONNECTED, {"code": "no_network", "message": ""}))
    equal(before_ms - made._reached_ms, 50000)


async def test_new_settings_that_fail_begin_the_patience_with_the_old_ones_from_the_start():
    system = System(is_connected=False)
    system.flash = Flash(notes=(b"", b'{"windows": 3}'))
    await road_outcome.give_up(road.Road(system), 60, True)
    equal((system.left, notes.read(system.flash).get("windows")), ("candidate_refused", None))
