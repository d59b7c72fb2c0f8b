"""Candidate settings: what the power may do to them while they are saved, confirmed and dropped."""

import candidate
import config_ble
import errors
import events
import records
import settings
from flash_board import boot, chip, is_done_before_cut, new_board
from harness import equal, raises
from identity import Identity
from settings_types import Group

TIMEOUT_S = 120

FILE = '{"networks": [{"ssid": "factory", "password": null}], "aws": {"endpoint": "a.example"}}'
CFG = {"networks": [{"ssid": "home", "password": "a good password"}], "app": {"every_s": 5}}
OTHER = {"networks": [{"ssid": "other", "password": None}]}


class System:
    """What `candidate` needs of the head."""

    file_is_good = True

    def __init__(self, flash):
        self.flash = flash
        self.bus = events.Bus()
        self.settings = settings.load(FILE)
        self.identity = Identity(flash, self.settings)
        flash.settings_file = FILE.encode


def credentials(name):
    return records.pack({"key": b"key of " + name.encode()}), records.pack({"name": name, "cert": b"c" * 900})


def with_marker(marker, dat=CFG):
    document = settings.merged({}, "CFG", dat)
    if marker:
        document["identity"] = marker
    return document


def ssids(record):
    return [network["ssid"] for network in settings.from_record(*record)["networks"]] if record else None


async def new_system():
    return System(await new_board())


# What changes are laid on


async def test_changes_are_laid_on_the_candidate_else_on_the_confirmed_settings():
    system = await new_system()
    equal(candidate.base(system.flash), {})
    await system.flash.save("settings", *settings.to_record(with_marker("claim", OTHER)))
    base = candidate.base(system.flash)
    equal(([network["ssid"] for network in base["networks"]], base.get("identity")), (["other"], None))
    await candidate.save(system, settings.merged(base, "CFG", CFG), "test")
    equal(ssids(system.flash.load("candidate")), ["home", "other"])
    equal(ssids(system.flash.load("settings")), ["other"])
    equal(len(candidate.base(system.flash)["networks"]), 2)


async def test_what_another_firmware_wrote_is_no_base():
    system = await new_system()
    await system.flash.save("settings", *settings.to_record(with_marker(None, OTHER)))
    await system.flash.save("candidate", b'{"schema": 99}')
    equal([network["ssid"] for network in candidate.base(system.flash)["networks"]], ["other"])


async def test_what_is_missing_is_told_before_anything_is_saved():
    system = await new_system()
    failure = raises(Exception, lambda: candidate.check(system, with_marker(None)))
    equal((failure.code, "trusted root" in failure.message), ("settings_missing", True))


async def test_who_gave_it_is_told():
    system = await new_system()
    heard = system.bus.listen()
    await candidate.save(system, with_marker(None), "job")
    event = await heard.get()
    equal((event.name, event.data), ("settings.received", {"source": "job"}))


# Power cuts


async def check_every_cut(prepare, action, look):
    """`look(flash)` after a power cut at each write of `action(system)`; True: it is done. Once done it stays so."""
    await prepare(await new_system())
    before = chip().snapshot()
    found, is_done = [], False
    while not is_done:
        chip().restore(before)
        system = System(await boot())
        # Every write is torn: whole ones are the affair of test_flash_power.
        is_done = await is_done_before_cut(lambda _: action(system), system.flash, len(found) + 1, torn=True)
        found.append(look(await boot()))
    equal((found[0], found[-1]), (False, True))
    equal(found, sorted(found))
    equal(len(found) > 10, True)


async def test_power_cut_while_a_candidate_is_saved_keeps_the_old_or_the_new_one():
    for marker in (None, "claim"):

        async def prepare(system):
            await system.flash.save("settings", *settings.to_record(with_marker(None, OTHER)))
            await system.flash.save("pending", *credentials("begun"))

        def look(flash):
            equal(ssids(flash.load("settings")), ["other"])
            found = flash.load("candidate")
            equal(ssids(found) in (None, ["home"]), True)
            if found and marker:
                equal(flash.load("pending"), None)
            return found is not None

        await check_every_cut(prepare, lambda system: candidate.save(system, with_marker(marker), "test"), look)


async def test_power_cut_while_a_candidate_is_confirmed_only_delays_it():
    """Every start in between can go on: it has the new identity, or what it takes to confirm it once more."""

    async def prepare(system):
        await system.flash.save("settings", *settings.to_record(with_marker(None, OTHER)))
        await system.flash.save("thing", *credentials("old"))
        await candidate.save(system, with_marker("claim"), "test")
        await system.flash.save("pending", *credentials("new"))

    async def action(system):
        identity = Identity(system.flash, settings.load(FILE), "claim")
        identity.current()
        await identity.confirm()

    def look(flash):
        record = flash.load("candidate")
        identity = Identity(flash, settings.load(FILE), candidate.brings(record) if record else None)
        equal(identity.current()[0], "new")
        equal(ssids(record or flash.load("settings")), ["home"])
        return record is None and flash.load("pending") is None

    await check_every_cut(prepare, action, look)


async def test_power_cut_while_a_candidate_is_dropped_never_mixes_it_with_the_confirmed():
    async def prepare(system):
        await system.flash.save("settings", *settings.to_record(with_marker(None, OTHER)))
        await candidate.save(system, with_marker("claim"), "test")
        await system.flash.save("pending", *credentials("of another claim"))

    def look(flash):
        is_there = flash.load("candidate") is not None
        equal(is_there or flash.load("pending") is None, True)
        return not is_there

    await check_every_cut(prepare, lambda system: candidate.drop(system.flash), look)


# In CONFIG


async def test_in_config_it_counts_which_certificates_there_are_though_nobody_has_them():
    system = await new_system()
    found = system.settings
    equal(raises(errors.PersonError, lambda: candidate.check(system, {})).code, "settings_missing")
    found.roots, found.download_roots = [b"root"], None
    found.thing, found.claim = None, Group({"cert": b"cert", "key": b"key"})
    found.aws.template = "fleet"
    candidate.check(system, {})
    config_ble._drop_certificates(found)
    equal((found.roots, found.thing, found.claim.cert, found.claim.key), ([None], None, None, None))
    candidate.check(system, {})


async def test_what_a_refused_claim_had_begun_is_not_the_device_s_once_a_thing_s_certificate_was_tried_in_its_place():
    system = await new_system()
    await candidate.save(system, with_marker("claim"), "phone")
    await system.flash.save("pending", *credentials("of another account"))
    await candidate.save(system, with_marker("thing"), "phone")
    await candidate.drop(system.flash)
    equal(Identity(system.flash, settings.load(FILE)).current(), None)


async def test_new_claim_credentials_count_instead_of_the_thing_s_and_an_emptied_list_of_networks_hides_the_file_s():
    system = await new_system()
    found = system.settings
    found.roots, found.thing, found.aws.thing = [b"root"], Group({"cert": b"cert", "key": b"key"}), "lamp"
    candidate.check(system, {})
    failure = raises(errors.PersonError, lambda: candidate.check(system, {"identity": "claim"}))
    equal("credentials" in failure.message, True)
    emptied = settings.merged({}, "CFG", {"networks": None})
    failure = raises(errors.PersonError, lambda: candidate.check(system, emptied))
    equal("a Wi-Fi network" in failure.message, True)
