"""The board of `update_desk`: it is a thing already, and has a settings file for quick updates."""

import json

import flash_board
import pki
import records

THING = "boiler-7"
TIMES = {"job_jitter_s": 0, "settle_s": 1, "trial_s": 30, "update_s": 600, "backoff_cap_s": 10}


async def enrolled_board():
    store = await flash_board.new_board()
    await store.save("thing", records.pack({"key": b"key"}), records.pack({"name": THING, "cert": b"certificate"}))


def write_settings(changes):
    document = {
        "schema": 1,
        "hardware": "esp32",
        "networks": [{"ssid": "home", "password": None}],
        "aws": {"endpoint": "cloud.test"},
        "timeouts": TIMES,
        "certs": [{"role": "ca", "cert": pki.ROOT_CERT}],
    }
    document.update(changes)
    with open(flash_board.ROOT + "/settings.json", "w") as file:
        json.dump(document, file)
