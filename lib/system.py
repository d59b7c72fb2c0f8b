"""The only code that decides what happens next: it drives the modes by the table of `modes`.

    System(board, flash, wifi, aws, application).run()

Every mode is a coroutine that runs until it returns the event that leads out of it; `_enter` is the only way into the
next one, and prints it: `NORMAL --restart_requested--> restart`. The work itself is done by the hands that the system
was given; what must outlive a restart is in flash.
"""

import asyncio
import gc
import sys

from micropython import const

import errors
import events
from console import Console
from supervisor import Supervisor, wrapped

# Garbage is collected after so much was allocated. Collected only when the heap is full, what stays for long would be
# scattered all over it, and no piece of 6 KB would be found.
_SWEEP_BYTES = const(8192)
_REPEAT_REASON_S = const(60)
_STALL_MS = const(4500)  # of the loop: more than anything of the firmware's takes


class System:
    """The device. Hands are given as `main.py` makes them: `board` a module, `flash`, `wifi`, `aws`, `ble` factories.

    flash(bus), wifi(bus, settings), aws(bus, settings, resolve, ...), ble(bus, name, hardware, version, security,
    setup_code, handle): see docs/architecture.md. `application` is a coroutine function that is given the `Device`; it
    runs in NORMAL. `configure(device, dat)`, a coroutine function, is given what the phone sends as APP, in CONFIG;
    what it returns (a dict or None) is answered. Without `ble` CONFIG waits for a settings file. `slot()` gives
    ota/slot.py, `update(system, size, buffer)` what brings an image into the next slot, without them there are no
    updates; `download(system)` makes what brings a file for a job. Without `application` the device is there for an
    update alone, as boot.py begins it before main.py takes memory; where INIT finds that something else comes first,
    `run` ends in a soft reset, after which main.py follows.
    """

    NOBODY_CAME = "nobody came to configure"

    def __init__(
        self, board, flash, wifi, aws, application, ble=None, configure=None, slot=None, update=None, download=None
    ):
        self.mode = "INIT"
        self.failure = None  # the DeviceError that led to IDLE or CONFIG
        self.bus = events.Bus()
        self.board = board
        self.make_wifi = wifi
        self.make_ble = ble
        self.configure = configure
        self.slot = slot
        self.make_update = update
        self.make_download = download
        self.trial = False  # of a new image, which is not confirmed yet
        self.health = None  # the application's own check of itself, a coroutine function, for a trial
        self._make_aws = aws
        self.application = application
        self.flash = flash(self.bus)
        self.wifi = self.aws = self.ble = None
        # What INIT finds out: see `starting`
        self.settings = self.identity = self.name = self.watchdog = None
        self.file_is_good = True  # False: the settings file is broken, and left out
        self.enrol_first = False  # before the application runs: there is no memory for both
        self.restart_reason = None  # why the last restart was wanted; None after a crash or a power cut
        self.reason = None  # why the mode is left, for its line on the console
        self.supervisor = Supervisor(self.bus, self._feed, self._died)
        self.own = self.supervisor.own
        self._bearable_ms = _STALL_MS
        self.console = Console(self)
        self._leaving = asyncio.Event()
        self._leave_by = None
        self.road = None
        self._is_recovery = False  # NORMAL without the application
        self.good_from_ms = None  # when this start will have lasted
        self._action = None  # of the table's last row: how to leave, in mode restart
        self.sleep_s = 0

    def run(self):
        """Run the device for ever; only Ctrl-C on the console comes back, to the REPL."""
        gc.threshold(_SWEEP_BYTES)
        asyncio.get_event_loop().set_exception_handler(self._orphan_died)
        try:
            asyncio.run(self._main())
        except KeyboardInterrupt:
            self.board.release_watchdog()  # somebody works at the REPL, or copies files with mpremote
            raise
        except SystemExit:
            if self._action == "load_application":
                raise
            self.board.reset()  # the port would make a soft reset of it, which does not count as a start

    # From mode to mode

    async def _main(self):
        asyncio.create_task(self.supervisor.watch())
        action = self._initialise
        while True:
            try:
                event = await action()
            except Exception as failure:  # noqa: BLE001 - the table decides what a failing mode leads to
                self.failure = self.reason = wrapped("system", failure)
                event = "task_failed" if self.mode == "INIT" and isinstance(failure, MemoryError) else "failed"
            action = self._enter(event)

    def _enter(self, event):
        after, action = self._way_out(event)
        self.console.transition(event, after, self.reason)
        previous, self.mode = self.mode, after
        self.bus.emit(events.MODE_CHANGED, mode=after, event=event, previous=previous)
        gc.collect()  # so that what the mode keeps lies side by side, not between garbage of the last one
        self._action = action
        self._is_recovery = event == "crash_loop"
        # Not by getattr: the methods' names would have to be kept, and take memory.
        return {"NORMAL": self._normal, "IDLE": self._idle, "restart": self._restart}.get(after, self._other)

    def _way_out(self, event):
        try:
            import modes

            return modes.way_out(self.mode, event)
        except MemoryError:
            return "restart", "reset"
        except errors.DeviceError as failure:  # a mistake of ours must not end at the REPL
            self.reason = failure
            return "restart", "reset"
        finally:
            sys.modules.pop("modes", None)  # needed at a change of mode only

    # INIT

    async def _initialise(self):
        try:
            import starting

            event = await starting.start(self)
        finally:
            for name in ("starting", "notes"):
                sys.modules.pop(name, None)
        self.good_from_ms = self.board.uptime_ms() + self.settings.timeouts.start_uptime_s * 1000
        return event

    # IDLE

    async def _idle(self):
        while True:
            print("IDLE: initialisation failed, reset to try again. %s" % self.failure)
            if self.slot is not None and self.slot().is_on_trial():
                return "trial_failed"
            await asyncio.sleep(_REPEAT_REASON_S)

    # CONFIG, OTA

    async def _other(self):
        if self.mode == "CONFIG":
            from configuration import Configuration as Mode
        else:
            from updating import Updating as Mode
        return await Mode(self).run()

    # NORMAL

    async def _normal(self):
        with_application = not self._is_recovery
        own = self.own
        self.join_wifi()
        road = self.reach_cloud(*(("claimant", self.restart) if self.enrol_first else ()))
        own("flash", lambda owned: self.flash.run(owned.beat))
        own("notes", road.keep_notes)
        if not self.enrol_first:
            own("jobs", lambda owned: road.do_jobs(owned, with_application))
            if self.settings.health.every_s:
                import health_reports

                own("health", lambda owned: health_reports.report(self, owned))
        if with_application and not self.enrol_first:
            own("application", self._run_application, silence_ms=None)
        if self.trial:
            own("trial", self._run_trial)
        return await self.left()

    def join_wifi(self):
        """Begin to be in a network."""
        self.wifi = self.make_wifi(self.bus, self.settings)
        self.own("wifi", lambda owned: self.wifi.run(owned.beat))

    def reach_cloud(self, *stand_in):
        """Begin to connect to the cloud, by Wi-Fi; returns the `Road` there. `stand_in`: see `aws` of `System`."""
        from road import Road  # not for CONFIG

        self.aws = self._make_aws(self.bus, self.settings, self.wifi.resolve, *stand_in)
        road = self.road = Road(self)
        self.own("cloud", road.run)
        return road

    async def _run_application(self, owned):
        from device import Device  # not for CONFIG

        await self.application(Device(self, owned))

    async def _run_trial(self, owned):
        import trial

        del sys.modules["trial"]
        await trial.run(self, owned)

    # Leaving a mode

    async def left(self):
        """For a mode: wait until it is to end; returns the event by which it does."""
        await self._leaving.wait()
        return self._leave_by

    def leave(self, event, reason):
        """Ask the present mode to end by `event` of the table; the first to ask wins."""
        if self._leave_by is None:
            self._leave_by = event
            self.reason = reason
            self._leaving.set()

    async def restart(self, reason):
        """Restart the device in order: the application is stopped, flash written, the cloud told. Never returns."""
        reason = "%s" % (reason,)
        try:
            self.bus.emit(events.RESTART_REQUESTED, reason=reason)
        except MemoryError:
            pass  # it restarts all the same
        self.leave("restart_requested", reason)
        await for_ever()

    def _died(self, name, failure):
        if name == "application" or not isinstance(failure, errors.DeviceError):
            self.console.trace(failure)  # a DeviceError of the firmware's own tasks says all that there is to say
        self.failure = wrapped(name, failure)
        self.leave("task_failed", "%s" % self.failure)

    def _orphan_died(self, _, context):
        # A task that nobody awaits: asyncio would only print it, and keep its frames until the next one dies.
        failure = context["exception"]
        context["exception"] = context["future"] = None
        self.console.say("system: a task died that nobody awaits")
        self.console.trace(failure)

    # restart

    async def _restart(self):
        """Leave as the table says. What fails on the way ends in the row (restart, failed): reset at once."""
        if self._action == "reset":
            self.board.reset()
        import leaving

        await getattr(leaving, self._action)(self)

    def _feed(self):
        if self.watchdog is not None:
            self.watchdog.feed()
        stall_ms = self.supervisor.longest_stall_ms
        try:
            if stall_ms > self._bearable_ms:
                self.console.say("system: %s" % errors.error("loop_stalled", (stall_ms + 500) // 1000))
                self._bearable_ms = 2 * stall_ms  # printed a few times, not each time
            now_ms = self.board.uptime_ms()  # always: it would lose days in which nobody asks
            if self.good_from_ms is not None and now_ms >= self.good_from_ms and not self._is_trying():
                self.board.start_record().forgive()
                self.good_from_ms = None
        except MemoryError:  # at the next look
            pass

    def _is_trying(self):
        # A start with what is on trial has lasted when that has proved itself: else an application that dies without
        # the cloud, a minute later each time, would keep what can never reach it. In CONFIG hours are no crash.
        if self.mode != "NORMAL" or not (self.identity.trial or self.identity.rotating):
            return False
        return self.aws is None or not self.aws.is_connected  # else flash has no room yet to note that it works


async def for_ever():
    """Await the end of the mode."""
    while True:
        await asyncio.sleep(_REPEAT_REASON_S)
