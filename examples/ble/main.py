"""Configuration over Bluetooth: a button brings the device into CONFIG, and the phone sets more than Wi-Fi and cloud.

The application's own settings (`app` of the settings, docs/settings.md) come with the others; what the phone sends as
APP meanwhile is answered here, before anything is saved: a sensor to be tried, a lamp to be found.
"""

import asyncio

from machine import Pin

import awsesp

BUTTON = 0  # "BOOT" on most boards
LED = 2


async def configure(device, dat):
    """APP {"blink": 3}: which of the boards on the table is it?"""
    led = Pin(LED, Pin.OUT)
    times = min(int(dat.get("blink", 1)), 10)
    for _ in range(times):
        led.value(1)
        await asyncio.sleep_ms(100)
        led.value(0)
        await asyncio.sleep_ms(100)
    print("application: blinked for the phone")
    return {"blinked": times}


async def application(device):
    print("application: every_s is %s" % device.settings.get("every_s", 10))
    pressed = asyncio.ThreadSafeFlag()
    Pin(BUTTON, Pin.IN, Pin.PULL_UP).irq(lambda _: pressed.set(), Pin.IRQ_FALLING)
    await pressed.wait()
    await device.enter_config("the button was pressed")


if __name__ == "__main__":
    awsesp.run(application, configure)
