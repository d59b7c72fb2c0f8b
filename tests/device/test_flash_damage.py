"""Flash when storage is damaged, erased, full, foreign or not there: what is left is used, mended or told."""

import os

import esp32
import simulation

import events
import flash
import flash_blobs
import flash_records
from errors import StorageError
from flash_blobs import RECORDS
from flash_board import ROOT, SECURE, boot, chip, damage, erase_nvs, files, fill_files, fill_nvs, new_board
from harness import equal, raises

TIMEOUT_S = 30
KEY = b"k" * 1220
CERT = b"c" * 1400


async def test_all_of_it_comes_back_when_the_chip_erased_nvs():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    await store.save("code", b"0123456789")
    await store.write(0, b"mine")
    await store.flush()
    erase_nvs()
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


async def test_newer_copy_wins_whichever_it_is():
    store = await new_board()
    nvs = simulation.board.nvs_flash
    await store.save("code", b"old")
    old = bytes(nvs.bytes)
    await store.save("code", b"new")
    new = bytes(nvs.bytes)
    nvs.bytes[:] = old
    equal((await boot()).load("code"), (b"new", b""))
    nvs.bytes[:] = new
    store = await boot()
    await store.save("code", b"newest")
    os.remove(SECURE + "/code.3.copy")
    equal((await boot()).load("code"), (b"newest", b""))


async def test_newer_copy_is_read_though_nvs_has_no_room_to_mend_the_older_one():
    store = await new_board()
    nvs = simulation.board.nvs_flash
    await store.save("settings", b"o" * 1000)
    old = bytes(nvs.bytes)
    await store.save("settings", b"n" * 1000)
    nvs.bytes[:] = old
    chip().power_cycle()
    fill_nvs()
    store = await boot()
    equal(any("cannot be written again" in warning for warning in store.warnings), True)
    equal(store.load("settings"), (b"n" * 1000, b""))


async def test_what_had_no_room_for_its_second_copy_has_one_after_the_next_start():
    store = await new_board()
    await store.save("settings", b"o" * 1000)
    fill_files()
    raises(OSError, lambda: [fill(n) for n in range(32)])  # the last blocks, too
    await store.save("settings", b"n" * 1000)
    equal((files("settings"), len(store.warnings)), (["settings.1.copy"], 1))
    store = await boot()
    equal((files("settings"), store.warnings), (["settings.2.copy"], ["settings: its spare copy was written again"]))
    erase_nvs()
    equal((await boot()).load("settings"), (b"n" * 1000, b""))


def fill(n):
    with open(ROOT + "/filler%d" % n, "wb") as file:
        file.write(bytes(1000))


async def test_an_older_copy_stays_while_the_new_one_cannot_be_written():
    store = await new_board()
    await store.save("code", b"old")
    await store.save("code", b"new")
    os.rename(SECURE + "/code.2.copy", SECURE + "/code.1.copy")
    with open(SECURE + "/code.1.copy", "wb") as file:
        file.write(flash_blobs.encode("code", 1, b"old", b"")[0])
    os.mkdir(SECURE + "/code.2.copy")  # it fails, and not for want of room
    store = await boot()
    equal(any("code has no second copy" in warning for warning in store.warnings), True)
    equal(any("written again" in warning for warning in store.warnings), False)
    equal((store.load("code"), "code.1.copy" in files("code")), ((b"new", b""), True))


async def test_record_under_another_name_is_not_taken():
    store = await new_board()
    await store.save("claim", b"claim")
    os.rename(SECURE + "/claim.1.copy", SECURE + "/roots.1.copy")
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
    equal((files("roots"), files("thing")), ([], ["thing.1.copy", "thing.1.rest"]))
    store = await boot()
    equal(store.load("thing"), (KEY, CERT))
    equal(store.load("roots"), None)
    await store.save("code", b"9876543210")  # NVS has it
    store = await boot()
    equal(store.load("code"), (b"9876543210", b""))


async def test_full_nvs_refuses_and_keeps_the_old():
    store = await new_board()
    await store.save("thing", KEY, CERT)
    os.remove(SECURE + "/thing.1.copy")  # as where there was no room for a second copy
    fill_nvs(300)
    failure = await raises(StorageError, store.save("thing", b"n" * 1200, CERT))
    equal(failure.code, "flash_full")
    equal("nnn" in str(failure), False)
    equal(files("thing"), ["thing.1.rest"])
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


async def test_old_copy_under_the_name_of_a_newer_one_is_not_taken():
    store = await new_board()
    await store.save("code", b"old")
    with open(SECURE + "/code.1.copy", "rb") as file:
        old = file.read()
    await store.save("code", b"new")
    with open(SECURE + "/code.9.copy", "wb") as file:
        file.write(old)
    equal((await boot()).load("code"), (b"new", b""))


async def test_what_is_larger_than_any_record_of_its_name_takes_no_memory():
    store = await new_board()
    blob, _ = flash_blobs.encode("code", 1, b"", bytes(33))
    equal(flash_blobs.decode("code", blob), None)
    with open(SECURE + "/code.1.copy", "wb") as file:
        file.write(bytes(1000))
    equal(flash_records.read(store, "code", 1, "copy"), None)


async def test_nothing_is_erased_while_the_list_of_it_cannot_be_kept():
    store = await new_board()
    for name in ("notes", "code"):
        await store.save(name, b"kept")
    nvs = store._nvs

    class Worn:
        def set_blob(self, name, value):
            raise OSError(-4353, "ESP_ERR_NVS_NOT_INITIALIZED")

        def __getattr__(self, name):
            return getattr(nvs, name)

    store._nvs = Worn()
    equal((await raises(StorageError, store.erase_all(("notes", "code")))).code, "flash_failed")
    store._nvs = nvs
    equal((store.load("notes")[0], store.load("code")[0]), (b"kept", b"kept"))
