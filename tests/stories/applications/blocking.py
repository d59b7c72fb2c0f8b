"""Takes the loop for itself at its first start, for ever; is well at the next."""

import asyncio

import awsesp


async def application(device):
    if device.flash.read(0, 1) == b"\0":
        await device.flash.write(0, b"1")
        await device.flash.flush()
        print("application: blocks")
        while True:
            pass
    print("application: well")
    await asyncio.Event().wait()


if __name__ == "__main__":
    awsesp.run(application)
