"""What a device of the soak runs. It says on its console what it begins and what it was promised; nothing else counts.

Two workers publish and wait for the acknowledgement, one keeps its messages in the outbox on flash. Every line ends
with a full stop: what a power cut has shortened is no promise.
"""

import asyncio
import gc

import awsesp
import errors

PUBLISH_S = 20
SIZES = (0, 40, 3, 700, 150, 1900, 11)  # bytes of padding: within one packet's buffer, and beyond it


async def application(device):
    flash, aws = device.flash, device.aws
    print("soak: found %d." % int.from_bytes(flash.read(4, 4), "little"))
    life = 1 + int.from_bytes(flash.read(0, 4), "little")
    await flash.write(0, life.to_bytes(4, "little"))
    await flash.flush()  # before it is used: no number is given twice
    print("soak: life %d." % life)
    await aws.subscribe("devices/%s/down" % device.name, 1, heard)
    workers = [Worker(device, life, name) for name in ("a", "b", "k")]
    work = [worker.run() for worker in workers]
    await asyncio.gather(watch_heap(device, workers), remember(flash), *work)


def heard(message):
    number, size, padding = bytes(message.payload).split(b" ")
    print("soak: heard %d%s." % (int(number), "" if padding == b"x" * int(size) else " broken"))


class Worker:
    """Publishes one message after the other; "k" with `keep`."""

    def __init__(self, device, life, name):
        self.idle = asyncio.Lock()
        self._device = device
        self._topic = "devices/%s/up" % device.name
        self._keep = name == "k"
        self._word = "kept" if self._keep else "acked"
        self._name = "%s%d" % (name, life)
        self._number = 0

    async def run(self):
        while True:
            async with self.idle:
                await self._publish()
            await asyncio.sleep_ms(700)

    async def _publish(self):
        self._number += 1
        name = "%s/%d" % (self._name, self._number)
        size = SIZES[self._number % len(SIZES)]
        print("soak: begin %s." % name)
        try:
            payload = "%s %d %s" % (name, size, "x" * size)
            await self._device.aws.publish(self._topic, payload, qos=1, timeout_s=PUBLISH_S, keep=self._keep)
            print("soak: %s %s." % (self._word, name))
        except errors.DeviceError as failure:
            print("soak: gave up %s %s." % (name, failure.code))


async def remember(flash):
    """The user's bytes must never go back behind what `flush` has promised."""
    number = int.from_bytes(flash.read(4, 4), "little")
    while True:
        number += 1
        await flash.write(4, number.to_bytes(4, "little"))
        await flash.flush()
        print("soak: flushed %d." % number)
        await asyncio.sleep(3)


async def watch_heap(device, workers):
    """What stays after a collection, while nobody publishes and nothing waits."""
    fill_names()
    begin_s = await settled(device)
    while True:
        for worker in workers:
            await worker.idle.acquire()
        if device.aws.is_connected and not device.aws.kept:
            gc.collect()
            print("soak: heap %d %d." % (now_s() - begin_s, gc.mem_alloc()))
        for worker in workers:
            worker.idle.release()
        await asyncio.sleep(4)


def fill_names():
    # The interpreter's table of names doubles, by 28 KB here, when it meets one too many: now, and not at some failure.
    for number in range(400):
        hasattr(device_names, "name_%d" % number)


def device_names():
    """Has none of the names that it is asked for."""


async def settled(device):
    await device.aws.connected()
    return now_s()


def now_s():
    import board

    return board.uptime_ms() // 1000


if __name__ == "__main__":
    awsesp.run(application)
