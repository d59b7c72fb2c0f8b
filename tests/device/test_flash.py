"""Flash: what is kept, where, what happens when storage is full or damaged; and the user's 256 bytes."""

import asyncio
import os

import esp32
import simulation

import events
import flash
from disk import ROOT, Chip
from errors import BugError, StorageError
from flash_blobs import RECORDS
from harness import equal, raises

TIMEOUT_S = 60
SECURE = ROOT + "/secure"
KEY = b"k" * 1220
CERT = b"c" * 1400

chip = Chip()


async def new_board():
    """Flash of a board that was never used."""
    global chip
    chip.close()
    chip = Chip()
    return await boot()


async def boot():
    """Power off and on, and what `Flash` makes of it."""
    chip.power_cycle()
    store = flash.Flash(events.Bus(), ROOT, write_interval_ms=20)
    await store.start()
    return store


def files(name):
    return [file for file in sorted(os.listdir(SECURE)) if file.startswith(name + ".")]


def damage(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(path, "wb") as file:
        file.write(data)


def fill_files():
    """Leave no room in the file system."""
    with open(ROOT + "/filler", "wb") as file:
        try:
            while True:
                file.write(bytes(512))
                file.flush()
        except OSError:
            pass


def fill_nvs(free_bytes=0):
    """Leave room for one blob of about so many bytes."""
    store = esp32.NVS("filler")
    if free_bytes:
        store.set_blob("reserve", bytes(free_bytes))
    for write in (lambda n: store.set_blob("b%d" % n, bytes(200)), lambda n: store.set_i32("i%d" % n, n)):
        count = 0
        try:
            while True:
                write(count)
                count += 1
        except OSError:
            pass
    if free_bytes:
        store.erase_key("reserve")


def free_nvs():
    """Make some room again."""
    for n in range(4):
        esp32.NVS("filler").erase_key("b%d" % n)


async def test_new_board_knows_nothing():
    store = await new_board()
    equal([store.load(name) for name in RECORDS], [None] * len(RECORDS))
    equal(store.settings_file(), None)
    equal(store.read(0, 256), bytes(256))
    equal(store.warnings, [])


async def test_records_outlive_the_power():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    await store.save("code", b"0123456789")
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))
    equal(store.load("code"), (b"0123456789", b""))
    equal(store.warnings, [])


async def test_last_of_many_values_counts_and_leaves_no_files_behind():
    store = await new_board()
    for value in range(20):
        await store.save("thing", b"%d" % value, CERT)
    store = await boot()
    equal(store.load("thing"), (b"19", CERT))
    equal(files("thing"), ["thing.20.copy", "thing.20.rest"])


async def test_empty_and_largest_records_are_kept():
    store = await new_board()
    await store.save("settings", b"", b"")
    await store.save("candidate", b"s" * 9000, b"b" * (16384 - 9000))
    store = await boot()
    equal(store.load("settings"), (b"", b""))
    equal(store.load("candidate"), (b"s" * 9000, b"b" * (16384 - 9000)))


async def test_secret_that_nvs_has_no_share_for_goes_to_the_file():
    store = await new_board()
    await store.save("thing", b"R" * 2400, CERT)
    store = await boot()
    equal(store.load("thing"), (b"R" * 2400, CERT))


async def test_erased_record_does_not_come_back():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    await store.erase("thing")
    equal(store.load("thing"), None)
    store = await boot()
    equal(store.load("thing"), None)
    equal(files("thing"), [])
    await store.erase("thing")
    await store.save("thing", b"new", CERT)
    store = await boot()
    equal(store.load("thing"), (b"new", CERT))


async def test_unknown_record_is_our_own_mistake():
    store = await new_board()
    equal((await raises(BugError, store.save("things", b""))).code, "not_supported")
    equal((await raises(BugError, store.erase("things"))).code, "not_supported")
    equal(raises(BugError, lambda: store.load("things")).code, "not_supported")


async def test_too_large_record_is_refused_and_the_old_stays():
    store = await new_board()
    await store.save("code", b"0123456789")
    equal((await raises(StorageError, store.save("code", bytes(33)))).code, "flash_full")
    equal(store.load("code"), (b"0123456789", b""))


async def test_all_of_it_comes_back_when_the_chip_erased_nvs():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    await store.save("code", b"0123456789")
    await store.write(0, b"mine")
    await store.flush()
    nvs = simulation.board.nvs_flash
    nvs.bytes[:] = b"\xff" * len(nvs.bytes)
    store = await boot()
    equal(len(store.warnings), 3)
    for _ in range(2):
        equal(store.load("thing"), (KEY, CERT))
        equal(store.load("code"), (b"0123456789", b""))
        equal(store.read(0, 4), b"mine")
        store = await boot()
    equal(store.warnings, [])


async def test_what_is_in_nvs_alone_outlives_the_loss_of_its_file():
    store = await new_board()
    await store.save("code", b"0123456789")
    await store.save("thing", KEY, CERT)
    for file in os.listdir(SECURE):
        os.remove(SECURE + "/" + file)
    os.rmdir(SECURE)
    store = await boot()
    equal(store.load("code"), (b"0123456789", b""))
    equal(store.load("thing"), None)  # its certificate was in files only
    equal(any("thing: no copy" in warning for warning in store.warnings), True)
    equal(files("code"), ["code.1.copy"])
    await store.save("thing", KEY, CERT)
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))


async def test_each_damaged_copy_is_mended_from_the_other():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    for file in files("thing"):
        damage(SECURE + "/" + file)
        store = await boot()
        equal(store.load("thing"), (KEY, CERT))
        equal(len(store.warnings), 1)
    esp32.NVS("awsesp").set_blob("thing", b"rubbish" * 300)
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))
    store = await boot()
    equal(store.warnings, [])


async def test_copy_damaged_while_running_is_read_from_the_other():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    damage(SECURE + "/thing.1.rest")
    equal(store.load("thing"), (KEY, CERT))
    damage(SECURE + "/thing.1.copy")
    equal(raises(StorageError, lambda: store.load("thing")).code, "flash_failed")


async def test_record_under_another_name_is_not_taken():
    store = await new_board()
    await store.save("claim", b"claim")
    os.rename(SECURE + "/claim.1.copy", SECURE + "/roots.9.copy")
    store = await boot()
    equal(store.load("roots"), None)


async def test_what_a_newer_firmware_wrote_is_left_for_it():
    store = await new_board()
    esp32.NVS("awsesp").set_blob("notes", b"aw\x02 a later format")
    store = await boot()
    equal(store.load("notes"), None)
    buffer = bytearray(50)
    size = esp32.NVS("awsesp").get_blob("notes", buffer)
    equal(bytes(buffer[:size]), b"aw\x02 a later format")


async def test_foreign_files_are_left_alone_and_do_no_harm():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    foreign = ("thing", "thing.copy", "thing.x.copy", "thing.01.copy", "thing.1.other", "notes.txt", "a.1.copy")
    for name in foreign:
        with open(SECURE + "/" + name, "w") as file:
            file.write("foreign")
    os.mkdir(SECURE + "/thing.7.copy")
    with open(SECURE + "/thing.8.copy", "w") as file:
        file.write("aw")
    with open(SECURE + "/roots.3.rest", "w") as file:
        file.write("left over")
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))
    left = os.listdir(SECURE)
    equal([name for name in foreign if name not in left], [])
    equal("roots.3.rest" in left or "thing.8.copy" in left, False)


async def test_full_file_system_refuses_what_needs_it_and_keeps_the_old():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    await store.save("code", b"0123456789")
    fill_files()
    equal((await raises(StorageError, store.save("roots", b"", bytes(16000)))).code, "flash_full")
    equal((await raises(StorageError, store.save("thing", b"new", bytes(6000)))).code, "flash_full")
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))
    equal(store.load("roots"), None)
    await store.save("code", b"9876543210")  # NVS has it
    store = await boot()
    equal(store.load("code"), (b"9876543210", b""))


async def test_full_nvs_refuses_and_keeps_the_old():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    fill_nvs(300)
    failure = await raises(StorageError, store.save("thing", b"n" * 1200, CERT))
    equal(failure.code, "flash_full")
    equal("nnn" in str(failure), False)
    equal(files("thing"), ["thing.1.copy", "thing.1.rest"])
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))
    await store.save("code", b"0123456789")  # it is not full for small ones
    equal(store.load("code"), (b"0123456789", b""))


async def test_all_records_at_once_fit_beside_the_radio_on_an_ota_board():
    store = await new_board()
    esp32.NVS("nvs.net80211").set_blob("all", bytes(80 * 32))  # the simulated radio keeps its calibration only
    for round_number in range(3):
        for name, (share, most) in RECORDS.items():
            if name != "erasing":
                secret = bytes([round_number]) * share
                await store.save(name, secret, b"r" * min(most - share, 1500))
    store = await boot()
    for name, (share, _) in RECORDS.items():
        if name != "erasing":
            equal(store.load(name)[0], b"\2" * share)
    await store.erase_all([name for name in RECORDS if name != "erasing"])


async def test_no_storage_at_all_is_an_error():
    await new_board()
    taken = esp32.NVS

    def broken(namespace):
        raise OSError(-4353, "ESP_ERR_NVS_NOT_INITIALIZED")

    esp32.NVS = broken
    try:
        failure = await raises(StorageError, flash.Flash(events.Bus(), ROOT).start())
    finally:
        esp32.NVS = taken
    equal(failure.code, "flash_failed")


async def test_settings_file_is_read_as_it_is():
    store = await new_board()
    with open(ROOT + "/settings.json", "wb") as file:
        file.write(b'{"schema": 1}\r\n')
    equal(store.settings_file(), b'{"schema": 1}\r\n')


# The user's 256 bytes


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
