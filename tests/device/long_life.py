"""A whole device whose days are over in moments: the real head, flash, Wi-Fi, clock and MQTT, the simulated air, a
cloud in the same process, and the chip's ticks, which wrap around after 12.4 days.

    life = LongLife(application)
    life.live(story)              one start, in which `story(life)`, a coroutine function, says what the world does;
                                  "over" when it has ended, "restart" when the device restarted
    await life.days(7)            so long nothing comes from outside

While days pass the loop wakes once in ten minutes, as seldom as a keepalive of 20 minutes allows: what counts its own
waits counts slowly then. TLS is left out, but for the dates of the server's certificate: `life.tls`.
"""

import asyncio
import json
import sys

import network
import simulation

import board
import flash_board
import pki
import records
import scripted_broker
from aws.client import Aws
from ble.server import Ble
from flash import Flash
from jobs_desk import JobsCloud
from quick_chip import Chip
from quick_life import Over, keep_modules
from scripted_broker import PUBLISH, Broker, publish
from system import System
from wifi import Wifi

THING = "lamp"
DAY = 86400
_SETTINGS = {
    "schema": 1,
    "hardware": "esp32",
    "networks": [{"ssid": "home", "password": "secret12"}],
    "aws": {"endpoint": "broker.test"},
    "timeouts": {"keepalive_s": 1200, "job_jitter_s": 0, "config_s": 5},
    "health": {"every_s": 604800, "to": "defender"},
    "certs": [{"role": "ca", "cert": pki.ROOT_CERT}],
}


class Device(System):
    """Beside it, in its loop, the cloud and what else happens."""

    async def _main(self):
        self.life.cloud.broker = broker = Broker(self.life.cloud.script)
        await broker.__aenter__()
        simulation.world.name("broker.test", broker.port)
        asyncio.create_task(self._live())
        await super()._main()

    async def _live(self):
        try:
            await self.story(self.life)
        except Exception as failure:  # noqa: BLE001 - nobody awaits this task: the start ends with it
            sys.print_exception(failure)
            raise Over(str(failure))
        raise Over


class Tls:
    """An SSLContext that looks at nothing but the dates of the server's certificate, unix seconds."""

    verify_callback = None

    def __init__(self, life):
        self.begins, self.ends = life.now() - DAY, life.now() + 365 * DAY
        self._life = life

    def wrap_socket(self, raw, server_hostname, do_handshake_on_connect):
        now = self._life.system.wifi.now()
        if now < self.begins:
            raise ValueError("\nThe certificate validity starts in the future\n")
        if now > self.ends:
            raise ValueError("\nThe certificate validity has expired\n")
        return raw


class Cloud(JobsCloud):
    """Jobs, and it tells the time as AWS does; `wrong_s` is added to that."""

    def __init__(self, life):
        super().__init__()
        self._life = life
        self.broker = None
        self.wrong_s = 0
        self.heard = []  # (topic, payload)

    async def script(self, peer):
        peer._reader.s.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: 40 ms are an hour here
        receive = peer.receive

        async def listen(kind=None):
            packet = await receive(kind)
            if packet is not None and packet.kind == PUBLISH:
                self.heard.append((packet.topic, packet.payload))
            return packet

        peer.receive = listen
        await super().script(peer)

    def _answer(self, end, document):
        return dict(super()._answer(end, document), timestamp=self._life.now() + self.wrong_s)

    async def say(self, topic, payload):
        """A message for the device."""
        for peer in self.peers:
            await peer.send(publish(topic, payload, 1))

    def hang_up(self):
        """Close the connection."""
        for serving in self.broker._running:
            serving.cancel()


class LongLife:
    """`cloud`: a `Cloud`; `home`: the access point; `tls`: a `Tls`; `told`: (name, data) of all events.

    `date`: unix seconds, when it begins, if not today; `settings` are laid over those of the file.
    """

    def __init__(self, application=None, date=None, **settings):
        scripted_broker.PATIENCE_S = 400000
        keep_modules()
        asyncio.new_event_loop()
        asyncio.run(_enrolled_board(settings))
        simulation.world.__init__()
        simulation.world.radio_factor = 0.01
        self.home = simulation.world.access_point("home", "secret12")
        self.home.latency_ms = 0
        network.WLAN().active(False)
        self._chip = Chip()
        self._chip.install()
        if date is not None:
            self._chip.skew_ms = (date - self.now()) * 1000
        simulation.board.use_chip_clock()
        self._application = application or _idle
        self.told = []
        self.system = None
        self.tls = Tls(self)
        self.cloud = Cloud(self)

    def live(self, story, wraps_in_s=60):
        """One start; the ticks wrap so soon after it."""
        asyncio.new_event_loop()
        keep_modules()
        self._chip.begin(wraps_in_s)
        board.start_record().count()
        self.system = system = Device(board, _flash, Wifi, self._aws, self._application, Ble)
        system.life, system.story = self, story
        told, tell = self.told, system.bus.tell

        def keep(event):
            told.append((event.name, event.data))
            tell(event)

        system.bus.tell = keep
        try:
            system.run()
        except Over as end:
            if end.args:
                raise AssertionError(end.args[0])
            return "over"
        except simulation.Restarted:
            self._restart()
            return "restart"
        finally:
            self._chip.step_ms = 0

    def _aws(self, bus, settings, resolve, stand_in=None):
        aws = Aws(bus, settings, resolve)

        def use(*credentials):
            Aws.use(aws, *credentials)
            aws._context = self.tls

        aws.use = use
        return aws

    @staticmethod
    def _restart():
        chip = simulation.board
        kept = chip.reset_cause, chip.rtc_memory, chip.clock_skew_ns
        flash_board.chip().power_cycle()
        chip.reset_cause, chip.rtc_memory, chip.clock_skew_ns = kept

    def now(self):
        """The true time, unix seconds."""
        return self._chip.time_ns() // 1000000000

    def of(self, name):
        """The data of the events of this name."""
        return [data for told, data in self.told if told == name]

    async def days(self, count, step_s=590):
        """Let them pass, `step_s` at a time."""
        end_s = self.now() + count * DAY
        self._chip.step_ms = step_s * 1000
        while self.now() < end_s:
            await asyncio.sleep(600)
        self._chip.step_ms = 0

    async def until(self, condition, what, limit_s=60):
        """Wait until `condition()` is true."""
        end_s = self.now() + limit_s
        while not condition():
            if self.now() > end_s:
                raise Over("%s did not come true" % what)
            await asyncio.sleep_ms(100)


def _flash(bus):
    return Flash(bus, flash_board.ROOT)


async def _idle(device):
    while True:
        await asyncio.sleep(DAY)


async def _enrolled_board(settings):
    store = await flash_board.new_board()
    await store.save("thing", records.pack({"key": b"key"}), records.pack({"name": THING, "cert": b"certificate"}))
    with open(flash_board.ROOT + "/settings.json", "w") as file:
        json.dump(dict(_SETTINGS, **settings), file)
