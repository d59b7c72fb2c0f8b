"""A device that is updated, in one process: the real head, flash and slots, a cloud of a few lines, and no waiting.

    desk = Desk()                  version 1.0.0 in the first of two slots, on a board that was never used
    desk.send("1.1.0")             a job, signed, with the image behind its link
    desk.live()                    one start: "restart", "cut" (of the power), or "calm" when `until` is true
    desk.live_on()                 start after start, until the job has ended

Time is virtual: whoever sleeps wakes up at once, and a start is over after `limit_s` of it.
"""

import asyncio
import hashlib

import machine
import simulation
from esp32 import Partition
from simulated import firmware

import board
import flash_board
import release
from flash import Flash
from harness import equal
from jobs_desk import JobsCloud
from ota import keys, slot
from ota.update import Update
from quick_life import Clock, Over, keep_modules, nothing
from signing import public_key, signed
from system import System
from update_board import enrolled_board, write_settings
from update_hands import Asker, Aws, Link, Wifi

SLOT = 0x10000
SIZE = 32768
_PRIVATE = {"k1": 7, "k2": 8}


class Desk:
    """`cloud`: the jobs; `world`: what is reachable; `applications`: version -> coroutine function."""

    def __init__(self, application=None, **settings):
        keep_modules()
        self._clock = Clock()
        asyncio.new_event_loop()
        asyncio.run(enrolled_board())
        simulation.board.use_slots(SLOT)
        keys.KEYS.update({kid: public_key(_PRIVATE[kid]) for kid in _PRIVATE})
        self.cloud = JobsCloud()
        self.is_reachable = True  # the cloud
        self.has_wifi = True
        self.images = {}  # path -> bytes
        self.faults = []  # of the downloads to come: a function (desk, Link), or an exception that connecting raises
        self.asked = []  # (path, where the range began)
        self.links = 0  # made for documents so far
        self.applications = {}
        self.system = None
        self.connections = 0  # to the cloud, that were begun in this start
        self.starts = []  # the version of each start
        self.refuses = None  # the version that the cloud does not let in
        self.breaks = None  # the version whose INIT fails
        self.boot_begins_updates = True  # False: boot.py is an older one
        self._later = []  # (seconds of virtual time, function)
        self._application = application or _idle
        self._answer, self.cloud._seen = self.cloud._seen, self._with_link
        write_settings(settings)

    # Releases

    def document(self, name, image=None, sign_with="k1", **changes):
        """The signed document of a version, whose image is behind its link; `changes` are made before it is signed."""
        image = image or self.image(name)
        self.images["/" + name] = image
        fields = {
            "operation": "ota",
            "version": name,
            "hardware": "esp32",
            "url": "https://images.test/%s?link=0" % name,
            "size": len(image),
            "sha256": hashlib.sha256(image).digest().hex(),
            "min_version": "1.0.0",
            "kid": sign_with,
        }
        fields.update(changes)
        return signed(fields, _PRIVATE[sign_with])

    @staticmethod
    def image(version, size=SIZE):
        """An image that starts, of this size."""
        return firmware.build(version, b"", bytes(range(256)) * (size // 256 - 4))

    def send(self, document, job_id="job-1", **changes):
        """A job for the device: of a document, or of a version, with its image."""
        if isinstance(document, str):
            document = self.document(document, **changes)
        self.cloud.add(job_id, document)

    def _with_link(self, execution, document):
        # A fresh link whenever somebody asks for the document.
        seen = self._answer(execution, document)
        if "jobDocument" in seen and "url" in seen["jobDocument"]:
            self.links += 1
            seen["jobDocument"] = dict(seen["jobDocument"], url=seen["jobDocument"]["url"] + str(self.links))
        return seen

    def status(self, job_id="job-1"):
        """(status, reason) of a job in the cloud."""
        return self.cloud.status(job_id), self.cloud.details(job_id).get("reason")

    def cancel(self, job_id):
        """As an operator does it."""
        self.cloud.executions[job_id]["status"] = "CANCELED"
        self.cloud.executions[job_id]["versionNumber"] += 1
        if self.system.aws:
            self.system.aws.news()

    def find_wifi(self):
        """It is back."""
        self.has_wifi = True

    # Life

    def at(self, seconds, do):
        """Call `do()` so many seconds of virtual time from now. A document that it sends is made before: signing has an
        event loop of its own, and the device's would be lost."""
        self._later.append((self._clock.skew_ms + seconds * 1000, do))

    def slots(self):
        """What both slots hold."""
        return self.snapshot()[1]

    def version(self):
        """Of the image in the slot that runs."""
        return firmware.Image(simulation.board.piece(slot.name()), SLOT).version

    def switch_by_hand(self, version):
        """Somebody else writes the other slot, and the chip starts from it next: no job, no record."""
        other = Partition("ota_1")
        image = self.image(version)
        other.writeblocks(0, image + bytes(-len(image) % 4096))
        other.set_boot()
        flash_board.chip().power_cycle()

    def live(self, until=None, cut=None, torn=False, limit_s=900):
        """One start of the device. `until`: a function that ends it; `cut`: the flash write at which the power goes."""
        release.VERSION = self.version()
        self.starts.append(release.VERSION)
        self.connections = 0
        end_ms = self._clock.skew_ms + limit_s * 1000

        def look():
            for entry in list(self._later):
                if self._clock.skew_ms >= entry[0]:
                    self._later.remove(entry)
                    entry[1]()
            if (until and until()) or self._clock.skew_ms > end_ms:
                raise Over

        self._clock.look = look
        simulation.board.flash.cut_at(cut, torn)
        try:
            while True:
                self._run()
        except simulation.Restarted:
            cause = simulation.board.reset_cause
            flash_board.chip().power_cycle()
            simulation.board.reset_cause = cause
            return "restart"
        except (simulation.PowerCut, Over) as end:
            flash_board.chip().power_cycle()
            return "cut" if isinstance(end, simulation.PowerCut) else "calm"
        finally:
            self._clock.look = nothing

    def _run(self):
        """As boot.py and main.py, until a soft reset."""
        asyncio.new_event_loop()
        keep_modules()
        try:
            board.start_record().count()
            self.system = self._system()
            self.system.run()
        except SystemExit:
            simulation.board.reset_cause = machine.SOFT_RESET

    def live_on(self, most=12, job_id="job-1"):
        """Start after start until the job has ended and the device is calm; returns how many there were."""
        for count in range(1, most + 1):
            if self.live(lambda: self.has_ended(job_id)) == "calm" and self.has_ended(job_id):
                return count
        raise AssertionError("the job is %s after %d starts" % (self.status(job_id), most))

    def has_ended(self, job_id="job-1"):
        """Whether the cloud knows how the job ended."""
        return self.cloud.status(job_id) not in ("QUEUED", "IN_PROGRESS")

    def _system(self):
        return System(
            board,
            self._flash,
            lambda bus, settings: Wifi(self, bus),
            self._aws,
            None if self._is_for_update() else self.applications.get(release.VERSION, self._application),
            slot=lambda: slot,
            update=self._update,
        )

    def _is_for_update(self):
        # As boot.py, unless somebody has put an older one there.
        if board.reset_cause() == "soft" or not self.boot_begins_updates:
            return False
        return board.start_record().last_clean_reason()[:8] == "update: "

    def _aws(self, bus, settings, resolve, stand_in=None):
        self.connections += 1
        return (Asker if stand_in == "asker" else Aws)(self, bus, settings)

    def _flash(self, bus):
        if self.breaks == release.VERSION:
            raise RuntimeError("no flash")
        return Flash(bus, flash_board.ROOT)

    def _update(self, system, size, buffer):
        return Update(self._connect, slot.switch().next_slot(), size, system.settings.timeouts, buffer)

    async def _connect(self, host, port, request):
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        link = Link(self, request)
        self.asked.append((link.path, link.start))
        if fault:
            fault(link)
        return link

    # All of it, to come back to

    def snapshot(self):
        """The flash with its slots, and what the bootloader has started."""
        chip = simulation.board
        slots = {name: {at: bytes(block) for at, block in chip._pieces[name]._blocks.items()} for name in chip._pieces}
        return flash_board.chip().snapshot(), slots, (chip.running, chip.reset_cause)

    def restore(self, snapshot):
        """As it was, just started."""
        chip = simulation.board
        flash_board.chip().restore(snapshot[0])
        for name, blocks in snapshot[1].items():  # last: that was a start, which the bootloader takes note of
            chip._pieces[name]._blocks = {at: bytearray(block) for at, block in blocks.items()}
        chip.running, chip.reset_cause = snapshot[2]


def given_up(desk, reason, status="FAILED", starts=2):
    """The device works with what it had, and the cloud knows why."""
    equal(desk.live_on(), starts)
    equal(desk.status(), (status, reason))
    equal(desk.live(limit_s=100), "calm")
    equal((desk.starts[-1], desk.system.mode), ("1.0.0", "NORMAL"))


def tried(application, **settings):
    """A desk whose version 1.1.0 is about to be tried, with this application."""
    desk = Desk(**settings)
    if application:
        desk.applications["1.1.0"] = application
    desk.send("1.1.0")
    equal((desk.live(), desk.live()), ("restart", "restart"))
    return desk


def went_back(desk, reason):
    """Version 1.0.0 works, the job has failed, and 1.1.0 does not come again."""
    desk.live_on()
    equal(desk.status(), ("FAILED", reason))
    equal(desk.live(limit_s=100), "calm")
    equal(desk.version(), "1.0.0")


def is_refused(desk):
    desk.send("1.1.0", "job-2")
    desk.live_on(job_id="job-2")
    return desk.status("job-2") == ("REJECTED", "failed_here")


async def crashes(device):
    await asyncio.sleep(1)
    raise RuntimeError("the sensor is not there")


async def _idle(device):
    while True:
        await asyncio.sleep(60)
