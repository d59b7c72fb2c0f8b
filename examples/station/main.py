"""A battery sensor station: wakes, measures, sends what it has, sleeps.

    devices/<thing>/measurements   {"number": 17, "time": 1795613732, "celsius": 21.4, "battery": 3.91}

What cannot be sent is kept in the outbox on flash and goes out with a later report: `settings.json` beside this file.
The shadow says how often it reports (`every_s`) and how the battery is; jobs, configuration by phone and updates over
the air are the firmware's. It never sleeps while a new version is on trial, or a job at work.
"""

import asyncio
import json
import struct
import time

from machine import ADC, Pin

import awsesp
import errors

SENSOR = 34  # a TMP36: 500 mV at 0 degrees, 10 mV for each
BATTERY = 35  # half of its voltage
BUTTON = 0

ONLINE_S = 20  # for Wi-Fi, clock, cloud and what waits there; on a bad day all in vain, and the next report tries again
LISTEN_S = 3  # once connected: for wishes of the shadow, jobs and updates to be heard
EVERY_S = 300
LOW_VOLTS = 3.3  # below it reports become seldom, to last until somebody comes
LOW_FACTOR = 12

_LAYOUT = "<II"  # the 256 bytes: number of the next measurement, seconds between reports as last wished


class Station:
    """What the device knows between its sleeps, and what it measures."""

    def __init__(self, device):
        self._device = device
        self.number, every_s = struct.unpack(_LAYOUT, device.flash.read(0, struct.calcsize(_LAYOUT)))
        self.every_s = every_s or device.settings.get("every_s", EVERY_S)
        self.battery = None

    async def read(self):
        """What the sensor and the battery say now, as a dict."""
        self.battery = round(2 * await read_volts(BATTERY), 2)
        celsius = round((await read_volts(SENSOR) - 0.5) * 100, 1)
        return {"celsius": celsius, "battery": self.battery}

    async def measure(self):
        """One measurement, as a dict, with a number that no other one gets."""
        measured = await self.read()
        self.number += 1
        await self._keep()
        measured["number"] = self.number
        if time.gmtime()[0] >= 2025:  # the clock survives sleep, not a new battery
            measured["time"] = time.time() + seconds_until_2000()
        return measured

    async def set_every_s(self, seconds):
        """A wish of the cloud."""
        self.every_s = max(10, min(86400, int(seconds)))
        await self._keep()
        return self.every_s

    async def is_well(self):
        """Whether a new version may stay: it measures what can be. What nobody is sent takes no number."""
        return -40 <= (await self.read())["celsius"] <= 85

    def sleeps_s(self):
        """Seconds until the next report."""
        return self.every_s * (LOW_FACTOR if self.battery is not None and self.battery < LOW_VOLTS else 1)

    async def _keep(self):
        await self._device.flash.write(0, struct.pack(_LAYOUT, self.number, self.every_s))
        try:
            # On flash before it is sent: else a power cut within the next second gives the same number once more.
            await self._device.flash.flush()
        except errors.DeviceError as error:  # worn or full: the firmware tries on, and what is measured still counts
            self._device.log("station: number %d is not kept, %s" % (self.number, error.code))


async def read_volts(pin, samples=8):
    """The mean of some samples, the loop kept free between them."""
    adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)
    total_uv = 0
    for _ in range(samples):
        total_uv += adc.read_uv()
        await asyncio.sleep_ms(2)
    return total_uv / samples / 1000000


def seconds_until_2000():
    """The port counts from 2000, the world from 1970."""
    return 946684800 if time.gmtime(0)[0] == 2000 else 0


async def report(device, station):
    """Measure and send; what cannot be sent now is kept."""
    measured = await station.measure()
    print("station: %s" % json.dumps(measured))
    if device.name is None:
        return  # it has never been online: its topics have no name yet
    topic = "devices/%s/measurements" % device.name
    try:
        await device.aws.publish(topic, json.dumps(measured), keep=True)
    except errors.DeviceError as error:  # the outbox is full, or the flash: the next measurement counts more
        device.log("station: measurement %d is lost, %s" % (station.number, error.code))


async def be_online(device):
    """Wait until the cloud is there and has said what it has to say; False when it does not come."""
    try:
        await asyncio.wait_for(device.aws.connected(), device.settings.get("online_s", ONLINE_S))
    except asyncio.TimeoutError:
        print("station: no cloud today")
        return False
    await asyncio.sleep(LISTEN_S)
    return True


async def tell_shadow(station, shadow):
    try:
        await shadow.report({"battery": station.battery})
    except errors.DeviceError as error:
        print("station: the shadow was not told, %s" % error)


def is_pressed(pin):
    return not Pin(pin, Pin.IN, Pin.PULL_UP).value()


async def application(device):
    station = Station(device)
    device.health(station.is_well)
    shadow = device.aws.shadow()
    shadow.bind("every_s", station.set_every_s, station.every_s)
    if device.name is None:
        await device.aws.connected()  # once in its life it enrols itself, however long that takes
    while True:
        await report(device, station)
        if await be_online(device):
            await tell_shadow(station, shadow)
        if is_pressed(BUTTON):
            await device.enter_config("the button was pressed")
        print("station: sleeps for %d s" % station.sleeps_s())
        await device.sleep(station.sleeps_s())


if __name__ == "__main__":
    awsesp.run(application)
