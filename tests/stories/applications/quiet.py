"""Leaves flash and cloud alone, connects without the jitter after power-on, says when the device is settled.

Settled: it is a thing, and nothing that comes with the first connection is left to be written.
"""

import asyncio

import board
from aws.client import Aws
from flash import Flash
from system import System
from wifi import Wifi


def impatient(bus, settings, resolve):
    aws = Aws(bus, settings, resolve)
    aws.first_wait(0)
    return aws


async def application(device):
    while not is_settled(device.flash):
        await asyncio.sleep_ms(10)
    print("application: settled as %s" % device.name)
    await asyncio.Event().wait()


def is_settled(flash):
    return flash.load("pending") is None and None not in (flash.load("thing"), flash.load("clock"))


if __name__ == "__main__":
    System(board, Flash, Wifi, impatient, application).run()
