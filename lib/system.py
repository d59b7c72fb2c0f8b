"""The table of modes, and the only code that decides what happens next.

    System(board, flash, wifi, aws, application).run()

Every mode is a coroutine that runs until it returns the event that leads out of it; `_enter` is the one door, with one
log line: `NORMAL --restart_requested--> restart`. What happens where is in the rooms that the system was given; what
it keeps between restarts is in flash.
"""

import asyncio
import json
import sys

from micropython import const

import console
import errors
import events
import release
from device import Device
from identity import Identity
from road import Road
from supervisor import Supervisor, wrapped

INIT = "INIT"
IDLE = "IDLE"
CONFIG = "CONFIG"
NORMAL = "NORMAL"
OTA = "OTA"
RESTART = "restart"

# mode, event, next mode, what is done there
TABLE = (
    (INIT, "ready", NORMAL, "_normal"),
    # A crash loop must not cut the cloud off: jobs and updates are how a bad application is replaced from afar.
    (INIT, "crash_loop", NORMAL, "_recovery"),
    (INIT, "update_accepted", OTA, "_ota"),
    (INIT, "settings_incomplete", CONFIG, "_config"),
    (INIT, "config_requested", CONFIG, "_config"),
    (INIT, "failed", IDLE, "_idle"),
    (CONFIG, "restart_requested", RESTART, "_restart"),
    # Somebody pressed the button and did nothing: a device with complete settings goes back to work.
    (CONFIG, "window_closed", RESTART, "_restart"),
    (CONFIG, "failed", RESTART, "_restart_after_crash"),
    (NORMAL, "restart_requested", RESTART, "_restart"),
    (NORMAL, "config_requested", RESTART, "_restart"),
    # The update itself wants a clean heap: it is kept in flash and done after the restart.
    (NORMAL, "update_requested", RESTART, "_restart"),
    (NORMAL, "task_failed", RESTART, "_restart_after_crash"),
    (NORMAL, "failed", RESTART, "_restart_after_crash"),
    (OTA, "restart_requested", RESTART, "_restart"),
    (OTA, "update_failed", RESTART, "_restart"),
    (OTA, "task_failed", RESTART, "_restart_after_crash"),
    (OTA, "failed", RESTART, "_restart_after_crash"),
    # Nothing that goes wrong on the way out may keep the device from restarting.
    (RESTART, "failed", RESTART, "_reset"),
)


def _way_out(mode, event):
    for row in TABLE:
        if row[:2] == (mode, event):
            return row[2:]
    raise errors.error("bad_transition", mode, event)


_STOP_TIMEOUT_MS = const(3000)
_CLOSE_TIMEOUT_S = const(5)
_REPEAT_REASON_S = const(60)
_FIRST_WATCHDOG_MS = const(60000)
_NOBODY_CAME = "nobody came to configure"


class System:
    """The device. Hands are given as `main.py` makes them: `board` a module, `flash`, `wifi` and `aws` factories.

    flash(bus), wifi(bus, settings), aws(bus, settings, resolve): see docs/architecture.md. `application` is a coroutine
    function that is given the `Device`; it runs in NORMAL.
    """

    def __init__(self, board, flash, wifi, aws, application):
        self.mode = INIT
        self.failure = None  # the DeviceError that led to IDLE or CONFIG
        self.bus = events.Bus()
        self.settings = None
        self.board = board
        self._make_wifi = wifi
        self._make_aws = aws
        self._application = application
        self.flash = flash(self.bus)
        self.wifi = self.aws = self.identity = None  # made on the way to NORMAL
        self.restart_reason = None  # why the last restart was wanted; None after a crash or a power cut
        self._watchdog = None
        self._supervisor = Supervisor(self.bus, self._feed, self._died)
        self._leaving = asyncio.Event()
        self._leave_by = None
        self._reason = None

    def run(self):
        """Run the device for ever; only Ctrl-C on the console comes back, to the REPL."""
        try:
            asyncio.run(self._main())
        except KeyboardInterrupt:
            self.board.release_watchdog()  # somebody works at the REPL, or copies files with mpremote
            raise
        except SystemExit:
            self.board.reset()  # the port would make a soft reset of it, which is no start that is counted

    # The door

    async def _main(self):
        asyncio.create_task(self._tell_events(self.bus.listen(limit=32)))
        asyncio.create_task(self._supervisor.watch())
        action = self._initialise
        while True:
            try:
                event = await action()
            except Exception as failure:  # noqa: BLE001 - the table decides what a failing mode leads to
                self.failure = wrapped("system", failure)
                event = "failed"
            action = self._enter(event)

    def _enter(self, event):
        after, action = _way_out(self.mode, event)
        reason = self.failure if event == "failed" else self._reason
        print(console.door(self.board.uptime_ms(), self.mode, event, after, reason))
        previous, self.mode = self.mode, after
        self.bus.emit(events.MODE_CHANGED, mode=after, event=event, previous=previous)
        return getattr(self, action)

    async def _tell_events(self, listener):
        async for event in listener:
            if event.name != events.MODE_CHANGED:  # the door has told it already
                print(console.line(self.board.uptime_ms(), self.mode, event))

    # INIT

    async def _initialise(self):
        self._watchdog = self.board.Watchdog(_FIRST_WATCHDOG_MS)
        print("awsesp %s %s" % (release.VERSION, self.board.unique_id()))
        await self.flash.start()
        for warning in self.flash.warnings:
            print("flash: %s" % warning)
        self.restart_reason = self.board.clean_reason()
        self._load_settings()
        if self.settings is None:
            return "settings_incomplete"
        self.identity = Identity(self.flash, self.settings)
        self._watchdog = self.board.Watchdog(self.settings.timeouts.watchdog_s * 1000)
        return await self._decide()

    def _load_settings(self):
        try:
            import settings  # for this moment only

            self.settings = settings.load(self.flash.settings_file(), self.flash.load("settings"))
        except errors.PersonError as failure:
            self.failure = failure
            return
        finally:
            sys.modules.pop("settings", None)
        for warning in self.settings.warnings:
            print("settings: %s" % warning)

    async def _decide(self):
        notes = self._notes()
        if "update" in notes:
            return "update_accepted"
        missing = self.settings.missing(self.identity.known())
        if missing:
            self.failure = errors.error("settings_missing", ", ".join(missing))
            return "settings_incomplete"
        if notes.get("into") == CONFIG or self._is_button_held():
            await self.flash.erase("notes")
            return "config_requested"
        if self.board.starts() > self.settings.limits.starts:
            row = self.board.starts() - 1
            self._reason = "%d starts in a row did not last: without the application, until one does" % row
            return "crash_loop"
        return "ready"

    def _is_button_held(self):
        button = self.settings.pins.button
        # A button that is stuck must not keep the device from its work: after an idle CONFIG it does not count.
        return button is not None and self.restart_reason != _NOBODY_CAME and self.board.button_held(button)

    def _notes(self):
        record = self.flash.load("notes")
        try:
            notes = json.loads(record[0]) if record else {}
        except ValueError:
            notes = {}
        return notes if isinstance(notes, dict) else {}

    # IDLE

    async def _idle(self):
        while True:
            print("IDLE: initialisation failed, reset to try again. %s" % self.failure)
            await asyncio.sleep(_REPEAT_REASON_S)

    # CONFIG

    async def _config(self):
        print("CONFIG: %s" % (self.failure or "asked for"))
        print("CONFIG: copy a settings.json with `mpremote cp settings.json :/settings.json`, then reset")
        if self.settings is None or self.settings.missing(self.identity.known()):
            return await self._left()  # nothing to go back to: wait for whoever brings settings
        try:
            return await asyncio.wait_for(self._left(), self.settings.timeouts.config_s)
        except asyncio.TimeoutError:
            self._reason = _NOBODY_CAME
            return "window_closed"

    # NORMAL

    async def _recovery(self):
        return await self._normal(with_application=False)

    async def _normal(self, with_application=True):
        own = self._supervisor.own
        self.wifi = self._make_wifi(self.bus, self.settings)
        self.aws = self._make_aws(self.bus, self.settings, self.wifi.resolve)
        road = Road(self)
        own("flash", lambda owned: self.flash.run(owned.beat))
        own("wifi", lambda owned: self.wifi.run(owned.beat))
        own("cloud", road.run)
        own("notes", road.keep_notes)
        if with_application:
            own("application", self._run_application, silence_ms=None)
        return await self._left()

    async def _run_application(self, owned):
        await self._application(Device(self, owned))

    # OTA

    async def _ota(self):
        await self.flash.erase("notes")  # first: whatever comes of it, the next start is an ordinary one
        raise errors.error("not_supported", "the update over the air")

    # Leaving a mode

    async def _left(self):
        await self._leaving.wait()
        return self._leave_by

    def leave(self, event, reason):
        """Ask the present mode to end by `event` of the table; the first to ask wins."""
        if self._leave_by is None:
            self._leave_by = event
            self._reason = reason
            self._leaving.set()

    async def restart(self, reason):
        """Restart the device in order: the application is stopped, flash written, the cloud told. Never returns."""
        reason = "%s" % (reason,)
        self.bus.emit(events.RESTART_REQUESTED, reason=reason)
        self.leave("restart_requested", reason)
        while True:
            await asyncio.sleep(_REPEAT_REASON_S)

    def _died(self, name, failure):
        if not isinstance(failure, errors.DeviceError):
            sys.print_exception(failure)
        self.failure = wrapped(name, failure)
        self.leave("task_failed", "%s" % self.failure)

    # restart

    async def _restart(self):
        await self._stop_everything()
        self.board.mark_clean(self._reason)
        await self._reset()

    async def _restart_after_crash(self):
        await self._stop_everything()
        await self._reset()  # without the clean mark: so many of these in a row lead into recovery

    async def _reset(self):
        self.board.reset()

    async def _stop_everything(self):
        """End the tasks, then write and send what is left; each with its own timeout, so that it always ends."""
        if not await self._supervisor.stop(_STOP_TIMEOUT_MS):
            print("system: some tasks did not end in %d ms" % _STOP_TIMEOUT_MS)
        for name, hand in (("aws", self.aws), ("wifi", self.wifi)):
            if hand is not None:
                await self._bounded(name, hand.stop(), _CLOSE_TIMEOUT_S + self.settings.timeouts.drain_s)
        await self._bounded("flash", self.flash.flush(), _CLOSE_TIMEOUT_S)

    async def _bounded(self, name, closing, timeout_s):
        try:
            await asyncio.wait_for(closing, timeout_s)
        except Exception as failure:  # noqa: BLE001 - one room that fails to close must not keep the others from it
            print("system: closing %s failed: %s" % (name, wrapped(name, failure)))

    def _feed(self):
        if self._watchdog is not None:
            self._watchdog.feed()
