"""Runs inside MicroPython: the download of an update. Prints a JSON object as its last line.

update.py IMAGE <port> <size> speed       per_s of an update; ratio: of the same download to nowhere; stall_ms
update.py IMAGE <port> <size> update      held: bytes of heap in the middle of an update
update.py IMAGE <port> <size> connection  held: the same, of a connection that reads as many bytes, and no more
update.py IMAGE 0 0 signature             times: a check of a signature, as a multiple of `work`; stall_ms

IMAGE: a ROMFS image whose folder "lib" holds the firmware, compiled; "" where it is on the path already.
"""

import asyncio
import gc
import json
import os
import sys
import time


def mount(path):
    import vfs

    rom = bytearray(os.stat(path)[6])
    with open(path, "rb") as file:
        file.readinto(rom)
    vfs.mount(vfs.VfsRom(rom), "/in_place")
    sys.path.insert(0, "/in_place/lib")


if sys.argv[1]:
    mount(sys.argv[1])

from aws.connector import Connector  # noqa: E402

HOST = "peer.bench"
URL = "https://%s:%d/%d"
SECTOR = 4096
RUNS = 10


class Timeouts:
    connect_s = 10
    stall_s = 10


class Partition:
    """The next slot, as a file, erased."""

    def __init__(self, size):
        self._size = (size + SECTOR - 1) // SECTOR * SECTOR
        with open("slot", "wb") as file:
            for _ in range(self._size // 256):
                file.write(b"\xff" * 256)
        self._file = open("slot", "r+b")  # noqa: SIM115 - for as long as the program runs

    def ioctl(self, operation, argument):
        return {4: self._size // SECTOR, 5: SECTOR}.get(operation)

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * SECTOR + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer):
        self._file.seek(block * SECTOR)
        self._file.write(buffer)


class Clock:
    """Ticks beside the work; `longest_ms` is how long it had to wait for its turn."""

    def __init__(self):
        self.longest_ms = 0

    async def tick(self):
        last_us = time.ticks_us()
        while True:
            await asyncio.sleep_ms(0)
            now_us = time.ticks_us()
            self.longest_ms = max(self.longest_ms, time.ticks_diff(now_us, last_us) / 1000)
            last_us = now_us


async def resolve(host, beat=None):
    return "127.0.0.1"


def connector():
    with open("root", "rb") as file:
        return Connector([file.read()], resolve, Timeouts)


async def update(port, size, partition, look=lambda: None):
    from ota.update import Update

    made = Update(connector().connect, partition, size, Timeouts)
    await made.fetch(URL % (HOST, port, size), look)
    return made


async def whole(port, size, partition):
    """All of it, until the slot could be switched."""
    await (await update(port, size, partition)).digest()


async def download(port, size):
    """The same way through TLS and HTTP, with the loop kept as free, into a buffer that nobody looks at."""
    from ota.https import Answer

    buffer = bytearray(SECTOR)
    view = memoryview(buffer)
    answer = Answer(connector().connect, buffer, 10000)
    await answer.open(URL % (HOST, port, size))
    left = size - answer.ready
    while left:
        wanted = min(left, SECTOR)
        filled = 0
        while filled < wanted:
            filled += answer.take(view[filled:wanted]) or await answer.wait()
        left -= filled
        await asyncio.sleep_ms(0)
    answer.close()


async def connection(port, size, look):
    link = await connector().connect(HOST, port, b"GET /%d HTTP/1.1\r\n\r\n" % size)
    buffer = bytearray(512)
    while size > 0:
        count = link.stream.readinto(buffer)
        if count is None:
            await link.more()
        else:
            size -= count
            look()
    link.close()


def make_room_for_names():
    """Let the interpreter's table of names grow now: it does so by one or two KB, at whoever fills the last of them."""
    somebody, number, held = Timeouts(), 0, gc.mem_alloc()
    while gc.mem_alloc() < held + SECTOR // 4:
        setattr(somebody, "name_%d" % number, None)
        delattr(somebody, "name_%d" % number)
        number += 1
        gc.collect()


async def timed(work, *arguments):
    started_us = time.ticks_us()
    await work(*arguments)
    return time.ticks_diff(time.ticks_us(), started_us) / 1000000


async def speed(port, size):
    """Both in turns, so that what else the machine does meets both; the median of what one is of the other."""
    updates, downloads = [], []
    clock = Clock()
    for _ in range(RUNS):
        downloads.append(await timed(download, port, size))
        ticking = asyncio.create_task(clock.tick()) if len(updates) == RUNS - 1 else None
        partition = Partition(size)
        updates.append(await timed(whole, port, size, partition))
        if ticking:
            ticking.cancel()
            updates.pop()  # the clock has slowed it down
    os.remove("slot")
    ratios = sorted([downloads[n] / updates[n] for n in range(len(updates))])
    return {
        "per_s": size / min(updates),
        "ratio": ratios[len(ratios) // 2],
        "stall_ms": clock.longest_ms,
    }


def work():
    """A fixed load for the interpreter: 1000 products of 256-bit numbers."""
    value = 1 << 255
    for number in range(1000):
        value = value * (value ^ number) >> 256 | 1 << 255


async def signature():
    from hashlib import sha256

    from ota.signature import verify

    key, digest, signed = [bytes.fromhex(text) for text in VECTOR]
    clock = Clock()
    checks, works = [], []
    for _ in range(3 * RUNS):
        started_us = time.ticks_us()
        work()
        works.append(time.ticks_diff(time.ticks_us(), started_us))
        checks.append(await timed(verify, key, sha256(digest).digest(), signed) * 1000000)
    ticking = asyncio.create_task(clock.tick())
    await asyncio.sleep_ms(0)
    good = await verify(key, sha256(digest).digest(), signed)
    ticking.cancel()
    if not good:
        raise ValueError("the signature does not verify")
    return {"times": min(checks) / min(works), "ms": min(checks) / 1000, "stall_ms": clock.longest_ms}


async def main(port, size, what):
    if what == "signature":
        return await signature()
    if what == "speed":
        return await speed(port, size)
    make_room_for_names()
    held = [0]

    def look():
        gc.collect()
        held[0] = max(held[0], gc.mem_alloc())

    if what == "update":
        await update(port, size, Partition(size), look)
    else:
        await connection(port, size, look)
    return {"held": held[0]}


# Public key, message, signature: those of the documentation of updates.
VECTOR = (
    "04766e178acfec34f36856f52bba9e3ea1cc6be130fbe91f577679f96a99a0d200954f55c6b0190da1f6b3ed1325a7d25a8e"
    "3e73a2f03be6ffa359ec1b9abe5817",
    "6177736573702d6f74612d310a6b310a6f74610a312e322e300a65737033320a343039360a63386635643033343164353464"
    "3935316137316231333665366532616663623134643131656438343839613761653132366138666565306466366563663139"
    "330a312e302e300a30",
    "304502203d9b7f7948f2d1dccc1d4b81eb837ef8c7780b6c5f266438000c98c843c2f96c022100eb553974404c6871712156"
    "5fbebe5432676fa09bb896df772026b31e06069c38",
)

print(json.dumps(asyncio.run(main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))))
