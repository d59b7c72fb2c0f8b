"""Tells which generation of settings, credentials and user data it finds, then saves the next one of all three."""

import asyncio

import board
import records
import settings as settings_words
from aws.client import Aws
from flash import Flash
from system import System
from wifi import Wifi


async def application(device):
    data = device.flash.read(0, 256)
    generation = device.settings.get("generation", 0)
    torn = "" if data == bytes([data[0]]) * 256 else " torn"
    print("application: found settings %d, thing %s, data %d%s" % (generation, device.name, data[0], torn))
    await save(device.flash, generation + 1)
    print("application: saved")
    await asyncio.Event().wait()


async def save(flash, generation):
    before = flash.load("settings")
    document = settings_words.from_record(*before) if before else {}
    document = settings_words.merge_cfg(document, {"app": {"generation": generation}})
    await flash.save("settings", *settings_words.to_record(document))
    await save_credentials(flash, generation)
    await flash.write(0, bytes([generation]) * 256)
    await flash.flush()


async def save_credentials(flash, generation):
    # As long as those that AWS makes; nobody connects with them.
    secret = records.pack({"key": bytes(1200)})
    await flash.save("thing", secret, records.pack({"name": "thing-%d" % generation, "cert": bytes(900)}))


if __name__ == "__main__":
    System(board, Flash, Wifi, Aws, application).run()
