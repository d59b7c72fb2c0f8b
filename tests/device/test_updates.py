"""The record of updates: versions that failed, the floor, and a flash that has no room."""

import errors
from harness import equal
from updates import Updates

JOB = "job-1", "1.2.0", "1.1.0", "ota_1"


class Memory:
    """A flash that holds this record; `is_full`: there is no room for another one beside it."""

    def __init__(self, record=None):
        self.record = record
        self.is_full = False

    def load(self, name):
        return None if self.record is None else (b"", self.record)

    async def save(self, name, secret, bulk):
        if self.is_full and self.record is not None:
            raise errors.error("flash_full", name)
        self.record = bytes(bulk)

    async def erase(self, name):
        self.record = None


async def wanted(flash, version=JOB[1]):
    updates = Updates(flash)
    await updates.want(JOB[0], version, *JOB[2:])
    return updates


def test_what_cannot_be_read_is_no_record():
    for record in (None, b"", b"{", b"[]", b"null", b'{"floor": "1.0.0"}', b"\xff"):
        updates = Updates(Memory(record))
        equal((updates.floor, updates.failed, updates.job), ("0.0.0", [], None))


async def test_the_versions_that_failed_last_are_kept_each_once():
    flash = Memory()
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 2):
        updates = await wanted(flash, "1.%d.0" % number)
        await updates.end(errors.error("trial_failed", "", "crashed"), is_its_fault=True)
    equal(Updates(flash).failed, ["1.%d.0" % number for number in (3, 4, 5, 6, 7, 8, 9, 2)])
    await (await wanted(flash, "1.10.0")).end(errors.error("update_too_slow", 1))
    equal("1.10.0" in Updates(flash).failed, False)


async def test_the_floor_rises_and_never_falls():
    flash = Memory()
    for floor, now in (("1.9.0", "1.9.0"), ("1.10.0", "1.10.0"), ("1.9.0", "1.10.0"), ("0.0.0", "1.10.0")):
        updates = Updates(flash)
        await updates.want("job-1", "2.0.0", floor, "ota_1")
        await updates.confirm()
        await Updates(flash).forget()
        equal(Updates(flash).floor, now)


async def test_a_message_is_as_long_as_a_job_can_tell():
    flash = Memory()
    await (await wanted(flash)).end(errors.error("trial_failed", "1.2.0", "x" * 500))
    equal((len(Updates(flash).job["message"]), Updates(flash).job["status"]), (128, "FAILED"))


async def test_how_it_ended_is_noted_though_there_is_no_room_beside_the_old_record():
    flash = Memory()
    updates = await wanted(flash)
    updates.floor = "1.1.0"
    flash.is_full = True
    await updates.end(errors.error("update_too_slow", 1))
    equal((Updates(flash).job["stage"], Updates(flash).floor), ("ended", "1.1.0"))
    await updates.forget()
    equal((Updates(flash).job, Updates(flash).floor), (None, "1.1.0"))
