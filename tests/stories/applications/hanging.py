"""Promises a sign of life every second, and breaks the promise at its first start."""

import asyncio

import awsesp


async def application(device):
    if device.flash.read(0, 1) == b"\0":
        await device.flash.write(0, b"1")
        await device.flash.flush()
        device.alive(1)
        await asyncio.Event().wait()
    while True:
        device.alive(1)
        print("application: alive")
        await asyncio.sleep_ms(500)


if __name__ == "__main__":
    awsesp.run(application)
