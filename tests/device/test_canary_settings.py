"""What a test file may ask of the runner, asked. See tests/host/test_device_runner.py."""

import gc
import os

from harness import equal

HEAP = "200k"
FRESH = True
COMPANIONS = ["canary"]

_seen = []


def test_heap():
    equal(gc.mem_free() + gc.mem_alloc() < 200 * 1024, True)


def test_companion():
    equal(os.getenv("CANARY"), "7")
    with open("note") as note:
        equal(note.read(), "from the desk")


def test_first_in_its_process():
    equal(_seen, [])
    _seen.append(1)


def test_first_in_its_process_too():
    equal(_seen, [])
    _seen.append(2)
