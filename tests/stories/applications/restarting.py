"""Writes its data and restarts at once, without flushing; tells what it finds afterwards."""

import asyncio

import awsesp


async def application(device):
    print("application: data %s, restarted for %s" % (device.flash.read(0, 5), device.restart_reason))
    if device.flash.read(0, 5) != b"hello":
        await device.flash.write(0, b"hello")
        await device.aws.connected()
        await device.restart("a new day")
    await asyncio.Event().wait()


if __name__ == "__main__":
    awsesp.run(application)
