"""Downloads an image into the next slot, over as many connections as it takes.

Loaded in mode OTA only. Nothing here decides whether an update is wanted; nothing is erased before `fetch`.
"""

import asyncio

import errors

from .https import Answer
from .writer import Writer


class Update(Writer):
    """An image of `size` bytes on its way into `partition`. `connect`: see https.py; `at`: bytes that are on flash.

    With `size` None it is what the server says. `timeouts` are those of lib/settings.py; `buffer`: see writer.py.
    """

    def __init__(self, connect, partition, size, timeouts, buffer=None):
        super().__init__(partition, size or 0, buffer)
        self._connect = connect
        self._stall_ms = int(timeouts.stall_s * 1000)
        self._check_room()

    def _check_room(self):
        room = self.partition.ioctl(4, 0) * self.partition.ioctl(5, 0)
        if self.size > room:
            raise errors.error("image_too_large", self.size, room)

    async def fetch(self, url, progress):
        """Download what is missing from `url`, by one connection, calling `progress()` for each sector that is written.

        Returns when all is on flash. Errors: `download_failed`, `link_expired` and those of a connection, after which
        another `fetch` goes on where this one ended; `download_refused`, `flash_failed`, and a server's certificate
        that is not good.
        """
        if self.size and self.at == self.size:
            return  # downloaded by an earlier start; servers refuse a range that begins at the end
        answer = Answer(self._connect, self.buffer, self._stall_ms)
        try:
            await self._open(answer, url)
            await self._take(answer, progress)
        finally:
            answer.close()

    async def _open(self, answer, url):
        await answer.open(url, self.at, self.size)
        if not answer.total:  # nothing would be written, and the slot holds an older version
            raise errors.error("download_refused", "an empty file")
        if not self.size:
            self.size = answer.total
            self._check_room()
        if answer.total != self.size:
            raise errors.error("download_refused", "%d bytes instead of %d" % (answer.total, self.size))
        if answer.start < self.at:
            self.go_on(answer.start)  # a server without ranges, or of larger ones
        if answer.start != self.at:
            raise errors.error("download_refused", "another range than was asked for")

    async def _take(self, answer, progress):
        view = self.view
        filled = answer.ready
        wanted = self.wanted()
        while wanted:
            while filled < wanted:
                filled += answer.take(view[filled:wanted]) or await answer.wait()
            self.put(wanted)
            progress()
            await asyncio.sleep_ms(0)
            filled = 0
            wanted = self.wanted()
