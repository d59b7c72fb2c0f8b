"""Months: the ticks of the chip wrap around every 12.4 days, and whoever compares two of them sees 6 days at most."""

import asyncio

import simulation

import board
import flash_board
from harness import equal
from long_life import DAY, LongLife

HEAP = "32m"
TIMEOUT_S = 60


class Lamp:
    """An application that has all that takes time."""

    def __init__(self):
        self.heard = []
        self.device = None

    async def run(self, device):
        self.device = device
        await device.aws.subscribe("lamp/say", 1, self.hear)
        device.aws.jobs.on("blink", self.blink)
        while True:
            await asyncio.sleep(DAY)

    async def hear(self, message):
        self.heard.append(bytes(message.payload))

    async def blink(self, job):
        self.heard.append(job.id)


def test_months_in_normal():
    lamp = Lamp()
    life = LongLife(lamp.run)

    async def story(life):
        begun = life.now()
        await life.until(lambda: life.of("aws.connected"), "the first connection")
        await life.days(7)
        life.cloud.hang_up()
        await life.until(lambda: len(life.of("aws.connected")) == 2, "the second connection", 10)
        await life.days(6)
        await life.cloud.say("lamp/say", b"after 13 days")
        await life.until(lambda: lamp.heard, "a message", 2)
        await lamp.device.aws.publish("lamp/heard", "yes", qos=1, timeout_s=5)
        await lamp.device.flash.write(0, b"data")
        await life.days(27)
        life.cloud.add("job-1", {"operation": "blink"})
        await life.cloud.announce()
        await life.until(lambda: life.cloud.status("job-1") == "SUCCEEDED", "a job", 20)
        equal(abs(board.uptime_ms() // 1000 - (life.now() - begun)) <= 2, True)
        equal(abs(life.system.wifi.now() - life.now()) <= 2, True)

    equal(life.live(story), "over")
    equal(lamp.heard, [b"after 13 days", "job-1"])
    equal([data["code"] for data in life.of("aws.disconnected")], ["connection_lost"])
    equal(len(life.of("clock.set")) in range(76, 82), True)
    equal((life.of("task.failed"), life.of("wifi.disconnected"), life.of("publish.dropped")), ([], [], []))
    flash_board.chip().power_cycle()
    store = flash_board.flash.Flash(life.system.bus, flash_board.ROOT)
    asyncio.run(store.start())
    equal(store.read(0, 4), b"data")


def connected(life, after=0):
    return lambda: len(life.of("aws.connected")) > after


def test_a_time_server_that_lies_by_decades_keeps_the_device_offline_only_while_it_lies():
    for restarts in (False, True):
        life = LongLife()

        async def lied_to(life):
            simulation.world.ntp_offset_s = 20 * 365 * DAY
            await life.until(lambda: life.of("aws.disconnected"), "a refusal")
            equal(life.of("aws.disconnected")[0]["code"], "server_cert_expired")

        async def healed(life):
            if not restarts:
                await lied_to(life)
            simulation.world.ntp_offset_s = 0
            await life.until(connected(life), "the connection", 900)
            equal(abs(life.system.wifi.now() - life.now()) <= 2, True)

        if restarts:
            equal(life.live(lied_to), "over")
            life._restart()
        equal(life.live(healed), "over")


def test_a_time_server_that_is_behind_is_asked_again_at_once():
    life = LongLife()
    life.tls.begins = life.now() - 3600

    async def story(life):
        simulation.world.ntp_offset_s = -5 * DAY
        await life.until(lambda: life.of("aws.disconnected"), "a refusal")
        equal(life.of("aws.disconnected")[0]["code"], "server_cert_not_yet_valid")
        simulation.world.ntp_offset_s = 0
        await life.until(connected(life), "the connection", 60)

    equal(life.live(story), "over")


def test_a_cloud_and_a_time_server_that_are_wrong_together_leave_nothing_behind():
    life = LongLife()

    async def misled(life):
        await life.until(connected(life), "the connection")
        simulation.world.ntp_offset_s = life.cloud.wrong_s = 20 * 365 * DAY
        await life.days(1)
        await life.cloud.announce()
        await life.until(lambda: life.system.wifi.now() > life.now() + DAY, "the wrong time", 60)
        await life.days(0.1)
        simulation.world.ntp_offset_s = life.cloud.wrong_s = 0

    async def healed(life):
        await life.until(connected(life), "the connection", 60)

    equal(life.live(misled), "over")
    del life.told[:]
    flash_board.chip().power_cycle()
    equal(life.live(healed), "over")
