"""A lamp in a device shadow: switched and coloured from the cloud, and it reports how it is.

desired {"on": true, "colour": "ff8800"}   what the cloud wishes; kept there while the device is away
"""

import asyncio

import awsesp

PIN = 2  # the LED of many ESP32 boards


class Lamp:
    def __init__(self, pin):
        from machine import Pin

        self._led = Pin(pin, Pin.OUT, value=0)

    async def switch(self, on):
        self._led.value(bool(on))
        print("application: lamp %s" % ("on" if on else "off"))
        return bool(on)  # what is reported

    async def colour(self, text):
        int(text, 16)  # a wish that is no colour is an error, and the colour stays
        print("application: colour #%s" % text)
        return text


async def application(device):
    lamp = Lamp(PIN)
    shadow = device.aws.shadow()
    shadow.bind("on", lamp.switch, False)
    shadow.bind("colour", lamp.colour, "ffffff")
    while True:
        await asyncio.sleep(3600)


if __name__ == "__main__":
    awsesp.run(application)
