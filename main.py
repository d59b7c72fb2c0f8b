"""Wiring and the example application: the one file that you edit.

The example publishes its uptime every ten seconds and blinks when it is told to:

    devices/<thing>/telemetry   {"uptime_s": 40, "starts": 3}
    devices/<thing>/command     {"say": "hello"}
"""

import asyncio
import json
import struct

import board
import errors
from flash import Flash
from ota import slot
from system import System


async def application(device):
    starts = count_starts(device)
    print("application: start %d" % starts)
    await device.flash.write(0, struct.pack("<I", starts))
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


# Imported when the system asks for them: by then the settings are read, and what read them has given its memory back.


def make_wifi(bus, settings):
    from wifi import Wifi

    return Wifi(bus, settings)


def make_aws(bus, settings, resolve):
    from aws.client import Aws

    return Aws(bus, settings, resolve)


def make_ble(*details):
    from ble.server import Ble

    return Ble(*details)


def make_update(system, size):
    from aws.door import Door
    from ota.update import Update

    settings = system.settings
    door = Door(settings.roots, system.wifi.resolve, settings.timeouts)
    return Update(door.connect, slot.switch().next_slot(), size, settings.timeouts)


if __name__ == "__main__":
    System(board, Flash, make_wifi, make_aws, application, make_ble, slot=slot, update=make_update).run()
