"""Flash under power cuts, at every write of NVS and of littlefs, whole and torn: the old value or the new one.

After each cut the board starts again; then NVS is erased, as the port does when it finds it full, and it starts once
more: so both copies are asked.
"""

import os

import errors
import events
import flash
from flash_board import ROOT, boot, chip, erase_nvs, is_done_before_cut, new_board
from harness import equal, raises

TIMEOUT_S = 120
OLD = b"k" * 1220, b"c" * 1400
NEW = b"K" * 1210, b"C" * 2100
MANY = ("settings", "candidate", "thing", "user")


async def value_of_both_copies(read):
    """The value that `read` gives; it is the same with NVS erased, and again at the next start."""
    value = read(await boot())
    erase_nvs()
    equal(read(await boot()) == value, True)
    last = await boot()
    equal(read(last) == value, True)
    equal(last.warnings, [])
    return value


async def check_cuts(prepare, action, read, old, new, least):
    """Cut at every write of `action`: `read` then gives `old` or `new`, each of them at least once."""
    await prepare(await new_board())
    before = chip().snapshot()
    for torn in (False, True):
        found, is_done = [], False
        while not is_done:
            chip().restore(before)
            is_done = await is_done_before_cut(action, await boot(), len(found) + 1, torn)
            value = await value_of_both_copies(read)
            if value not in (old, new):
                raise AssertionError("neither old nor new after write %d" % (len(found) + 1))
            found.append(value == new)
        equal((found[0], found[-1]), (False, True))
        equal(found, sorted(found))  # once it is new it stays new
        if len(found) <= least:
            raise AssertionError("only %d writes: were they counted?" % len(found))


async def test_saving_over_an_old_record():
    async def prepare(store):
        await store.save("thing", *OLD)

    async def action(store):
        await store.save("thing", *NEW)

    await check_cuts(prepare, action, lambda store: store.load("thing"), OLD, NEW, 40)


async def test_saving_for_the_first_time():
    async def prepare(_store):
        pass

    async def action(store):
        await store.save("thing", *NEW)

    await check_cuts(prepare, action, lambda store: store.load("thing"), None, NEW, 30)


async def test_a_record_that_is_erased_is_there_or_gone():
    async def prepare(store):
        await store.save("thing", *OLD)

    async def action(store):
        await store.erase("thing")

    await check_cuts(prepare, action, lambda store: store.load("thing"), OLD, None, 4)


async def test_user_data_is_old_or_new_as_a_whole():
    old, new = bytes(range(256)), bytes(reversed(range(256)))

    async def prepare(store):
        await store.write(0, old)
        await store.flush()

    async def action(store):
        await store.write(0, new)
        await store.flush()

    await check_cuts(prepare, action, lambda store: store.read(0, 256), old, new, 12)


async def test_erasing_several_is_one_step():
    def read(store):
        return [store.load(name) for name in MANY] + [store.read(0, 4)]

    async def prepare(store):
        for name in MANY[:3]:
            await store.save(name, *OLD)
        await store.write(0, b"mine")
        await store.flush()

    async def action(store):
        await store.erase_all(MANY)

    old = [OLD, OLD, OLD, (b"mine" + bytes(252), b""), b"mine"]
    await check_cuts(prepare, action, read, old, [None] * 4 + [bytes(4)], 25)


async def test_erasing_records_and_folders_is_one_step():
    def read(store):
        found = [store.load("thing"), len(store.queue("outbox"))]
        return found + [name in os.listdir(ROOT) for name in ("files", "outbox", "mine")]

    async def prepare(store):
        await store.save("thing", *OLD)
        store.queue("outbox").append(b"one")
        for name in ("files", "files/a", "files/a/b", "mine"):
            os.mkdir("%s/%s" % (ROOT, name))
        for name in ("files/1", "files/a/2", "files/a/b/3"):
            with open("%s/%s" % (ROOT, name), "w") as file:
                file.write(name)

    async def action(store):
        await store.erase_all(("/files", "thing", "/outbox"))

    await check_cuts(prepare, action, read, [OLD, 1, True, True, True], [None, 0, False, False, True], 15)


async def test_folders_of_many_files_are_forgotten_and_those_that_are_not_there():
    store = await new_board()
    queue = store.queue("outbox")
    for number in range(150):
        queue.append(b"%d" % number)
    await store.erase_all(("/files", "/outbox"))
    equal(os.listdir(ROOT), ["secure"])


async def test_a_folder_that_cannot_be_erased_is_told_and_stops_no_start():
    store = await new_board()
    with open(ROOT + "/files", "w") as file:
        file.write("no folder")
    equal((await raises(errors.StorageError, store.erase_all(("/files",)))).code, "flash_failed")
    store = await boot()
    equal(["not all gone" in warning for warning in store.warnings], [True])
    os.remove(ROOT + "/files")
    equal([(await boot()).warnings, (await boot()).load("erasing")], [[], None])


async def test_power_that_goes_again_while_the_start_mends():
    store = await new_board()
    await store.save("thing", *OLD)
    await store.save("code", b"0123456789")
    # NVS erased by the port, the file of the rest damaged: everything has to be written again.
    erase_nvs()
    with open(ROOT + "/secure/thing.1.rest", "wb") as file:
        file.write(b"damaged")
    worst = chip().snapshot()

    async def start(_store):
        await flash.Flash(events.Bus(), ROOT).start()

    for torn in (False, True):
        cut, is_done = 0, False
        while not is_done:
            cut += 1
            chip().restore(worst)
            is_done = await is_done_before_cut(start, None, cut, torn)
            store = await boot()
            equal(store.load("thing"), OLD)
            equal(store.load("code"), (b"0123456789", b""))
        equal(cut > 20, True)


async def test_power_that_goes_again_and_again_while_records_are_erased():
    store = await new_board()
    for name in ("thing", "settings"):
        await store.save(name, *OLD)
    cut = 12

    async def erase(store):
        await store.erase_all(("thing", "settings"))

    async def start(store):
        await store.start()

    equal(await is_done_before_cut(erase, store, cut, False), False)
    is_done = False
    while not is_done:
        cut += 1
        chip().power_cycle()
        is_done = await is_done_before_cut(start, flash.Flash(events.Bus(), ROOT), cut, False)
    store = await boot()
    equal((store.load("thing"), store.load("settings")) in ((None, None), (OLD, OLD)), True)
    equal(store.load("erasing"), None)
