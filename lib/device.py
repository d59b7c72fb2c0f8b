"""The `Device` that the application is given: all that an application may use of the firmware."""

import sys


class Device:
    """Handed to `async def application(device)` by the system, in mode NORMAL; to `configure(device, dat)` in CONFIG.

    - `aws`: publish, subscribe, messages (aws/client.py); None in CONFIG
    - `flash`: the 256 bytes: read, write, flush (flash.py)
    - `events`: `async for event in device.events` (events.py); the newest 16 unread ones are kept
    - `settings`: the application's own settings: the dict `app` of the settings file and of the phone
    - `name`: the thing's name, None until the device is enrolled
    """

    def __init__(self, system, owned):
        self._system = system
        self._owned = owned
        self._events = None
        self.aws = system.aws
        self.flash = system.flash
        self.settings = system.settings.app

    @property
    def name(self):
        return self._system.identity.name

    @property
    def events(self):
        if self._events is None:
            self._events = self._system.bus.listen()
        return self._events

    @property
    def restart_reason(self):
        """Why the last restart was wanted; None after a crash or a power cut."""
        return self._system.restart_reason

    def log(self, text):
        """Print a line, and keep it where it can be read from afar after a crash (docs/diagnosis.md). No secrets!"""
        self._system.console.say(str(text))

    def alive(self, within_s):
        """Promise to call this again within `within_s` seconds (six days at most, the range of the port's ticks); from
        then on a broken promise restarts the device. Not in CONFIG, where each message has its limit."""
        if self._owned is not None:
            self._owned.silence_ms = within_s * 1000
            self._owned.beat()

    def health(self, check):
        """Let `check`, a coroutine function, decide on a new image: what does not return True goes back to the old one.

        It is asked again until `timeouts.trial_s` is over; one that raises is not well, and says why.
        """
        self._system.health = check

    async def restart(self, reason):
        """Restart in order, after everything written is in flash. Never returns."""
        await self._system.restart(reason)

    async def enter_config(self, reason):
        """Restart into CONFIG, where a phone can change the settings. Never returns; raises `flash_full`, ..."""
        await _mode_requests().enter_config(self._system, reason)

    async def sleep(self, seconds):
        """Save power: as a restart, but the chip sleeps for `seconds` first. Never returns.

        What was published is sent first, as far as `timeouts.drain_s` allows. It waits while a new image, new settings
        or credentials are on trial, or a job is at work.
        """
        await _mode_requests().sleep(self._system, seconds)


def _mode_requests():
    import mode_requests

    for name in ("mode_requests", "notes"):
        sys.modules.pop(name, None)
    return mode_requests
