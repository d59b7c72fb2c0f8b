"""The road to the cloud in an outage that outlasts starts: what counts for opening CONFIG."""

import asyncio

import events
import notes
import road
import road_outcome
from fakes import Flash, Group
from harness import equal
from test_road import System


async def wake(flash, failure, cause="deep_sleep", sleeps_s=50, trial=None):
    """A start of a device that sleeps, or restarts, soon; returns why it was left."""
    system = System(cause, is_connected=False)
    system.flash, system.identity.trial = flash, trial
    made = road.Road(system)
    noting = asyncio.create_task(made.keep_notes(Group(beat=lambda: None)))
    await asyncio.sleep_ms(250)
    if failure:
        system.bus.emit(events.WIFI_DISCONNECTED, code="wrong_password", message="")
    await asyncio.sleep_ms(250)
    noting.cancel()
    if not system.left:
        await made.rest(sleeps_s)
    return system.left


async def test_a_device_that_sleeps_is_without_the_cloud_all_the_same():
    flash = Flash()
    equal([await wake(flash, False), notes.read(flash)], [None, {}])  # it had no time to look for the cloud
    equal([await wake(flash, True), notes.read(flash)["offline"] >= 50], [None, True])
    equal([await wake(flash, False), notes.read(flash)["offline"] >= 50], [None, True])
    equal([await wake(flash, True), notes.read(flash)["offline"] >= 100], [None, True])
    equal(await wake(flash, True), "cloud_unreached")
    kept = notes.read(flash)
    equal((kept["into"], "offline" in kept), ("CONFIG", False))


async def test_a_device_that_restarts_again_and_again_is_without_the_cloud_all_the_same():
    flash = Flash()
    for seconds in (50, 100):
        equal([await wake(flash, True, "hard"), notes.read(flash)["offline"] >= seconds], [None, True])
    equal(await wake(flash, True, "hard"), "cloud_unreached")


async def test_the_time_before_counts_neither_where_somebody_may_be_there_nor_for_new_settings():
    for cause, trial, left in (("power_on", None, None), ("hard", "none", None), ("hard", None, "cloud_unreached")):
        flash = Flash(notes=(b"", b'{"offline": 70}'))
        equal((cause, trial, await wake(flash, True, cause, trial=trial)), (cause, trial, left))


async def test_an_outage_for_which_config_opens_has_ended_with_that():
    system = System("hard", is_connected=False)
    made = road.Road(system)
    await road_outcome.note(made, events.Event(events.WIFI_DISCONNECTED, {"code": "no_network", "message": ""}))
    for trial in (False, True):
        await road_outcome.give_up(made, 60, trial)
        await made.rest(0)
        equal("offline" in notes.read(system.flash), False)
