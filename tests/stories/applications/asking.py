"""Asks for CONFIG when it starts for the first time, and takes what the phone sends there."""

import asyncio

import board
from aws.client import Aws
from ble.server import Ble
from flash import Flash
from system import System
from wifi import Wifi


async def application(device):
    if device.flash.read(0, 1) == b"\0":
        await device.flash.write(0, b"1")
        await device.enter_config("a knob was turned")
    print("application: colour %s" % device.flash.read(1, 3).decode())
    await asyncio.Event().wait()


async def configure(device, dat):
    if dat.get("colour") == "crash":
        raise ValueError("a colour that is none")
    await device.flash.write(1, dat["colour"].encode())
    return {"colour": dat["colour"], "every_s": device.settings["every_s"]}


if __name__ == "__main__":
    System(board, Flash, Wifi, Aws, application, Ble, configure).run()
