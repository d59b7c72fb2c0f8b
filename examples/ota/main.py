"""Updates over the air: says which version runs, and decides whether a new one may stay.

The firmware does the update by itself. A new version is on trial until the cloud was reached and this health check
has passed; else the device goes back to the version before.
"""

import json

import awsesp
import release


async def is_well():
    """Whatever must work in a version that is worth keeping: here it is enough that the sensor answers."""
    return read_sensor() is not None


def read_sensor():
    return 21.5


async def application(device):
    device.health(is_well)
    await device.aws.connected()
    payload = json.dumps({"version": release.VERSION, "restart": device.restart_reason})
    await device.aws.publish("devices/%s/version" % device.name, payload, qos=1)
    print("application: version %s" % release.VERSION)
    async for event in device.events:
        if event.name.startswith("ota."):
            print("application: %s %s" % (event.name, event.data))


if __name__ == "__main__":
    awsesp.run(application)
