"""All of it together: telemetry, a shadow, a job, bytes in flash, a health check for updates."""

import asyncio
import json
import struct

import awsesp
import board
import errors


class Thermostat:
    def __init__(self, device):
        self._device = device
        stored = struct.unpack("<h", device.flash.read(0, 2))[0]
        self.target = stored if 5 <= stored <= 30 else 20  # 0 on a new device

    async def set_target(self, celsius):
        self.target = max(5, min(30, int(celsius)))
        await self._device.flash.write(0, struct.pack("<h", self.target))
        print("application: target %d" % self.target)
        return self.target

    async def is_well(self):
        return 5 <= self.target <= 30

    async def calibrate(self, job):
        await job.progress(50)
        await job.succeed(offset="0.3")

    async def tell(self):
        payload = json.dumps({"target": self.target, "uptime_s": board.uptime_ms() // 1000})
        try:
            await self._device.aws.publish("devices/%s/telemetry" % self._device.name, payload, qos=1)
        except errors.RetryError as error:
            print("application: not sent, %s" % error)


async def application(device):
    thermostat = Thermostat(device)
    device.health(thermostat.is_well)
    device.aws.shadow().bind("target", thermostat.set_target, thermostat.target)
    device.aws.jobs.on("calibrate", thermostat.calibrate)
    await device.aws.connected()  # a new device has its name from then on
    while True:
        await thermostat.tell()
        await asyncio.sleep(device.settings.get("every_s", 60))


if __name__ == "__main__":
    awsesp.run(application)
