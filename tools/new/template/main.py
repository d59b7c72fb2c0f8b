"""What {{name}} does."""

import asyncio
import json

import awsesp
import errors


async def application(device):
    await device.aws.connected()
    await device.aws.subscribe("devices/%s/command" % device.name, qos=1, handler=obey)
    while True:
        await report(device)
        await asyncio.sleep(device.settings.get("every_s", 10))


async def report(device):
    payload = json.dumps({"temperature": read_temperature()})
    try:
        await device.aws.publish("devices/%s/telemetry" % device.name, payload, qos=1)
    except errors.RetryError as error:
        print("{{name}}: not sent, %s" % error)


def read_temperature():
    return 21.5  # your sensor


async def obey(message):
    print("{{name}}: told %s" % json.loads(bytes(message.payload)))


if __name__ == "__main__":
    awsesp.run(application)
