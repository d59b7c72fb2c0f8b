"""What a job tries out is taken back when the cloud is not reached with it; what a person tries is not."""

import candidate
import errors
import events
import notes
import settings
import tryout
from fakes import Flash, Group
from harness import equal

FAILURE = errors.error("cert_refused")
FILE = '{"networks": [{"ssid": "home", "password": null}], "aws": {"endpoint": "a.example"}}'


class System:
    """What it needs of the head; `left` is why it restarts."""

    file_is_good = True

    def __init__(self, rotating=False, trial=None):
        self.flash = Flash()
        self.flash.settings_file = FILE.encode
        self.identity = Group(rotating=rotating, trial=trial)
        self.left = None

    def leave(self, event, reason):
        self.left = event, reason


class Job:
    async def fail(self, reason, message):
        self.outcome = "FAILED", reason, message

    async def reject(self, reason, message):
        self.outcome = "REJECTED", reason, message


async def test_a_new_certificate_is_left_for_the_old_one():
    system = System(rotating=True)
    system.flash.kept.update(thing=(b"old", b""), pending=(b"new", b""))
    equal(await tryout.take_back(system, FAILURE), True)
    equal(sorted(system.flash.kept), ["notes", "thing"])
    equal(system.left, ("candidate_refused", "back to what worked: %s" % FAILURE))
    job = Job()
    await tryout.fail(system, job)
    equal(job.outcome, ("FAILED", "not_proven", "Back to what worked before. " + FAILURE.message))
    equal(notes.read(system.flash), {})


async def test_settings_of_a_person_are_left_to_the_person():
    system = System(trial="none")
    system.flash.kept["candidate"] = settings.to_record({})
    equal(await tryout.take_back(system, FAILURE), False)
    equal((sorted(system.flash.kept), system.left), (["candidate"], None))


async def test_settings_of_a_person_are_no_job_s_whatever_one_has_left_behind():
    system = System(trial="none")
    system.bus = events.Bus()
    await notes.change(system.flash, trial="job")  # it was cancelled before it could say how it ended
    await candidate.save(system, {}, "phone")
    equal(await tryout.take_back(system, FAILURE), False)
    equal((sorted(system.flash.kept), system.left), (["candidate"], None))


async def test_settings_that_are_all_there_is_are_left_to_a_person():
    system = System(trial="none")
    system.flash.settings_file = b"{}".__class__
    system.flash.kept["candidate"] = settings.to_record({})
    await notes.change(system.flash, trial="job")
    equal(await tryout.take_back(system, FAILURE), False)
    equal(system.left, None)


async def test_a_document_that_cannot_be_used_is_rejected_with_its_reason():
    system = System()
    await notes.change(system.flash, refused={"code": "invalid_setting", "message": "why", "rejected": True})
    job = Job()
    await tryout.fail(system, job)
    equal(job.outcome, ("REJECTED", "invalid_setting", "why"))
