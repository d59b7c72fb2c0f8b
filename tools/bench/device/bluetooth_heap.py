"""Runs as a board's main.py: tells how much heap the BLE server holds, and how much when it was stopped."""

import asyncio
import gc
import sys

import bluetooth

import board  # noqa: F401  (what any program of the device has imported, as the next four)
import errors  # noqa: F401
import events
from backoff import Backoff  # noqa: F401

CODE = bytes(range(10))


def used():
    gc.collect()
    return gc.mem_alloc()


async def handle(typ, message_id, dat):
    return dat


async def serve(bus, ended):
    from ble.server import Ble

    try:
        await Ble(bus, "bench-123456", "esp32", "1.0.0", "code", CODE, handle).run(lambda: None)
    finally:
        ended.set()


async def idle():
    await asyncio.sleep(10)


async def main():
    for on in (True, False):
        bluetooth.BLE().active(on)  # in C on a chip: what the simulated one holds does not count
    bus, ended = events.Bus(), asyncio.Event()
    known, gone = bus.listen(events.BLE_AUTHENTICATED), bus.listen(events.BLE_DISCONNECTED)
    others = set(sys.modules)
    before = used()
    task = asyncio.create_task(serve(bus, ended))
    await asyncio.sleep_ms(500)
    print("bench: ready, held", used() - before)
    await known.get()
    print("bench: session, held", used() - before)
    await gone.get()
    task.cancel()
    task = None
    await ended.wait()
    for name in set(sys.modules) - others:
        del sys.modules[name]
    # The loop remembers the last task that was cancelled: let that be another one.
    task = asyncio.create_task(idle())
    await asyncio.sleep_ms(100)
    task.cancel()
    await asyncio.sleep_ms(100)
    print("bench: closed, held", used() - before)


asyncio.run(main())
