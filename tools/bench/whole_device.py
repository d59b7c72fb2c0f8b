"""The whole firmware at work over TLS in the simulator: how long the loop stalls. (Its memory: heap.py.)"""

import functools
import re
import tempfile
from pathlib import Path

from tools.bench.registry import measurement
from tools.desk import Desk
from tools.mpy import compile_lib

_ONLINE_S = 30
_STALL_S = 15
# The application of the stall measurement: a clock that ticks every 5 ms beside the work of a busy device.
_STALL_MAIN = """
import asyncio
import time

import awsesp

longest_ms = 0


async def tick():
    global longest_ms
    last_ms = time.ticks_ms()
    while True:
        await asyncio.sleep_ms(5)
        now_ms = time.ticks_ms()
        longest_ms = max(longest_ms, time.ticks_diff(now_ms, last_ms) - 5)
        last_ms = now_ms


async def application(device):
    global longest_ms
    asyncio.create_task(tick())
    await device.aws.connected()
    print("bench: until connected", longest_ms)
    longest_ms = 0
    await device.aws.subscribe("devices/%%s/command" %% device.name, 1)
    end_ms = time.ticks_add(time.ticks_ms(), %d000)
    turn = 0
    while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
        turn += 1
        await device.aws.publish("devices/%%s/telemetry" %% device.name, bytes(64), qos=turn & 1)
        await device.flash.write(turn & 255, bytes((turn & 255,)))
        await asyncio.sleep_ms(20)
    print("bench: connected", longest_ms)


awsesp.run(application)
"""


@measurement("device.stall.ms", "longest stall of the loop at work: QoS 0 and 1, flash", "ms", at_most=20, repeat=False)
def _(_desk):
    return stalls()[1]


@measurement("device.stall.connect.ms", "longest stall until connected, with the TLS handshake", "ms", repeat=False)
def _(_desk):
    return stalls()[0]


@functools.lru_cache(maxsize=1)
def stalls():
    """The longest stall of the loop in milliseconds: (until connected, with the handshake; at work)."""
    with tempfile.TemporaryDirectory(prefix="awsesp-bench-") as folder:
        main = Path(folder) / "main.py"
        main.write_text(_STALL_MAIN % _STALL_S)
        lib = Path(folder) / "lib"
        compile_lib(lib)  # as on a board: what is loaded for a moment is not compiled then
        with Desk(board={"main": main, "lib": lib}) as desk:
            desk.leave_factory()
            desk.device.power_on()
            before = _number(desk.device.wait_for(r"bench: until connected \d+", _ONLINE_S))
            return before, _number(desk.device.wait_for(r"bench: connected \d+", _STALL_S + _ONLINE_S))


def _number(line):
    return int(re.search(r"(\d+)$", line)[1])
