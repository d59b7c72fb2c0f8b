"""The firmware's own operations, as one start of the device sees them: what is kept, told, and left to the next."""

import sys
from binascii import crc32

import errors
import events
import notes
from fakes import Flash, Group
from harness import equal, raises
from operations import dispatch
from road import Road


class Restarted(Exception):
    """The device restarts here."""


class System:
    """What operations need of the head; `steps` is what they did to it."""

    def __init__(self, *allow, **handlers):
        self.steps = []
        self.flash = Flash()
        self.bus = events.Bus()
        self.settings = Group(jobs=Group(allow=allow))
        self.aws = Group(jobs=Group(handlers=handlers, find=lambda name: dispatch.find(self, name)))
        self.make_download = self.slot = None
        self.console = Group(log=None)

    async def restart(self, reason):
        self.steps.append("restart")
        raise Restarted

    def leave(self, event, reason):
        self.steps.append(event)
        raise Restarted


class Job:
    """What a handler is given; `told` is what the cloud knows."""

    id = "job-1"
    outcome = None
    gone = False
    result = {}

    def __init__(self, document, **kept):
        self.document = document
        self.kept = kept
        self.told = []

    async def keep(self, **values):
        self.kept.update(values)

    async def progress(self, percent=None, **details):
        self.told.append((percent, details))

    async def succeed(self, **details):
        self.outcome = "SUCCEEDED"

    async def reject(self, reason, message=None):
        self.outcome, self.message = "REJECTED " + reason, message

    async def fail(self, reason, message=None):
        self.outcome = "FAILED " + reason


async def do(system, job, name):
    """As often as the device restarts."""
    for _ in range(5):
        try:
            return await dispatch.find(system, name)(job)
        except Restarted:
            pass
    raise AssertionError("it restarts for ever")


def test_an_operation_is_found_by_name_where_it_is_allowed():
    system = System("restart")
    equal(dispatch.find(system, "dance"), None)
    equal(raises(errors.PersonError, lambda: dispatch.find(system, "factory-reset")).code, "not_allowed")
    equal(callable(dispatch.find(system, "restart")), True)


async def test_nothing_of_an_operation_stays_in_memory_nor_its_package():
    handler = Road._operation(Group(_system=System("restart")), "restart")
    await raises(Restarted, handler(Job({})))
    equal([name for name in sys.modules if name.startswith("operations")], [])


async def test_a_restart_is_done_once():
    for name, step in (("restart", "restart"), ("config", "config_requested")):
        system = System(name)
        await do(system, Job({}), name)
        equal(system.steps, [step])


async def test_what_the_document_lacks_is_rejected():
    system = System("download", "factory-reset")
    system.make_download = lambda system: None
    for name, document in (
        ("download", {"url": "http://x"}),
        ("download", {"args": 5}),
        ("download", {"args": {"url": "https://x"}}),
        ("factory-reset", {"what": "some"}),
        ("factory-reset", {"what": ["all"]}),
    ):
        job = Job(document)
        await do(system, job, name)
        equal(job.outcome, "REJECTED invalid_setting")


# Steps


def action(name, handler="x.sh", **more):
    fields = {"name": name, "type": "runHandler", "input": {"handler": handler, "args": ["a"]}}
    fields.update(more)
    return {"action": fields}


async def test_steps_go_on_after_a_restart_and_the_final_one_is_last():
    done = []

    async def blink(job):
        done.append((job.document["args"], dict(job.kept)))

    system = System("restart", Blink=blink)
    document = {"steps": [action("Blink"), action("Reboot", "reboot.sh")], "finalStep": action("Blink")}
    job = Job(dict(document))
    handler = dispatch.find(system, "steps")
    await raises(Restarted, handler(job))
    job.document = dict(document)
    await handler(job)
    equal(done, [(["a"], {"step": 0}), (["a"], {"step": 2})])
    equal(system.steps, ["restart"])
    equal([percent for percent, _ in job.told], [33, 66, 100])


async def test_a_step_that_nobody_does_is_known_before_the_first_is_done():
    async def blink(job):
        raise AssertionError("begun")

    job = Job({"steps": [action("Blink"), action("Install-Packages")]})
    await do(System(Blink=blink), job, "steps")
    equal(job.outcome, "REJECTED unknown_operation")


async def test_a_step_that_fails_ends_it_unless_that_is_ignored():
    done = []

    async def fail(job):
        done.append("fail")
        raise ValueError("no")

    def blink(job):  # a plain function does, too
        done.append("blink")

    system = System(Fail=fail, Blink=blink)
    await raises(ValueError, dispatch.find(system, "steps")(Job({"steps": [action("Fail"), action("Blink")]})))
    ignored = {"steps": [action("Fail", ignoreStepFailure="true"), action("Blink")]}
    await do(system, Job(ignored), "steps")
    equal(done, ["fail", "fail", "blink"])


async def test_a_step_that_tells_its_success_is_not_the_last_one():
    done = []

    async def download(job):
        done.append("download")
        await job.succeed(size=5)

    async def install(job):
        done.append("install")

    job = Job({"steps": [action("Download"), action("Install")], "finalStep": action("Download")})
    await do(System(Download=download, Install=install), job, "steps")
    equal(done, ["download", "install", "download"])
    equal((job.told[0], job.outcome), ((None, {"size": 5}), "SUCCEEDED"))


async def test_what_a_step_has_as_its_result_is_told_with_it_as_far_as_there_is_room():
    async def measure(job):
        job.result = {"celsius": 21}

    job = Job({"steps": [action("Measure"), action("Measure")]})
    await do(System(Measure=measure), job, "steps")
    equal(job.told, [(50, {"step": 1}), (None, {"celsius": 21}), (100, {"step": 2})])
    equal(job.result, {"celsius": 21})  # of the last one: told with the job's end


async def test_an_operation_that_rejects_its_step_is_ignored_where_the_step_says_so():
    done = []

    async def blink(job):
        done.append("blink")

    system = System("download", Blink=blink)
    system.make_download = lambda system: None
    download = action("Download", "download-file.sh", ignoreStepFailure="true")
    job = Job({"steps": [download, action("Blink")]})
    await do(system, job, "steps")
    equal((done, job.outcome), (["blink"], None))


async def test_steps_that_cannot_be_understood_are_rejected():
    for steps in ([], [{}], [{"action": {"name": "x"}}], ["x"], [{"action": {"name": "x", "input": "y"}}], 5, "x", {}):
        for document in ({"steps": steps}, {"steps": steps, "finalStep": {}}):
            job = Job(document)
            await do(System(), job, "steps")
            equal(job.outcome, "REJECTED bad_document")
            equal(job.message, "Each of the steps needs an action with a name and an input.")
    for document in ({"operation": "steps"}, {"steps": [action(["x"])]}, {"steps": [action("steps")]}):
        job = Job(document)
        await do(System(), job, "steps")
        equal(job.outcome, "REJECTED bad_document")


async def test_an_operation_for_which_there_is_no_memory_at_once_is_done_a_moment_later():
    tries = []

    async def short(system, job):
        tries.append(job.id)
        if len(tries) < 3:
            raise MemoryError
        await job.succeed()

    usual, wait_s = dispatch._file_of, dispatch._CROWDED_S
    dispatch._file_of, dispatch._CROWDED_S = lambda name: Group(run=short), 0
    try:
        job = Job({})
        await dispatch.find(System("restart"), "restart")(job)
    finally:
        dispatch._file_of, dispatch._CROWDED_S = usual, wait_s
    equal((job.outcome, len(tries)), ("SUCCEEDED", 3))


async def test_what_an_earlier_job_has_left_in_the_notes_decides_nothing():
    async def change_the_second_time(fields):
        tries.append(fields)
        if len(tries) == 2:
            system.identity.current = lambda: ("lamp", b"new", b"key")

    system, tries = System("rotate", "settings"), []
    system.flash = Flash(settings=(b"s", b"b"))
    system.identity = Group(trial=None, rotating=False, can_claim=lambda: True, rotate=change_the_second_time)
    system.identity.current = lambda: ("lamp", b"old", b"key")
    stale = {"refused": {"code": "no_network", "message": ""}, "tried": crc32(b"b", crc32(b"s"))}
    await notes.change(system.flash, **stale)
    job = Job({})
    await do(system, job, "rotate")
    equal((job.outcome, len(tries), "certificate" in job.result), (None, 2, True))
    await notes.change(system.flash, **stale)
    job = Job({"settings": {"app": {}}})
    await do(system, job, "settings")  # and no start has made a candidate of it
    equal(job.outcome, "FAILED not_proven")


async def test_a_step_that_has_told_all_the_details_there_is_room_for_has_not_failed():
    async def talk(job):
        done.append(job.document["args"])

    async def no_room(percent=None, **details):
        raise errors.error("limit", "A job's 11 details", "10")

    system, done = System(Talk=talk), []
    job = Job({"steps": [action("Talk"), action("Talk")]})
    job.progress = no_room
    await do(system, job, "steps")
    equal(len(done), 2)


async def test_settings_of_a_job_that_has_failed_before_the_restart_are_not_tried_by_a_later_start():
    system, job = System("settings"), Job({"settings": {"app": {}}})

    async def full(**values):
        raise errors.error("flash_full", "job")

    job.keep = full
    await raises(errors.StorageError, dispatch.find(system, "settings")(job))
    equal((sorted(system.flash.kept), system.steps), ([], []))
