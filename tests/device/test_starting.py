"""INIT on a flash that takes nothing any more: the device works all the same, for only there it can be mended."""

import json

import errors
import events
import notes
import starting
from fakes import Flash, Group
from harness import equal, raises


class Full(Flash):
    """No room for anything."""

    async def save(self, name, secret, bulk=b""):
        raise errors.error("flash_full", name)


class Slot:
    """What ota.slot says of a board that went back to its first slot."""

    @staticmethod
    def name():
        return "ota_0"

    @staticmethod
    def is_on_trial():
        return False


class System:
    """What `_decide` needs of the head."""

    failure = restart_reason = reason = None
    trial = False
    NOBODY_CAME = "nobody came"
    application = "somebody's"

    def __init__(self, **kept):
        self.flash = Full(**{name: (b"", json.dumps(kept[name]).encode()) for name in kept})
        record = Group(in_a_row=lambda: 1, number=lambda: 3)
        self.heap = {"gc_free": 300000, "idf_largest": 60000}
        self.board = Group(start_record=lambda: record, reset_cause=lambda: "hard", heap=lambda: self.heap)
        self.settings = Group(missing=lambda known: [], pins=Group(button=None), limits=Group(starts=5, trials=3))
        self.identity = Group(known=lambda: True, trial=None, rotating=False)
        self.bus = events.Bus()
        self.slot = lambda: Slot


async def test_config_is_opened_once():
    system = System(notes={"into": "CONFIG", "windows": 2})
    equal(await starting._decide(system), "config_requested")
    equal(await starting._decide(system), "ready")


async def test_who_holds_the_button_comes_before_an_update_that_waits():
    job = {"id": "j", "version": "1.1.0", "floor": "1.0.0", "slot": "ota_1", "stage": "wanted", "starts": 0}
    system = System(update={"floor": "1.0.0", "failed": [], "job": job})
    equal(await starting._decide(system), "update_delayed")
    system.settings.pins.button = 9
    system.board.button_held = lambda pin: pin == 9
    equal(await starting._decide(system), "config_requested")


async def test_a_stuck_button_keeps_no_update_from_the_device():
    job = {"id": "j", "version": "1.1.0", "floor": "1.0.0", "slot": "ota_1", "stage": "wanted", "starts": 0}
    system = System(update={"floor": "1.0.0", "failed": [], "job": job})
    system.settings.pins.button, system.board.button_held = 9, lambda pin: True
    system.restart_reason = system.NOBODY_CAME
    equal(await starting._decide(system), "update_delayed")
    system.application, system.restart_reason = None, system.reason
    equal(await starting._decide(system), "update_accepted")


async def test_who_holds_the_button_in_a_start_for_an_update_finds_config_open_though_he_lets_go():
    system = System()
    system.flash, system.application = Flash(), None
    system.settings.pins.button, system.board.button_held = 9, lambda pin: True
    equal(await starting._decide(system), "config_requested")
    system.application, system.board.button_held = "somebody's", lambda pin: False
    equal(await starting._decide(system), "config_requested")
    equal(await starting._decide(system), "ready")


async def test_an_update_waits_until_the_device_is_a_thing_whose_settings_are_proven():
    job = {"id": "j", "version": "1.1.0", "floor": "1.0.0", "slot": "ota_1", "stage": "wanted", "starts": 0}
    for changes in ({"known": lambda: False}, {"trial": "none"}, {"rotating": True}):
        system = System(update={"floor": "1.0.0", "failed": [], "job": job})
        for name in changes:
            setattr(system.identity, name, changes[name])
        equal(await starting._decide(system), "ready")


async def test_an_update_that_went_back_does_not_end_in_idle():
    job = {"id": "j", "version": "1.1.0", "floor": "1.0.0", "slot": "ota_1", "stage": "trial", "trials": 1}
    system = System(update={"floor": "1.0.0", "failed": [], "job": job})
    equal(await starting._decide(system), "ready")


async def test_a_reset_that_was_promised_is_not_forgotten_for_want_of_room():
    system = System(notes={"into": "CONFIG", "reset": "all"})
    await raises(errors.StorageError, notes.change(system.flash, into=None))
    equal(notes.read(system.flash)["reset"], "all")
    await raises(errors.StorageError, notes.change(system.flash, windows=3))


async def test_a_new_image_that_lacks_settings_is_left_by_a_restart_that_is_wanted():
    class Trial(Slot):
        @staticmethod
        def is_on_trial():
            return True

    system = System()
    system.flash = Flash()
    system.slot = lambda: Trial
    system.settings.missing = lambda known: ["a Wi-Fi network"]
    equal(await starting._decide(system), "trial_failed")
    equal("a Wi-Fi network" in system.reason, True)


async def test_where_memory_was_short_it_becomes_a_thing_before_its_application_and_only_then():
    for known, enrol_first in ((False, True), (True, False)):
        system = System(notes={"enrol_first": True})
        system.identity = Group(known=lambda known=known: known)
        equal((await starting._decide(system), system.enrol_first), ("ready", enrol_first))


async def test_on_a_small_heap_it_becomes_a_thing_before_its_application_at_once():
    for gc_free, known, enrol_first in ((106000, False, True), (106000, True, False), (120000, False, False)):
        system = System()
        system.identity = Group(known=lambda is_known=known: is_known)
        system.heap = {"gc_free": gc_free, "idf_largest": 60000}  # of which 60000 are TLS's
        equal((await starting._decide(system), system.enrol_first), ("ready", enrol_first))


async def left_out(row, starved):
    """The system after its settings were read at this start of a row; no memory for those `starved`."""
    system = System()
    system.flash, system.file_is_good = Flash(candidate=(b"", b""), settings=(b"", b"")), True
    system.flash.settings_file = lambda: None
    record = Group(in_a_row=lambda: row)
    system.board = Group(start_record=lambda: record)

    def load(what):
        if what in starved:
            raise MemoryError
        return what

    before = starting._load_candidate, starting._load, starting._drop_candidate
    starting._load_candidate = lambda system, record: load("candidate")
    starting._load = lambda system, record: load("confirmed" if record else "file")

    async def drop(system):
        await system.flash.erase("candidate")

    starting._drop_candidate = drop
    try:
        await starting._load_settings(system)
    finally:
        starting._load_candidate, starting._load, starting._drop_candidate = before
    return system


async def test_new_settings_for_which_there_is_no_memory_are_left_out_but_not_at_once_and_those_that_worked_never():
    for row in (1, 2):  # it may be there at the next start
        await raises(MemoryError, left_out(row, ("candidate",)))
    system = await left_out(3, ("candidate",))
    equal((system.settings, sorted(system.flash.kept)), ("confirmed", ["settings"]))
    equal("too large for the memory" in system.failure.message, True)
    await raises(MemoryError, left_out(9, ("candidate", "confirmed")))


def test_a_form_of_the_firmware_for_which_memory_lacks_is_refused():
    system = System()
    system.heap = {"gc_free": 108000, "gc_allocated": 60000}  # as an ESP32 without PSRAM has it
    file = starting.__file__
    try:
        starting.__file__ = "/lib/starting.py"
        equal(unfit(system), "as sources")
        starting.__file__ = "/lib/starting.mpy"
        equal(unfit(system), "compiled with its long names")
        for fit in ("/_/starting.mpy", "starting.py"):  # in the archive, and frozen into an image
            starting.__file__ = fit
            equal(starting._unfit_form(system.board), None)
        starting.__file__ = file
        system.heap["gc_free"] = 4000000
        equal(starting._unfit_form(system.board), None)
    finally:
        starting.__file__ = file


def unfit(system):
    error = starting._unfit_form(system.board)
    equal(error.code, "unfit_form")
    return error.message.split(" here ")[1].split(",")[0]
