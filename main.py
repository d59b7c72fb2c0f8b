"""The example application: the one file that you edit.

The example publishes its uptime every ten seconds and blinks when it is told to:

    devices/<thing>/telemetry   {"uptime_s": 40, "starts": 3}
    devices/<thing>/command     {"say": "hello"}
    a job of AWS IoT            {"action": "blink", "times": 3}
"""

import asyncio
import json
import struct

import awsesp
import board
import errors


async def application(device):
    starts = count_starts(device)
    print("application: start %d" % starts)
    await device.flash.write(0, struct.pack("<I", starts))
    device.aws.jobs.on("blink", blink)
    await device.aws.connected()
    await device.aws.subscribe("devices/%s/command" % device.name, 1, lambda message: obey(device, message))
    while True:
        await report(device, starts)
        await asyncio.sleep(device.settings.get("every_s", 10))


def count_starts(device):
    """How often the application has started: it lives in the 256 bytes that survive power cuts."""
    return struct.unpack("<I", device.flash.read(0, 4))[0] + 1


async def report(device, starts):
    payload = json.dumps({"uptime_s": board.uptime_ms() // 1000, "starts": starts})
    try:
        await device.aws.publish("devices/%s/telemetry" % device.name, payload, qos=1)
    except errors.RetryError as error:
        print("application: not sent, %s" % error)


async def obey(device, message):
    print("application: told %s" % bytes(message.payload).decode())


async def blink(job):
    times = job.document.get("times", 3)
    for done in range(1, times + 1):
        print("application: blinks, %d of %d" % (done, times))  # here the pin would be switched
        await job.progress(100 * done // times)
        await asyncio.sleep_ms(200)


if __name__ == "__main__":
    awsesp.run(application)
