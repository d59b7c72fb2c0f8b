"""Who the device is for the cloud: which credentials count, and when new ones are believed or thrown away."""

import builtins
import sys

import errors
import identity as identity_module
import records
from chip_ticks import DAY_MS, Ticks
from fakes import Flash, Group
from harness import equal, raises
from identity import Identity


def credentials(name):
    return records.pack({"key": b"key of " + name.encode()}), records.pack({"name": name, "cert": b"cert"})


def settings(thing=None, refused_s=0):
    return Group(aws=Group(thing="from-file"), thing=thing, claim=None, timeouts=Group(refused_s=refused_s))


def test_the_confirmed_thing_comes_before_the_pending_one_and_both_before_the_file():
    pair = Group(cert=b"file cert", key=b"file key")
    both = Identity(Flash(thing=credentials("new"), pending=credentials("newer")), settings(pair))
    equal(both.current(), ("new", b"cert", b"key of new"))
    pending = Identity(Flash(pending=credentials("newer")), settings(pair))
    equal(pending.current()[0], "newer")
    equal(Identity(Flash(), settings(pair)).current(), ("from-file", b"file cert", b"file key"))
    equal(Identity(Flash(), settings()).known(), False)


def test_a_pending_certificate_without_a_thing_is_no_identity_yet():
    claimed = records.pack({"key": b"key", "token": "t"}), records.pack({"cert": b"cert", "time": 5})
    equal(Identity(Flash(pending=claimed), settings()).known(), False)


async def test_pending_credentials_are_confirmed_once_the_cloud_was_reached():
    flash = Flash(pending=credentials("lamp"))
    identity = Identity(flash, settings())
    identity.current()
    await identity.confirm()
    equal(sorted(flash.kept), ["thing"])
    equal(identity.current()[0], "lamp")


async def test_a_pending_certificate_that_is_refused_again_and_again_is_thrown_away():
    flash = Flash(pending=credentials("lamp"))
    identity = Identity(flash, settings())
    identity.current()
    equal([await_(identity, "cert_refused") for _ in range(4)], [False] * 4)
    equal(await identity.refused("cert_refused"), True)
    equal(flash.kept, {})


async def test_refusals_that_are_days_apart_count_all_the_same():
    flash = Flash(pending=credentials("lamp"))
    identity = Identity(flash, settings(refused_s=60))
    identity.current()
    clock = Ticks()

    def working():
        work = before()
        work.time = clock
        return work

    before, identity_module._credentials = identity_module._credentials, working
    try:
        for _ in range(4):
            equal(await identity.refused("cert_refused"), False)
        clock.now_ms += 8 * DAY_MS
        equal(await identity.refused("cert_refused"), True)
    finally:
        identity_module._credentials = before


async def test_it_is_kept_while_the_refusals_are_young():
    flash = Flash(pending=credentials("lamp"))
    identity = Identity(flash, settings(refused_s=60))
    identity.current()
    for _ in range(20):
        equal(await identity.refused("cert_refused"), False)
    equal(sorted(flash.kept), ["pending"])


async def test_a_missing_policy_or_a_lost_connection_throws_nothing_away():
    flash = Flash(pending=credentials("lamp"))
    identity = Identity(flash, settings())
    identity.current()
    for code in ("not_authorised", "connection_lost", "server_cert_expired") * 5:
        equal(await identity.refused(code), False)
    equal(sorted(flash.kept), ["pending"])


async def test_confirmed_credentials_are_never_thrown_away():
    flash = Flash(thing=credentials("lamp"))
    identity = Identity(flash, settings())
    identity.current()
    for _ in range(20):
        equal(await identity.refused("cert_refused"), False)
    equal(sorted(flash.kept), ["thing"])


def await_(identity, code):
    """The result of a coroutine that never waits."""
    try:
        identity.refused(code).send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


async def test_the_credentials_that_a_candidate_brings_are_used_and_the_old_ones_stay_until_they_worked():
    pair = Group(cert=b"new cert", key=b"new key")
    flash = Flash(thing=credentials("old"), candidate=(b"{}", b""), settings=(b"old", b""))
    identity = Identity(flash, settings(pair), "thing")
    equal(identity.current(), ("from-file", b"new cert", b"new key"))
    equal(sorted(flash.kept), ["candidate", "settings", "thing"])
    await identity.confirm()
    equal((sorted(flash.kept), flash.kept["settings"]), (["settings"], (b"{}", b"")))
    equal((identity.current()[0], identity.trial), ("from-file", None))


async def test_a_new_claim_is_used_though_the_device_is_a_thing_already():
    flash = Flash(thing=credentials("old"), candidate=(b"{}", b""))
    identity = Identity(flash, settings(), "claim")
    equal(identity.known(), False)
    flash.kept["pending"] = credentials("new")
    equal(identity.current()[0], "new")
    await identity.confirm()
    equal((sorted(flash.kept), identity.current()[0]), (["settings", "thing"], "new"))


async def test_a_candidate_without_credentials_of_its_own_uses_those_there_are():
    flash = Flash(thing=credentials("old"), candidate=(b"{}", b""))
    identity = Identity(flash, settings(), "none")
    equal(identity.current()[0], "old")
    await identity.confirm()
    equal(sorted(flash.kept), ["settings", "thing"])


async def test_to_confirm_takes_none_of_the_memory_for_reading_settings():
    sys.modules.pop("candidate", None)
    imported, before = [], builtins.__import__

    def noted(name, *more):
        imported.append(name)
        return before(name, *more)

    identity = Identity(Flash(candidate=(b"{}", b"")), settings(), "none")
    builtins.__import__ = noted
    try:
        await identity.confirm()
    finally:
        builtins.__import__ = before
    equal("credentials" in imported, True)
    equal([name for name in imported if name[:8] in ("candidat", "settings")], [])


def test_credentials_whose_copies_are_both_damaged_are_as_good_as_none():
    class Damaged(Flash):
        def load(self, name):
            if name == "thing":
                raise errors.error("flash_failed", "reading thing", "both copies are damaged")
            return super().load(name)

    equal(Identity(Damaged(), settings()).known(), False)
    equal(Identity(Damaged(pending=credentials("newer")), settings()).current()[0], "newer")


class FullFlash(Flash):
    async def save(self, name, secret, bulk=b""):
        raise errors.error("flash_failed", name, "no room")


async def test_a_flash_that_keeps_nothing_costs_one_certificate_and_no_more():
    class Cloud:
        asked = 0

        async def provision(self, template, parameters, claim, pending, keep, beat):
            self.asked += 1
            await keep({"cert": b"cert", "key": b"key", "token": "token", "time": 0})

    fields = settings()
    fields.claim, fields.hardware = Group(cert=b"claim", key=b"key"), "esp32"
    fields.aws.template, fields.aws.parameters = "fleet", {}
    identity, cloud = Identity(FullFlash(), fields), Cloud()
    for _ in range(3):
        await raises(errors.StorageError, identity.enrol(cloud, "serial", None))
    equal(cloud.asked, 1)
