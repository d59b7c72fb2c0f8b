"""How much of the flash is read: littlefs reads all of a folder's block for each name that is looked up, and twice for
each that is listed. On a chip a read takes some 25 us, in which nothing else happens."""

import flash_board
from harness import equal

RECORDS = ("thing", "claim", "settings", "update", "notes", "job")


async def written_board():
    store = await flash_board.new_board()
    for name in RECORDS:
        for _ in range(3):
            await store.save(name, b"secret", b"bulk" * 15)
    return store


class Reads:
    """Counts the reads of the file system's flash while it is entered."""

    def __enter__(self):
        self.count = 0
        self._memory = memory = flash_board.chip()._memory
        self._read = read = memory.read

        def counted(offset, buffer):
            self.count += 1
            return read(offset, buffer)

        memory.read = counted
        return self

    def __exit__(self, *_):
        self._memory.read = self._read


async def test_a_start_lists_the_folder_once_and_not_for_each_record():
    await written_board()
    with Reads() as reads:
        await flash_board.boot()
    equal(reads.count < 4000, True)  # 19,000 where each record lists it


async def test_a_save_lists_no_folder():
    store = await written_board()
    with Reads() as reads:
        await store.save("notes", b"secret", b"bulk" * 15)
    equal(reads.count < 400, True)  # 1,200 where it looks for what it replaces
