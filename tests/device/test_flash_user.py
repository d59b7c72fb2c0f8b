"""The user's 256 bytes: read at once, written together, on flash after `flush`."""

import asyncio
import builtins
import sys

import simulation

import events
import flash
from errors import BugError, StorageError
from flash_board import boot, fill_nvs, free_nvs, new_board
from harness import equal, raises


async def test_what_was_written_is_read_at_once():
    store = await new_board()
    await store.write(0, b"first")
    await store.write(251, b"final")
    equal(store.read(0, 6), b"first\0")
    equal(store.read(250, 6), b"\0final")
    equal(store.read(256, 0), b"")
    await store.write(256, b"")


async def test_outside_of_the_256_bytes_nothing_is_read_or_written():
    store = await new_board()
    for offset, size in ((-1, 1), (0, 257), (256, 1), (255, 2), (0, -1)):
        equal(raises(BugError, lambda o=offset, n=size: store.read(o, n)).code, "out_of_range")
    for offset, data in ((-1, b"x"), (0, bytes(257)), (256, b"x"), (255, b"xy")):
        equal((await raises(BugError, store.write(offset, data))).code, "out_of_range")
    equal(store.read(0, 256), bytes(256))


async def test_flush_without_the_writer_puts_it_on_flash():
    store = await new_board()
    await store.write(10, b"kept")
    await store.flush()
    await store.write(10, b"lost")
    store = await boot()
    equal(store.read(10, 4), b"kept")


async def test_many_small_writes_become_one():
    store = await new_board()
    listener = store._bus.listen(events.FLASH_FLUSHED)
    for value in range(100):
        await store.write(value, bytes([value]))
    beats = []
    writer = asyncio.create_task(store.run(lambda: beats.append(1)))
    event = await listener.get()
    equal(event.data, {"writes": 100})
    await store.write(0, b"again")
    equal((await listener.get()).data, {"writes": 1})
    writer.cancel()
    equal(len(beats) > 1, True)
    equal((await boot()).read(0, 7), b"again\x05\x06")


async def test_same_bytes_again_do_not_wear_the_flash():
    store = await new_board()
    await store.write(0, b"same")
    await store.flush()
    before = simulation.board.flash.writes
    await store.write(0, b"same")
    await store.flush()
    await store.flush()
    equal(simulation.board.flash.writes, before)


async def test_what_writes_is_loaded_once_for_a_write():
    store = await new_board()
    await store.write(0, b"old")
    await store.flush()
    loaded, usual = [], builtins.__import__

    def counted(name, *how):
        if name == "flash_records" and name not in sys.modules:
            loaded.append(name)
        return usual(name, *how)

    builtins.__import__ = counted
    try:
        await store.write(0, b"new")
        await store.flush()
    finally:
        builtins.__import__ = usual
    equal(len(loaded), 1)


async def test_flush_tells_that_flash_refused_and_the_data_is_not_lost():
    store = await new_board()
    fill_nvs()
    await store.write(0, b"precious")
    equal((await raises(StorageError, store.flush())).code, "flash_full")
    equal(store.read(0, 8), b"precious")
    free_nvs()
    await store.flush()
    equal((await boot()).read(0, 8), b"precious")


async def test_writer_outlives_a_refusal():
    store = await new_board()
    fill_nvs()
    listener = store._bus.listen(events.FLASH_FLUSHED)
    writer = asyncio.create_task(store.run(lambda: None))
    await store.write(0, b"precious")
    while not store.warnings:
        await asyncio.sleep_ms(5)
    equal("precious" in store.warnings[0], False)
    free_nvs()
    await listener.get()
    writer.cancel()
    equal((await boot()).read(0, 8), b"precious")


async def test_writer_asks_a_flash_that_refuses_less_and_less_often_and_then_is_quick_again():
    store, waits, sleep = await new_board(), [], flash._sleep

    async def noted(wait_ms, beat):
        waits.append(wait_ms)
        await asyncio.sleep_ms(1)

    flash._sleep = noted
    fill_nvs()
    await store.write(0, b"precious")
    listener = store._bus.listen(events.FLASH_FLUSHED)
    writer = asyncio.create_task(store.run(lambda: None))
    try:
        while len(waits) < 4:
            await asyncio.sleep_ms(1)
        free_nvs()
        await listener.get()
        await asyncio.sleep_ms(5)
    finally:
        flash._sleep = sleep
        writer.cancel()
    equal((waits[:4], waits[-1]), ([20, 40, 80, 160], 20))


async def test_two_that_flush_at_once_both_get_what_they_wrote():
    store = await new_board()

    async def keep(offset):
        await store.write(offset, b"x")
        await store.flush()

    await asyncio.gather(*[keep(offset) for offset in range(8)])
    equal((await boot()).read(0, 9), b"xxxxxxxx\0")


async def test_erased_user_data_is_zero_again():
    store = await new_board()
    await store.write(0, b"mine")
    await store.flush()
    await store.erase_all(("user", "notes"))
    equal(store.read(0, 4), bytes(4))
    await store.write(1, b"new")
    await store.flush()
    equal((await boot()).read(0, 5), b"\0new\0")


async def test_user_data_that_was_erased_is_not_written_any_more():
    store = await new_board()
    await store.write(0, b"mine")
    await store.erase("user")
    await store.flush()
    equal(store.load("user"), None)
