"""What a job wants the settings to be: whatever moment the power goes, the job is told what became of it."""

import json

import notes
import settings
from flash_board import boot, chip, is_done_before_cut, new_board
from harness import equal
from operations import wanted
from operations.new_settings import fingerprint
from test_candidate import System

TIMEOUT_S = 60

BEFORE = {"networks": [{"ssid": "old", "password": None}]}
WANTED = {"settings": {"networks": [{"ssid": "home", "password": "a good password"}]}}


async def test_whenever_the_power_goes_a_candidate_of_a_job_is_known_as_the_one_that_it_tries():
    flash = await new_board()
    await flash.save("settings", *settings.to_record(settings.merged({}, "CFG", BEFORE)))
    await flash.save("wanted", b"", json.dumps(WANTED).encode())
    before, found, is_done = chip().snapshot(), set(), False
    cut = 1
    while not is_done:
        chip().restore(before)
        system = System(await boot())
        system.settings.roots = [b"root"]
        system.identity.known = lambda: True
        is_done = await is_done_before_cut(wanted.apply, system, cut, torn=True)
        after = await boot()
        record, kept = after.load("candidate"), notes.read(after)
        if record is not None:
            equal((kept.get("trial"), kept.get("tried")), ("job", fingerprint(record)))
        found.add((record is not None, is_done))
        cut += 1
    equal((False, False) in found and (True, False) in found and (True, True) in found, True)
