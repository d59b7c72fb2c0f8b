"""Flash: records are kept, replaced and erased; the settings file is read."""

from errors import BugError, StorageError
from flash_blobs import RECORDS
from flash_board import ROOT, boot, files, new_board
from harness import equal, raises

KEY = b"k" * 1220
CERT = b"c" * 1400


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
    for _ in range(2):  # at once, and after a start
        equal(store.load("thing"), (b"19", CERT))
        equal(files("thing"), ["thing.20.copy", "thing.20.rest"])
        store = await boot()


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


async def test_settings_file_is_read_as_it_is():
    store = await new_board()
    with open(ROOT + "/settings.json", "wb") as file:
        file.write(b'{"schema": 1}\r\n')
    equal(store.settings_file().read(), b'{"schema": 1}\r\n')
