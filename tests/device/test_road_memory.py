"""The road to the cloud where memory is short: what the next start does otherwise."""

import asyncio

import errors
import events
import notes
import road
import road_outcome
from fakes import Flash, Group
from harness import equal, raises
from test_road import Identity, System


class Factory(Identity):
    """A new device that has no memory to become a thing."""

    def current(self):
        return None

    async def enrol(self, aws, serial, beat):
        raise errors.error("no_memory")


async def test_without_memory_to_become_a_thing_the_next_start_does_that_alone():
    for enrol_first, ends in ((False, "restart_requested"), (True, None)):
        system = System(is_connected=False)
        system.identity, system.enrol_first = Factory(), enrol_first
        system.wifi = Group(ip="192.0.2.1", clock_is_set=True)
        system.board.unique_id = lambda: "serial"
        system.settings.timeouts = Group(backoff_s=1, backoff_cap_s=1, refused_s=1)
        going = asyncio.create_task(road.Road(system).run(Group(beat=lambda: None)))
        await asyncio.sleep_ms(50)
        going.cancel()
        equal((system.left, notes.read(system.flash).get("enrol_first")), (ends, True if ends else None))


async def crowded_out(system, times, code="no_memory"):
    """So many connections of a thing fail, of which it is told; returns why the device was left then."""
    made = road.Road(system)
    made._is_known = True
    for _ in range(times):
        await road_outcome.note(made, Group(name=events.AWS_DISCONNECTED, data={"code": code, "message": ""}))
    return system.left


async def test_where_there_is_no_memory_for_tls_the_heap_begins_anew_and_ever_less_often():
    flash = Flash()
    for times in (3, 6, 12):
        for fails, ends in ((times - 1, None), (times, "restart_requested")):
            system = System(is_connected=False)
            system.flash = flash
            equal((fails, await crowded_out(system, fails)), (fails, ends))
    system = System()
    system.flash = flash
    await road_outcome.note(road.Road(system), Group(name=events.AWS_CONNECTED, data={}))
    equal(notes.read(flash).get("anew"), None)


async def test_a_heap_that_begins_anew_leaves_more_to_tls_where_no_connection_ever_came_about():
    for connections, left in ((0, 1), (1, 0)):
        system = System(is_connected=False)
        system.aws.connections = connections
        equal(await crowded_out(system, 3), "restart_requested")
        equal(system.board.left_more, left)


async def test_without_memory_for_tls_it_begins_anew_whatever_the_failure_looks_like():
    system = System(is_connected=False)
    system.board.idf_free = 20000  # Python has taken the rest: certificates cannot be verified, packets not received
    equal(await crowded_out(system, 3, "server_cert_untrusted"), "restart_requested")


async def test_other_failures_are_no_reason_to_begin_anew():
    equal(await crowded_out(System(is_connected=False), 50, "no_dns"), None)


async def test_a_job_does_not_take_the_memory_for_writing_down_that_what_is_tried_out_works():
    for what in ("trial", "rotating"):
        for is_full in (False, True):  # a flash that takes nothing: a job may mend it
            system = System()
            began = []

            async def run(*_):
                began.append(what)

            system.aws.jobs.run = run
            system.trial, system.supervisor = False, Group(has=lambda name: False)
            setattr(system.identity, what, "none")
            made = road.Road(system)
            made._is_full = is_full
            doing = asyncio.create_task(made.do_jobs(Group(beat=lambda: None), True))
            await asyncio.sleep_ms(500)
            equal((what, is_full, len(began)), (what, is_full, int(is_full)))
            setattr(system.identity, what, None)
            await asyncio.wait_for(doing, 2)
            equal(began, [what])


async def test_notes_for_which_there_is_no_memory_for_minutes_end_in_a_new_start():
    made, waited = road.Road(System()), []

    async def at_once(wait_ms):
        waited.append(wait_ms)

    def no_memory():
        raise MemoryError

    made._judge = no_memory
    road.asyncio = Group(sleep_ms=at_once)
    try:
        await raises(MemoryError, made.keep_notes(Group(beat=lambda: None)))
    finally:
        road.asyncio = asyncio
    equal(sum(waited) // 60000, 10)


async def test_jobs_begin_as_soon_as_there_is_memory_to_look_into_the_notes():
    system, began, outcome, short = System(), [], road._outcome, []

    async def run(*_):
        began.append("jobs")

    def crowded():
        if len(short) < 2:
            short.append("notes")
            raise MemoryError
        return outcome()

    async def at_once(wait_ms):
        """No wait."""

    system.aws.jobs.run = run
    system.trial, system.supervisor = False, Group(has=lambda name: False)
    road._outcome, road.asyncio = crowded, Group(sleep_ms=at_once)
    try:
        await road.Road(system).do_jobs(Group(beat=lambda: None), True)
    finally:
        road._outcome, road.asyncio = outcome, asyncio
    equal((short, began), (["notes"] * 2, ["jobs"]))
