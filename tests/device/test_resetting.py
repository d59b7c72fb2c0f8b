"""What a reset forgets, and what of the device it leaves, on a real file system."""

import os

import resetting
from flash_board import ROOT, boot, new_board
from harness import equal

FACTORY = ("code", "clock", "update")
PERSONAL = ("candidate", "thing", "pending", "notes", "job", "wanted")


class Console:
    log = None


class System:
    console = Console()

    def __init__(self, store):
        self.flash = store


async def after_reset(what):
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
    await resetting.erase(System(store), what)
    store = await boot()
    records = [name for name in FACTORY + PERSONAL + ("claim", "roots", "settings") if store.load(name)]
    return records, sorted(os.listdir(ROOT)), store.read(0, 1)


async def test_settings_go_with_the_messages_that_wait_and_leave_files_and_data():
    equal(await after_reset("settings"), (list(FACTORY) + ["claim", "roots"], ["files", "secure"], b"u"))


async def test_all_goes_but_what_the_factory_gave():
    equal(await after_reset("all"), (list(FACTORY), ["secure"], b"\0"))
