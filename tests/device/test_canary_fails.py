"""Proof that the runner sees failures. Collected with --canaries only; tests/host/test_device_runner.py says what
must become of each test."""

import asyncio
import os
import time

from harness import equal, raises, skip

TIMEOUT_S = 1


def test_passes():
    equal(raises(ValueError, lambda: int("x")).__class__, ValueError)


async def test_passes_in_asyncio():
    await asyncio.sleep(0)
    await raises(OSError, _fail())


def test_wrong_value():
    print("printed before the failure")
    equal(1 + 1, 3)


def test_true_is_not_one():
    equal(True, 1)


def test_nothing_raised():
    raises(ValueError, lambda: int("1"))


async def test_nothing_raised_in_asyncio():
    await raises(OSError, asyncio.sleep(0))


def test_other_error():
    raises(ValueError, lambda: {}["missing"])


async def test_forgotten_await():
    raises(ValueError, _fail())


async def _fail():
    raise OSError(5)


async def test_background_task_dies():
    asyncio.create_task(_fail())
    await asyncio.sleep(0.01)


async def test_background_task_dies_at_the_end():
    asyncio.create_task(_fail())


async def test_waits_for_ever():
    await _wait_for_nothing()


async def _wait_for_nothing():
    await asyncio.Event().wait()


def test_hangs():
    while True:
        time.sleep(1)


def test_passes_after_a_hang():
    pass


def test_system_exit():
    raise SystemExit(0)


def test_process_crashes():
    os.system("kill -9 $PPID")


def test_passes_after_a_crash():
    pass


def test_floods_the_console():
    while True:
        print("x" * 1000)


def test_skipped():
    skip("the reason")
