"""The road to the cloud: Wi-Fi, clock, credentials, connection, in this order; the notes that are taken on the way, and
the jobs that are done at its end."""

import asyncio
import sys

from micropython import const

import errors
import events
import release
from backoff import Backoff

_BEAT_MS = const(5000)
_LISTEN_MS = const(200)
_FULL_MS = const(30000)  # before a flash that refused is asked again; it doubles
_FULL_DOUBLINGS = const(4)
_CROWDED_MS = const(3000)
_MOST_CROWDED = const(200)  # of these in a row: ten minutes
_DAY_S = const(86400)
_PASSING = const(2)  # doublings of the patience, while the failure may pass by itself: the application works on


class Road:
    """Owned tasks of the system in NORMAL: `run`, `keep_notes` and `do_jobs`."""

    def __init__(self, system):
        self._system = system
        self._board = system.board
        self._flash = system.flash
        self._wifi = system.wifi
        self._aws = system.aws
        self._aws.reload = self._use_credentials
        self._aws.make_room = self._room_beside_tls
        self._aws.network = self._board.network_memory
        self._aws.has_network = lambda: self._wifi.ip is not None
        if system.settings.outbox.place == "flash":
            self._aws.keep_in(system.flash.queue)
        self._identity = system.identity
        self._bus = system.bus
        self._is_known = False  # the device is a thing, and has its credentials
        self._is_from_file = False  # these are the settings' own: there is no copy of the key in flash
        self._failure = None  # the last one: what there is to tell when the cloud is not reached for too long
        self._passes = False  # that failure may pass by itself
        self._reached_ms = system.board.uptime_ms()
        self._judged_s = 0  # by what time TLS has judged the cloud's certificate, less the uptime
        self._windows = 0  # how often CONFIG was opened since the cloud was reached
        self._offline_s = 0  # without the cloud, before this start
        self._is_full = False  # the flash: what is tried out may never be written down as what works
        self._crowded = 0  # connections in a row for which there was no memory

    async def run(self, owned):
        """Connect, again and again. `wifi` and `aws` emit their own failures as events, this emits the others."""
        timeouts = self._system.settings.timeouts
        backoff = Backoff(timeouts.backoff_s * 1000, timeouts.backoff_cap_s * 1000, floor_ms=1000)
        await _in_three_tries(self._use_credentials, owned.beat)  # early, while the heap is in one piece
        while True:
            try:
                try:
                    await self._go(owned.beat)
                except MemoryError:
                    raise errors.error("no_memory")
            except errors.DeviceError as failure:
                wait_ms = backoff.next_ms()
                if failure.code == "claim_refused" or isinstance(failure, errors.StorageError):
                    # It will not pass by itself: only the owner of the cloud account can change it, or flash cannot
                    # keep what the claim gives. Ask rarely.
                    wait_ms += timeouts.refused_s * 1000
                try:
                    self._bus.emit(events.AWS_DISCONNECTED, code=failure.code, message=failure.message, wait_ms=wait_ms)
                except MemoryError:
                    pass  # it goes again all the same
                if failure.code == "no_memory" and not self._is_known:
                    await self._make_room()
                await _sleep(wait_ms, owned.beat)

    async def _go(self, beat):
        while self._wifi.ip is None:  # polled: as connected() returns, what joined is still in memory
            beat()
            await asyncio.sleep_ms(200)
        # A restart keeps the clock; wifi asks for the time again by itself now and then.
        if not self._wifi.clock_is_set:
            await self._wifi.set_clock(_last_known_time(self._flash), beat)
        beat()
        if not self._is_known:
            await self._identity.enrol(self._aws, self._board.unique_id(), beat)
            self._use_credentials()
        await self._aws.run(beat)

    async def _make_room(self):
        try:
            await _outcome().make_room(self)
        except (MemoryError, errors.StorageError):
            pass  # it is tried again all the same

    def _use_credentials(self):
        # Not a coroutine: its frame would keep the credentials in memory for as long as it lives.
        credentials = self._identity.current()
        self._is_known = credentials is not None
        if self._is_known:
            thing = self._system.settings.thing
            self._is_from_file = thing is not None and credentials[2] is thing.key
            self._aws.use(*credentials)
            if self._aws.only_ec is None:
                self._forget_key()

    def _forget_key(self):
        thing = self._system.settings.thing
        if thing is not None and self._system.mode == "NORMAL":  # TLS has a copy, no start but the next asks for it
            thing.key = None
            if self._is_from_file:
                self._aws.reload = None

    async def keep_notes(self, owned):
        """Note what later starts must know: which credentials work, the time, what failed."""
        listener = self._bus.listen(events.AWS_CONNECTED, events.AWS_DISCONNECTED, events.WIFI_DISCONNECTED)
        event = unkept = has_begun = None
        crowded = full = 0
        while True:
            owned.beat()
            try:
                # At once: soon a network, a name and the time are looked for, which want the memory.
                has_begun = has_begun or _outcome().begin(self)
                await asyncio.sleep_ms(_LISTEN_MS)
                # Not by wait_for: an event that arrives just as the time is up would be lost. Not beside what a
                # connection begins with: there may be no memory for both.
                while (event is not None or listener.any()) and not self._aws.subscribing.locked():
                    event = event or await listener.get()
                    await _outcome().note(self, event)
                    event = None
                    full = 0
                await self._judge()
                crowded = 0
                event, unkept = (unkept if self._aws.is_connected else None), None
            except errors.StorageError as failure:
                # A flash that is full or fails is no reason to leave the cloud: from there it can be repaired. What has
                # worked is noted then: else the next outage would take it back.
                if event is not None and event.name == events.AWS_CONNECTED:
                    unkept = event
                event = None
                self._is_full = True
                self._bus.emit(events.TASK_FAILED, task="notes", code=failure.code, message=failure.message)
                await _sleep(_FULL_MS << full, owned.beat)
                full = min(full + 1, _FULL_DOUBLINGS)
            except MemoryError:
                crowded += 1
                if crowded > _MOST_CROWDED:  # others have taken it for good: a new start may divide it better
                    raise
                await _sleep(_CROWDED_MS, owned.beat)  # a connection that begins needs much: once more when it stands

    async def _judge(self):
        """When the cloud was not reached for too long, CONFIG opens: a person may have to correct something."""
        now_ms = self._board.uptime_ms()
        if self._aws.is_connected:
            self._reached_ms = now_ms
            self._forget_key()
            if isinstance(self._aws.jobs.time, int) and not self._aws.jobs.working:  # on a job, which wants the memory
                await _outcome().keep_time(self)
            return
        timeouts, trial = self._system.settings.timeouts, self._is_trying()
        if trial:
            patience_s = timeouts.candidate_s
        else:
            patience_s = min(timeouts.offline_s << self._windows + (_PASSING if self._passes else 0), _DAY_S)
        if now_ms - self._reached_ms >= patience_s * 1000:
            await _outcome().give_up(self, patience_s, trial)

    async def rest(self, seconds):
        """The device will restart, or sleep for `seconds`: an outage goes on meanwhile, and in the next start."""
        if self._failure is not None and not self._aws.is_connected:
            await _outcome().rest(self, seconds)

    async def do_jobs(self, owned, with_application):
        """Do the jobs of AWS IoT: the application's, and the firmware's own operations. Not while a new image is on
        trial, which may still go back; nor while settings or credentials are: beside a job, which may wait for just
        that, there may be no memory to note that they work."""
        while self._system.trial or self._system.supervisor.has("trial") or (self._is_trying() and not self._is_full):
            owned.beat()
            await asyncio.sleep_ms(_LISTEN_MS)
        is_to_be_reset = await _in_three_tries(lambda: _is_to_be_reset(self._flash), owned.beat)
        if is_to_be_reset:
            from operations import factory_reset

            await factory_reset.finish(self._system)
        await self._aws.jobs.run(owned.beat, self._flash, self._operation, with_application)

    def _is_trying(self):
        return self._identity.trial or self._identity.rotating

    def _room_beside_tls(self):
        try:
            return self._board.make_room()
        except MemoryError:
            return None  # it may do without

    def _operation(self, name):
        from operations import dispatch

        # Unloaded at once: the handler keeps it in memory for as long as it works.
        del sys.modules[dispatch.__name__], sys.modules["operations"]
        return dispatch.find(self._system, name)


async def _sleep(wait_ms, beat):
    # In pieces: the ticks of the port reach 6 days, a health report may be due once a week.
    while wait_ms > 0:
        beat()
        await asyncio.sleep_ms(min(_BEAT_MS, wait_ms))
        wait_ms -= _BEAT_MS


async def _in_three_tries(do, beat):
    """What `do()` returns, once there is memory for it: other tasks start at the same time, and will soon need less."""
    for again in (True, True, False):
        try:
            return do()
        except MemoryError:
            if not again:
                raise
        await _sleep(_CROWDED_MS, beat)


# What is needed now and then: in functions, so that no coroutine's frame keeps it in memory.


def _outcome():
    import road_outcome

    for name in ("road_outcome", "notes"):
        sys.modules.pop(name, None)
    return road_outcome


def _last_known_time(flash):
    return max(release.BUILT, _outcome().notes.last_known_time(flash))


def _is_to_be_reset(flash):
    return "reset" in _outcome().notes.read(flash)
