"""Months: the ticks of the chip wrap around every 12.4 days, and whoever compares two of them sees 6 days at most."""

import asyncio
import gc
import json

import simulation

import board
import flash_board
import notes
from ble_desk import Visitor
from harness import equal
from long_life import DAY, LongLife

HEAP = "8m"
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
    life = LongLife(lamp.run, aws={"endpoint": "broker.test", "status": "lamp/status"})

    async def story(life):
        life.begun = life.now()
        await life.until(lambda: life.of("aws.connected"), "the first connection")
        await life.days(7)
        life.cloud.hang_up()
        await life.until(lambda: len(life.of("aws.connected")) == 2, "the second connection")
        await life.days(6)
        await life.cloud.say("lamp/say", b"after 13 days")
        await life.until(lambda: lamp.heard, "a message")
        await lamp.device.aws.publish("lamp/heard", "yes", qos=1, timeout_s=5)
        await lamp.device.flash.write(0, b"data")
        for jump_s in (3600, 0):  # forth, and back
            simulation.world.ntp_offset_s = jump_s
            await life.days(1)
            equal(abs(life.system.wifi.now() - life.now() - jump_s) <= 2, True)
        await life.days(25)
        life.cloud.add("job-1", {"operation": "blink"})
        await life.cloud.announce()
        await life.until(lambda: life.cloud.status("job-1") == "SUCCEEDED", "a job")
        equal(abs(board.uptime_ms() // 1000 - (life.now() - life.begun)) <= 2, True)
        equal(abs(life.system.wifi.now() - life.now()) <= 2, True)

    equal(life.live(story), "over")
    equal(lamp.heard, [b"after 13 days", "job-1"])
    equal([data["code"] for data in life.of("aws.disconnected")], ["connection_lost"])
    equal(len(life.of("clock.set")) in range(76, 82), True)
    status = [json.loads(payload) for topic, payload in life.cloud.heard if topic == "lamp/status"]
    equal([round((told["timestamp"] / 1000 - life.begun) / DAY) for told in status], [0, 7])
    equal((life.of("task.failed"), life.of("wifi.disconnected"), life.of("publish.dropped")), ([], [], []))
    flash_board.chip().power_cycle()
    store = flash_board.flash.Flash(life.system.bus, flash_board.ROOT)
    asyncio.run(store.start())
    equal(store.read(0, 4), b"data")


def test_weeks_of_losses_leave_nothing_behind():
    lamp, taken = Lamp(), []
    life = LongLife(lamp.run, health={"every_s": 300, "to": "defender"})

    async def story(life):
        await life.until(connected(life), "the first connection")
        for week in range(9):
            await life.days(7)
            life.home.kick() if week % 2 else life.cloud.hang_up()
            await asyncio.sleep(90)
            await lamp.device.aws.publish("lamp/week", str(week), qos=1)
            life.cloud.add("job-%d" % week, {"operation": "blink"})
            await life.cloud.announce()
            await life.until(lambda: len(lamp.heard) == 1, "a job")
            await asyncio.sleep(10)
            for grown in (life.told, life.cloud.heard, life.cloud.asked, lamp.heard):
                del grown[:]
            life.cloud.executions.clear()
            gc.collect()
            taken.append(gc.mem_alloc())

    equal(life.live(story), "over")
    equal((life.system.aws.connections, max(taken[5:]) - max(taken[1:5]) < 2000), (10, True))


def test_a_network_that_is_away_for_eight_days():
    life, ends = LongLife(), []

    async def story(life):
        if not life.told:
            await life.until(connected(life), "the first connection")
            life.home.vanish()
            life.back = life.now() + 8 * DAY
        await life.days((life.back - life.now()) / DAY)
        del life.told[:]
        life.home.back()
        await life.until(connected(life), "the connection", 600)

    while not ends or ends[-1] != "over":
        ends.append(life.live(story, 3600 * len(ends)))
    equal(10 < len(ends) < 40, True)  # CONFIG opens less and less often, but once a day: no start sees more than that


def test_a_phone_that_comes_to_config_after_weeks():
    life = LongLife(networks=[], security="open")

    async def story(life):
        begun = life.now()
        for days in (7, 6, 27):
            await life.days(days, 6000)
            visitor = Visitor(512)
            await life.until(lambda: life.system.ble._phone, "the phone")
            equal(abs((await visitor.ask("STS"))["uptime_s"] - (life.now() - begun)) <= 2, True)
            visitor.phone.disconnect()
            await life.until(lambda: not life.system.ble._phone, "its end")

    equal((life.live(story), life.system.mode), ("over", "CONFIG"))
    equal(life.of("task.failed"), [])


def test_the_overflows_of_2034_2036_and_2038():
    for overflow in (2**30 + 946684800, 2**32 - 2208988800, 2**31):  # of time.time() beyond a small int, of NTP, of C
        life = LongLife(date=overflow - DAY)

        async def story(life):
            await life.until(connected(life), "the connection")
            await life.days(2)
            equal(abs(life.system.wifi.now() - life.now()) <= 2, True)
            equal(notes.last_known_time(life.system.flash) > overflow - 2 * DAY, True)

        equal((life.live(story), life.of("aws.disconnected")), ("over", []))
        del life.told[:]
        flash_board.chip().power_cycle()

        async def again(life):
            await life.until(connected(life), "the connection")
            equal(abs(life.system.wifi.now() - life.now()) <= 2, True)

        equal(life.live(again), "over")


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


def test_a_time_server_that_goes_astray_moves_no_clock_that_the_cloud_has_confirmed():
    life = LongLife()

    async def story(life):
        await life.until(connected(life), "the connection")
        await asyncio.sleep(5)  # it is asked for jobs, and tells the time
        simulation.world.ntp_offset_s = 20 * 365 * DAY
        await life.days(2)
        equal(abs(life.system.wifi.now() - life.now()) <= 2, True)
        life.cloud.hang_up()
        await life.until(connected(life, 1), "the next connection")

    equal(life.live(story), "over")
    equal([data["code"] for data in life.of("aws.disconnected")], ["connection_lost"])


def test_a_time_server_that_is_behind_is_asked_again_at_once():
    life = LongLife()
    life.tls.begins = life.now() - 3600

    async def story(life):
        simulation.world.ntp_offset_s = -5 * DAY
        await life.until(lambda: life.of("aws.disconnected"), "a refusal")
        equal(life.of("aws.disconnected")[0]["code"], "server_cert_not_yet_valid")
        simulation.world.ntp_offset_s = 0
        await life.until(connected(life), "the connection")

    equal(life.live(story), "over")


def test_a_cloud_and_a_time_server_that_are_wrong_together_leave_nothing_behind():
    life = LongLife()

    async def misled(life):
        await life.until(connected(life), "the connection")
        simulation.world.ntp_offset_s = life.cloud.wrong_s = 20 * 365 * DAY
        await life.days(1)
        await life.cloud.announce()
        await life.until(lambda: life.system.wifi.now() > life.now() + DAY, "the wrong time")
        await life.days(0.1)
        simulation.world.ntp_offset_s = life.cloud.wrong_s = 0

    async def healed(life):
        await life.until(connected(life), "the connection")

    equal(life.live(misled), "over")
    del life.told[:]
    flash_board.chip().power_cycle()
    equal(life.live(healed), "over")
