"""The 256 bytes that survive power cuts: counts starts and seconds of operation."""

import asyncio
import struct

import awsesp

_LAYOUT = "<II"  # starts, seconds


async def application(device):
    starts, seconds = struct.unpack(_LAYOUT, device.flash.read(0, struct.calcsize(_LAYOUT)))
    starts += 1
    print("application: start %d, %d s of operation before" % (starts, seconds))
    while True:
        # In memory at once, on flash within a second: old or new as a whole, whenever the power goes.
        await device.flash.write(0, struct.pack(_LAYOUT, starts, seconds))
        await asyncio.sleep(1)
        seconds += 1
        if seconds % 60 == 0:
            await device.flash.flush()  # from here on this minute is kept for sure


if __name__ == "__main__":
    awsesp.run(application)
