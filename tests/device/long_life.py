"""A whole device whose days are over in moments: the real head, flash, Wi-Fi, clock and MQTT, the simulated air, a
cloud in the same process, and the chip's ticks, which wrap around after 12.4 days.

    life = LongLife(application)
    life.live(story)              one start, in which `story(life)`, a coroutine function, says what the world does;
                                  "over" when it has ended, "restart" when the device restarted
    await life.days(7)            so long nothing comes from outside

While days pass the loop wakes once in ten minutes, as seldom as a keepalive of 20 minutes allows. TLS is left out, but
for the dates of the server's certificate: `life.tls`.
"""

import asyncio
import builtins
import json
import sys
from asyncio import core

import machine
import network
import simulation
import utime
from simulated import alone, wlan

import board
import flash_board
import pki
import records
import scripted_broker
from aws.client import Aws
from chip_ticks import PERIOD_MS, Ticks
from flash import Flash
from jobs_desk import JobsCloud
from quick_life import Over, keep_modules
from scripted_broker import Broker, publish
from system import System
from wifi import Wifi

THING = "lamp"
DAY = 86400
_STEP_S = 590
_CALM_MS = 100  # whoever waits for less is in the midst of something
_SETTINGS = {
    "schema": 1,
    "hardware": "esp32",
    "networks": [{"ssid": "home", "password": "secret12"}],
    "aws": {"endpoint": "broker.test"},
    "timeouts": {"keepalive_s": 1200, "job_jitter_s": 0, "config_s": 10},
    "health": {"every_s": 604800, "to": "defender"},
    "certs": [{"role": "ca", "cert": pki.ROOT_CERT}],
}

_look = core.IOQueue.wait_io_event


class Chip:
    """Stands in for `utime` in the simulated chip, and for the ticks of `time`, which wrap as on the chip."""

    ticks_add, ticks_diff, sleep_ms = utime.ticks_add, utime.ticks_diff, utime.sleep_ms

    def __init__(self):
        self.skew_ms = 0
        self.step_ms = 0
        self._before_ms = 0

    def install(self):
        time = board.time
        time.ticks_ms, time.ticks_diff, time.ticks_add = self._chip_ms, Ticks.ticks_diff, Ticks.ticks_add
        time.utime = alone.utime = machine.utime = self
        simulation.world.ticks = wlan._station._ticks = core.ticks = self.ticks_ms
        core.ticks_add = _core_add
        core.IOQueue.wait_io_event = self._wait
        builtins.__import__ = _import_once

    def begin(self, wraps_in_s):
        """Let the ticks of a new start wrap so soon, as they do after 12.4 days."""
        self._before_ms = PERIOD_MS - wraps_in_s * 1000 - self.ticks_ms()
        board._uptime[:] = [self._chip_ms(), 0]

    def ticks_ms(self):
        return utime.ticks_ms() + self.skew_ms

    def time_ns(self):
        return utime.time_ns() + self.skew_ms * 1000000

    def _chip_ms(self):
        return self.ticks_ms() + self._before_ms & PERIOD_MS - 1

    def _wait(self, wait_ms):
        if not wait_ms:
            return
        _look(core._io_queue, 0)
        if utime.ticks_diff(core._task_queue.peek().ph_key, self.ticks_ms()) > 0:
            self.skew_ms += max(wait_ms, self.step_ms) if wait_ms > _CALM_MS else wait_ms


def _core_add(ticks, delta):
    Ticks.ticks_add(0, delta)  # raises what the chip does
    return ticks + delta


_known = {}
_import = __import__


def _import_once(name, *details):
    # What the firmware lets go of is found again without being compiled, which would take most of the time.
    is_ours = "." not in name and (len(details) < 4 or not details[3])
    if is_ours and name in _known:
        sys.modules[name] = _known[name]
    found = _import(name, *details)
    if is_ours:
        _known[name] = found
    return found


class Device(System):
    """Beside it, in its loop, the cloud and what else happens."""

    async def _main(self):
        self.life.cloud.broker = broker = Broker(self.life.cloud.script)
        await broker.__aenter__()
        simulation.world.name("broker.test", broker.port)
        asyncio.create_task(self._live())
        await super()._main()

    async def _live(self):
        await self.story(self.life)
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

    async def script(self, peer):
        peer._reader.s.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: 40 ms are an hour here
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
    """`cloud`: a `Cloud`; `home`: the access point; `tls`: a `Tls`; `told`: (name, data) of all events."""

    def __init__(self, application=None):
        scripted_broker.PATIENCE_S = 400000
        keep_modules()
        asyncio.new_event_loop()
        asyncio.run(_enrolled_board())
        simulation.world.__init__()
        simulation.world.radio_factor = 0.01
        self.home = simulation.world.access_point("home", "secret12")
        self.home.latency_ms = 0
        network.WLAN().active(False)
        self._chip = Chip()
        self._chip.install()
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
        self.system = system = Device(board, _flash, Wifi, self._aws, self._application)
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

    async def days(self, count, step_s=_STEP_S):
        """Let them pass, in NORMAL `step_s` at a time."""
        end_s = self.now() + count * DAY
        while self.now() < end_s:
            await asyncio.sleep(1)
            self._chip.step_ms = step_s * 1000 if self.system.mode == "NORMAL" else 0
        self._chip.step_ms = 0

    async def until(self, condition, what, limit_s=3600):
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


async def _enrolled_board():
    store = await flash_board.new_board()
    await store.save("thing", records.pack({"key": b"key"}), records.pack({"name": THING, "cert": b"certificate"}))
    with open(flash_board.ROOT + "/settings.json", "w") as file:
        json.dump(_SETTINGS, file)
