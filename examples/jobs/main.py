"""A job blinks the LED: {"action": "blink", "times": 5, "every_ms": 200}, for one device or for a whole fleet."""

import asyncio

from machine import Pin

import awsesp

LED = Pin(2, Pin.OUT, value=0)


async def blink(job):
    times = job.document.get("times", 3)
    if not 0 < times <= 100:
        await job.reject("bad_document", "times: 1 to 100")
        return
    # After a power cut in the middle the job comes back, and goes on where it stopped.
    for n in range(job.kept.get("done", 0), times):
        LED.value(1)
        await asyncio.sleep_ms(job.document.get("every_ms", 200) // 2)
        LED.value(0)
        await asyncio.sleep_ms(job.document.get("every_ms", 200) // 2)
        await job.keep(done=n + 1)
        await job.progress(100 * (n + 1) // times)
    print("application: blinked %d times" % times)


async def application(device):
    device.aws.jobs.on("blink", blink)
    while True:
        await asyncio.sleep(3600)


if __name__ == "__main__":
    awsesp.run(application)
