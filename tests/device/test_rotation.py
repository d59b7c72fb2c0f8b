"""Rotating the thing's certificate: whenever the power goes, the device starts with one that works."""

import errors
import records
from fakes import Group
from flash_board import boot, chip, is_done_before_cut, new_board
from harness import equal, raises
from identity import Identity

TIMEOUT_S = 120
OLD = ("lamp", b"c" * 900, b"old key")
NEW = {"name": "lamp", "cert": b"C" * 1100, "key": b"new key"}


def settings(claim=None, thing=None):
    aws = Group(template="fleet", parameters={}, thing="lamp")
    return Group(aws=aws, claim=claim, thing=thing, hardware="esp32", timeouts=Group(refused_s=0))


def claim_pair():
    return Group(cert=b"claim", key=b"claim key")


class Cloud:
    """Gives the new certificate in the two steps of provisioning; `name`: what its template calls the thing."""

    def __init__(self, name="lamp"):
        self.name = name
        self.claims = []

    async def provision(self, template, parameters, claim, pending, keep, beat):
        self.claims.append(claim)
        await keep({"cert": NEW["cert"], "key": NEW["key"], "token": "t" * 400, "time": 0})
        await keep({"cert": NEW["cert"], "key": NEW["key"], "name": self.name})


async def old_thing(flash):
    name, cert, key = OLD
    await flash.save("thing", records.pack({"key": key}), records.pack({"name": name, "cert": cert}))


def known(flash, claim=None):
    identity = Identity(flash, settings(claim))
    identity.current()
    return identity


async def test_new_credentials_are_tried_until_they_are_confirmed_and_the_old_ones_stay_till_then():
    flash = await new_board()
    await old_thing(flash)
    await known(flash).rotate(dict(NEW))
    identity = known(await boot())
    equal((identity.rotating, identity.current()), (True, ("lamp", NEW["cert"], NEW["key"])))
    await identity.confirm()
    equal(identity.rotating, False)
    after = known(await boot())
    equal((after.rotating, after.current()), (False, ("lamp", NEW["cert"], NEW["key"])))


async def test_taken_back_it_is_as_before():
    flash = await new_board()
    await old_thing(flash)
    await known(flash).rotate(dict(NEW))
    flash = await boot()
    equal(known(flash).rotating, True)
    await flash.erase("pending")
    identity = known(await boot())
    equal((identity.rotating, identity.current()), (False, OLD))


async def test_without_new_ones_the_claim_is_asked_and_only_for_the_same_thing():
    flash = await new_board()
    await old_thing(flash)
    await known(flash, claim_pair()).rotate({})
    identity = Identity(flash, settings(claim_pair()))
    equal(identity.known(), False)
    refused = await raises(errors.CloudError, identity.enrol(Cloud("another"), "serial", None))
    equal(refused.code, "claim_refused")
    cloud = Cloud()
    await identity.enrol(cloud, "serial", None)
    equal(cloud.claims, [(b"claim", b"claim key")])
    equal((identity.current(), identity.rotating), (("lamp", NEW["cert"], NEW["key"]), True))


async def test_the_credentials_of_the_settings_are_rotated_by_the_claim_too():
    flash = await new_board()
    factory = Group(cert=OLD[1], key=OLD[2])
    identity = Identity(flash, settings(claim_pair(), factory))
    equal(identity.current(), OLD)
    await identity.rotate({})
    identity = Identity(flash, settings(claim_pair(), factory))
    equal((identity.known(), identity.rotating), (False, True))
    await identity.enrol(Cloud(), "serial", None)
    equal(identity.current(), ("lamp", NEW["cert"], NEW["key"]))
    await identity.confirm()
    equal(Identity(flash, settings(claim_pair(), factory)).current(), ("lamp", NEW["cert"], NEW["key"]))


async def test_a_rotation_that_lost_its_claim_leaves_the_old_one():
    flash = await new_board()
    await old_thing(flash)
    await known(flash, claim_pair()).rotate({})
    identity = known(flash)
    equal((identity.rotating, identity.current()), (False, OLD))


async def test_over_its_own_connection_a_half_done_enrolment_does_not_count():
    flash = await new_board()
    await old_thing(flash)
    identity = known(flash)
    cloud = Cloud("another")
    await raises(errors.CloudError, identity.enrol(cloud, "serial", None, by_thing=True))
    equal(cloud.claims, [None])
    equal(known(flash).current(), OLD)
    await identity.enrol(Cloud(), "serial", None, by_thing=True)
    equal(known(flash).current(), ("lamp", NEW["cert"], NEW["key"]))


async def _rotate_by_document(flash):
    await known(flash).rotate(dict(NEW))


async def _rotate_by_claim(flash):
    await known(flash, claim_pair()).rotate({})
    await Identity(flash, settings(claim_pair())).enrol(Cloud(), "serial", None)


async def _rotate_over_the_connection(flash):
    await known(flash).enrol(Cloud(), "serial", None, by_thing=True)


async def test_a_power_cut_at_any_write_leaves_credentials_that_work():
    # All of them at every write take half a minute: strides that have nothing in common see most of it.
    for rotate, torn, stride in (
        (_rotate_by_document, False, 2),
        (_rotate_by_claim, True, 3),
        (_rotate_over_the_connection, False, 5),
    ):
        await old_thing(await new_board())
        before = chip().snapshot()

        async def all_of_it(flash, rotate=rotate):
            await rotate(flash)
            await known(flash, claim_pair()).confirm()  # a start with the new one: the cloud was reached

        cut, is_done = 1, False
        while not is_done:
            chip().restore(before)
            is_done = await is_done_before_cut(all_of_it, await boot(), cut, torn)
            await _check(is_done)
            cut += stride
        equal(cut > 10, True)


async def _check(is_done):
    """After the cut: old or new, never another or none; what is begun comes to its end."""
    identity = Identity(await boot(), settings(claim_pair()))
    if identity.current() is None:  # the claim goes on
        await identity.enrol(Cloud(), "serial", None)
    name, cert, key = identity.current()
    equal((name, cert, key) in (OLD, ("lamp", NEW["cert"], NEW["key"])), True)
    await identity.confirm()
    last = known(await boot(), claim_pair())
    equal((last.rotating, last.current()), (False, (name, cert, key)))
    if is_done:
        equal(cert, NEW["cert"])
