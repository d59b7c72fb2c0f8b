"""What makes a device's life on the desk a matter of milliseconds: virtual time, and modules that are compiled once."""

import sys
from asyncio import core

import utime

import board
import configuration
import system

# What a device imports for a moment. Here it is in memory already, because compiling it takes longer than all the rest.
_FOR_A_MOMENT = (
    "candidate", "certificates", "der", "error_table", "flash_repair", "operations", "operations.dispatch", "pem",
    "records", "settings", "settings_certs", "settings_checks", "settings_documents", "settings_json",
    "settings_numbers", "settings_reader", "settings_records", "settings_schema", "settings_shapes", "starting",
    "trial", "update_job", "updates", "updating",
)  # fmt: skip


_loaded = {}


def keep_modules():
    """Let what a device imports for a moment be in memory; before each of its starts."""
    system.gc = configuration.gc = _Collector
    for name in _FOR_A_MOMENT:
        if name not in _loaded:
            __import__(name)
            _loaded[name] = sys.modules[name]
    sys.modules.update(_loaded)


class _Collector:
    """`gc` of the system: the desk's own memory is too large to be looked through for every 8 KB of the device's."""

    @staticmethod
    def threshold(size):
        pass

    @staticmethod
    def collect():
        pass


class Over(BaseException):
    """The start has lasted long enough."""


class Clock:
    """Ticks that run ahead while everybody sleeps; `look()` is called whenever somebody would have waited."""

    def __init__(self):
        self.skew_ms = 0
        self.look = nothing
        board.time.ticks_ms = core.ticks = self.ticks
        core.IOQueue.wait_io_event = self.wait

    def ticks(self):
        return utime.ticks_add(utime.ticks_ms(), self.skew_ms)

    def wait(self, wait_ms):
        if wait_ms > 0:
            self.skew_ms += wait_ms
        self.look()


def nothing():
    """Is looked at."""
