"""What the device under test runs: it publishes, subscribes, keeps a shadow, does jobs. The firmware is unchanged."""

import asyncio

import awsesp
import errors


async def blink(job):
    for n in range(3):
        await asyncio.sleep_ms(50)
        await job.progress(33 * (n + 1))


class Quiet:
    """Whether the cloud has asked for silence: a case looks at the keep alive alone."""

    seconds = 0


async def application(device):
    shadow = device.aws.shadow()
    shadow.bind("colour", lambda colour: colour, "white")
    device.aws.jobs.on("blink", blink)
    await device.aws.connected()
    await device.aws.subscribe("devices/%s/in" % device.name, 1, heard)
    number = 0
    while True:
        number += 1
        try:
            await device.aws.publish("devices/%s/out" % device.name, str(number), qos=1, retain=number % 5 == 1)
        except errors.RetryError as error:
            print("application: %s" % error)
        await asyncio.sleep_ms(700)
        quiet_s, Quiet.seconds = Quiet.seconds, 0
        await asyncio.sleep(quiet_s)


async def heard(message):
    if bytes(message.payload[:6]) == b"quiet ":
        Quiet.seconds = int(bytes(message.payload[6:]))
    print("application: heard %d bytes" % len(message.payload))


if __name__ == "__main__":
    awsesp.run(application)
