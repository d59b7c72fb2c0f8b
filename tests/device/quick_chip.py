"""The chip's clock for `long_life`: virtual time, ticks that wrap, and nothing that is compiled twice.

While `Chip.step_ms` is not 0, whoever waits waits so long at least: days are over in moments.
"""

import builtins
import sys
from asyncio import core

import machine
import simulation
import utime
from simulated import alone, wlan

import board
from chip_ticks import PERIOD_MS, Ticks

_CALM_MS = 100  # whoever waits for less is in the midst of something
_look = core.IOQueue.wait_io_event


class Chip:
    """Stands in for `utime` in the simulated chip, and for the ticks of `time`, which wrap as on the chip."""

    ticks_add, ticks_diff, sleep_ms = utime.ticks_add, utime.ticks_diff, utime.sleep_ms

    def __init__(self):
        self.skew_ms = 0
        self.step_ms = 0
        self._before_ms = 0

    def install(self):
        time = board.time
        time.ticks_ms, time.ticks_diff, time.ticks_add = self._chip_ms, Ticks.ticks_diff, Ticks.ticks_add
        time.utime = alone.utime = machine.utime = self
        simulation.world.ticks = wlan._station._ticks = core.ticks = self.ticks_ms
        core.ticks_add = _core_add
        core.IOQueue.wait_io_event = self._wait
        builtins.__import__ = _import_once

    def begin(self, wraps_in_s):
        """Let the ticks of a new start wrap so soon, as they do after 12.4 days."""
        self._before_ms = PERIOD_MS - wraps_in_s * 1000 - self.ticks_ms()
        board._uptime[:] = [self._chip_ms(), 0]

    def ticks_ms(self):
        return utime.ticks_ms() + self.skew_ms

    def time_ns(self):
        return utime.time_ns() + self.skew_ms * 1000000

    def _chip_ms(self):
        return self.ticks_ms() + self._before_ms & PERIOD_MS - 1

    def _wait(self, wait_ms):
        if not wait_ms:
            return
        _look(core._io_queue, 0)
        if utime.ticks_diff(core._task_queue.peek().ph_key, self.ticks_ms()) > 0:
            self.skew_ms += max(wait_ms, self.step_ms) if wait_ms > _CALM_MS else wait_ms


def _core_add(ticks, delta):
    Ticks.ticks_add(0, delta)  # raises what the chip does
    return ticks + delta


_known = {}
_import = __import__


def _import_once(name, *details):
    # What the firmware lets go of is found again without being compiled, which would take most of the time.
    is_ours = "." not in name and (len(details) < 4 or not details[3])
    if is_ours and name in _known:
        sys.modules[name] = _known[name]
    found = _import(name, *details)
    if is_ours:
        _known[name] = found
    return found
