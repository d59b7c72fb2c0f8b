"""What a reset forgets, and what of the device it leaves, on a real file system."""

import asyncio
import os

import notes
import resetting
import settings
import starting
from errors import StorageError
from fakes import Group
from flash_board import ROOT, boot, chip, fill_files, fill_nvs, is_done_before_cut, new_board
from harness import equal, raises

FACTORY = ("code", "clock", "update")
PERSONAL = ("candidate", "thing", "pending", "notes", "job", "wanted")


class Console:
    log = None


class System:
    """What a reset, and INIT's decision, need of the head."""

    console = Console()
    failure = slot = trial = None

    def __init__(self, store):
        self.flash = store
        self.settings = Group(missing=lambda known: ["a Wi-Fi network"])
        self.identity = Group(known=lambda: False)


async def after_reset(what, is_full=False):
    """(records, folders, first byte of the user's) of a device that had all of them."""
    store = await new_board()
    for name in FACTORY + PERSONAL + ("claim", "roots"):
        await store.save(name, b"x")
    await store.save("settings", b'{"schema": 1, "aws": {"endpoint": "a.example"}}')
    await store.write(0, b"u")
    await store.flush()
    store.queue("outbox").append(b"what the owner before had to say")
    os.mkdir(ROOT + "/files")
    with open(ROOT + "/files/song.wav", "w") as file:
        file.write("la")
    if is_full:
        fill_nvs()
        fill_files()
    await resetting.erase(System(store), what)
    store = await boot()
    records = [name for name in FACTORY + PERSONAL + ("claim", "roots", "settings") if store.load(name)]
    return records, sorted(os.listdir(ROOT)), store.read(0, 1)


async def test_settings_go_with_the_messages_that_wait_and_leave_files_and_data():
    equal(await after_reset("settings"), (list(FACTORY) + ["claim", "roots"], ["files", "secure"], b"u"))


async def test_all_goes_but_what_the_factory_gave():
    equal(await after_reset("all"), (list(FACTORY), ["secure"], b"\0"))


async def test_a_flash_without_any_room_can_be_reset():
    left = list(FACTORY) + ["claim", "roots"]
    equal(await after_reset("settings", is_full=True), (left, ["files", "filler", "secure"], b"u"))
    equal(await after_reset("all", is_full=True), (list(FACTORY), ["filler", "secure"], b"\0"))


async def test_what_stays_of_the_settings_is_kept_on_a_flash_without_any_room():
    store = await new_board()
    for name in PERSONAL:
        await store.save(name, b"x", b"y" * 2000)
    fleet = {"networks": [{"ssid": "home", "password": None}], "aws": {"template": "fleet", "endpoint": "a.example"}}
    await store.save("settings", *settings.to_record(fleet))
    fill_nvs()
    fill_files()
    await resetting.erase(System(store), "settings")
    store = await boot()
    equal([name for name in PERSONAL if store.load(name)], [])
    equal(settings.from_record(*store.load("settings"))["aws"], {"template": "fleet"})


async def test_what_another_task_notes_meanwhile_does_not_have_it_done_twice():
    for rounds in range(8):
        store = await new_board()
        await store.save("thing", b"x")
        erasing = asyncio.create_task(resetting.erase(System(store), "all"))
        for _ in range(rounds):
            await asyncio.sleep_ms(0)
        await notes.change(store, windows=1)
        await erasing
        equal((rounds, notes.read(store).get("reset")), (rounds, None))


async def test_a_reset_is_done_as_a_whole_by_the_next_start_whenever_the_power_goes():
    store = await new_board()
    for name in PERSONAL:
        await store.save(name, b"x", b"y")
    fleet = {"networks": [{"ssid": "home", "password": None}], "aws": {"template": "fleet", "endpoint": "a.example"}}
    await store.save("settings", *settings.to_record(fleet))
    before = chip().snapshot()
    found, is_done = [], False
    while not is_done:
        chip().restore(before)
        store = await boot()
        cut = len(found) + 1
        is_done = await is_done_before_cut(lambda _: resetting.erase(System(store), "settings"), store, cut, torn=True)
        store = await boot()
        equal(await starting._decide(System(store)), "settings_incomplete")
        left = [name for name in PERSONAL if store.load(name)]
        has_networks = "networks" in settings.from_record(*store.load("settings"))
        equal((left, has_networks) in (([], False), (list(PERSONAL), True)), True)
        found.append(not left)
    equal((found[0], found[-1], found == sorted(found), len(found) > 20), (False, True, True, True))


async def test_what_cannot_be_erased_does_not_take_later_settings_with_it():
    store = await new_board()
    await store.save("thing", b"x")
    with open(ROOT + "/files", "w") as file:
        file.write("where the folder would be")
    await raises(StorageError, resetting.erase(System(store), "all"))
    equal(store.load("thing"), None)
    await store.save("settings", b"the next owner's")
    for _ in range(2):
        store = await boot()
        equal(store.load("settings"), (b"the next owner's", b""))
    os.remove(ROOT + "/files")
    store = await boot()
    equal(store.load("erasing"), None)
