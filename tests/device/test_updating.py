"""Mode OTA: from the job to the confirmed image; bad signatures, bad images, jobs that go away, flash that refuses."""

import asyncio

import simulation

from harness import equal
from jobs_desk import Refused
from supervisor import Supervisor
from update_desk import SIZE, SLOT, Desk, given_up

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps


def test_an_update_is_installed_tried_and_confirmed():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live_on(), 3)
    equal(desk.starts, ["1.0.0", "1.0.0", "1.1.0"])
    equal(desk.status(), ("SUCCEEDED", None))
    equal(desk.live(limit_s=60), "calm")
    equal(desk.starts[-1], "1.1.0")


def test_progress_is_told_in_steps():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [slowly]
    desk.live_on()
    told = [details.get("percent") for _, details in desk.cloud.statuses("job-1") if details]
    told = [int(percent) for percent in told if percent]
    equal((told == sorted(told), told[-1], len(told) >= 4), (True, 100, True))


def slowly(link):
    """A second between the pieces."""
    _pauses(link, lambda: True)


def _pauses(link, now):
    """Nothing comes until somebody has waited for a second, while `now()` is true."""
    read, has_waited = link.readinto, [False]

    def readinto(view):
        if now() and not has_waited[0]:
            return None
        has_waited[0] = False
        return read(view)

    async def more():
        await asyncio.sleep(1)
        has_waited[0] = True

    link.readinto, link.more = readinto, more


def test_an_update_released_while_the_device_was_away():
    desk = Desk()
    desk.has_wifi = False
    desk.send("1.1.0")
    equal(desk.live(limit_s=60), "calm")
    desk.has_wifi = True
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))


# The signature


def test_a_document_that_was_changed_is_rejected_before_anything_is_erased():
    desk = Desk()
    slots = desk.slots()
    desk.send(dict(desk.document("1.1.0"), version="1.2.0"))
    given_up(desk, "bad_signature", "REJECTED")
    equal((desk.slots() == slots, desk.asked), (True, []))


def test_the_signature_of_another_key_is_none():
    desk = Desk()
    desk.send(dict(desk.document("1.1.0", sign_with="k2"), kid="k1"))
    given_up(desk, "bad_signature", "REJECTED")


def test_each_of_two_keys_is_trusted():
    desk = Desk()
    desk.send("1.1.0", sign_with="k2")
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))


# The image


def test_another_image_than_the_signed_one():
    desk = Desk()
    desk.send("1.1.0")
    desk.images["/1.1.0"] = desk.image("1.1.1")
    given_up(desk, "image_broken")


def test_an_image_of_another_size_than_the_signed_one():
    desk = Desk()
    desk.send("1.1.0")
    desk.images["/1.1.0"] = desk.image("1.1.0", SIZE + 4096)
    given_up(desk, "download_refused")


def test_what_is_signed_but_no_image():
    desk = Desk()
    desk.send(desk.document("1.1.0", b"no image at all" * 1000))
    given_up(desk, "image_broken")


# The job


def test_a_job_cancelled_before_the_download():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.cancel("job-1")
    equal(desk.live(), "restart")
    equal(desk.live(limit_s=60), "calm")
    equal((desk.starts, desk.asked, desk.system.mode), (["1.0.0"] * 3, [], "NORMAL"))


def test_a_cloud_that_tells_nothing_of_a_job_hands_it_out_all_the_same():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    answer, asked = desk.cloud._answer, []

    def refuses(end, document):
        if end == "job-1/get" and not asked:
            asked.append(end)
            raise Refused("InvalidRequest", {})
        if end == "$next/get" and not asked:
            return {}
        return answer(end, document)

    desk.cloud._answer = refuses
    desk.at(5, lambda: desk.system.aws and desk.system.aws.news())
    desk.live_on()
    equal((asked, desk.status(), desk.starts), (["job-1/get"], ("SUCCEEDED", None), ["1.0.0", "1.0.0", "1.1.0"]))


def test_a_cloud_that_takes_no_progress_gets_the_update_all_the_same():
    desk = Desk()
    desk.send("1.1.0")
    answer = desk.cloud._answer

    def refuses(end, document):
        if "percent" in document.get("statusDetails", {}) and document["status"] == "IN_PROGRESS":
            raise Refused("InvalidRequest", {})
        return answer(end, document)

    desk.cloud._answer = refuses
    desk.faults = [slowly]
    desk.live_on()
    equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0", "1.0.0", "1.1.0"]))


def test_memory_that_ends_while_a_connection_is_begun_costs_no_more_than_another_one():
    for task in ("cloud", "jobs", "asking"):
        desk, own, ended = Desk(), Supervisor.own, []

        def crowded(supervisor, name, run, *details, **more):
            if name == task and desk.system.mode == "OTA" and not ended:
                ended.append(name)
                raise MemoryError
            return own(supervisor, name, run, *details, **more)

        desk.send("1.1.0")
        Supervisor.own = crowded
        try:
            desk.live_on()
        finally:
            Supervisor.own = own
        equal((ended, desk.status(), desk.starts), ([task], ("SUCCEEDED", None), ["1.0.0", "1.0.0", "1.1.0"]))


def test_memory_that_ends_while_progress_is_told_noted_or_asked_for_ends_no_download():
    desk = Desk()
    desk.send("1.1.0")
    answer, ended = desk.cloud._answer, []

    def ends(end, document):
        if "percent" in document.get("statusDetails", {}) and document["status"] == "IN_PROGRESS" and len(ended) < 3:
            ended.append(end)
            raise MemoryError
        return answer(end, document)

    def without_memory(link):
        flash = desk.system.flash
        save = flash.save

        async def fails_once(*record):
            flash.save = save
            ended.append("save")
            raise MemoryError

        flash.save = fails_once
        slowly(link)

    desk.cloud._answer = ends
    desk.faults = [without_memory]
    desk.live_on()
    equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0", "1.0.0", "1.1.0"]))
    equal(("save" in ended, len(ended)), (True, 3))


def test_an_answer_that_nobody_thought_of_ends_a_start_and_at_last_the_update():
    desk = Desk()
    desk.send("1.1.0")
    answer = desk.cloud._answer
    desk.cloud._answer = lambda end, document: {} if end == "job-1/get" else answer(end, document)
    given_up(desk, "update_interrupted", starts=8)  # limits.update_starts, and who tells it


def test_a_job_cancelled_halfway():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.faults = [lambda link: _pauses(link, lambda: link._at < 20000 or desk.cancel("job-1"))]
    equal(desk.live(), "restart")
    equal(desk.live(limit_s=60), "calm")
    equal((desk.starts, desk.status()[0], desk.system.mode), (["1.0.0"] * 3, "CANCELED", "NORMAL"))


def test_a_job_cancelled_while_nobody_listens_is_not_finished():
    simulation.board.idf_heap = (2000, 44000)
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.faults = [lambda link: desk.cancel("job-1")]
    equal((desk.live(), desk.system.reason), ("restart", "the job of the update is gone"))
    simulation.board.idf_heap = (8180, 164500)
    equal(desk.live(limit_s=60), "calm")
    equal(desk.starts, ["1.0.0"] * 3)


def test_after_a_cancelled_job_the_next_one_is_done():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.cancel("job-1")
    desk.send("1.2.0", "job-2")
    desk.live_on(job_id="job-2")
    equal((desk.status("job-2"), desk.version()), (("SUCCEEDED", None), "1.2.0"))


def test_a_job_that_aws_tries_again_meanwhile_is_told_how_it_ended():
    for starts in (1, 2):  # before the download, before the trial
        desk = Desk()
        desk.send("1.1.0")
        equal([desk.live() for _ in range(starts)], ["restart"] * starts)
        again = desk.cloud.executions["job-1"]
        again.update(status="QUEUED", executionNumber=2, versionNumber=1, queuedAt=1800000000, statusDetails={})
        desk.live_on()
        equal((desk.status(), len(desk.starts), len(desk.asked)), (("SUCCEEDED", None), 3, 1))


def test_a_job_that_was_made_anew_with_another_document_is_judged_anew():
    async def crashes(device):
        raise ValueError("no")

    desk = Desk()
    desk.applications["1.2.0"] = crashes
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.cloud.add("job-1", desk.document("1.2.0"), queuedAt=1800000000)
    desk.live_on()
    equal((desk.status(), desk.starts.count("1.2.0")), (("FAILED", "trial_failed"), 1))
    desk.send("1.1.0", "job-2")
    desk.live_on(job_id="job-2")
    equal(desk.status("job-2"), ("SUCCEEDED", None))


def test_flash_that_refuses_fails_the_job():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    piece = simulation.board.piece("ota_1")

    def refuse(offset, size):
        raise OSError(-261, "ESP_ERR_NOT_FOUND")

    piece.erase = refuse
    given_up(desk, "flash_failed", starts=1)


def test_a_slot_is_filled_to_its_last_byte():
    desk = Desk()
    desk.send(desk.document("1.1.0", desk.image("1.1.0", SLOT - 4096) + b""))
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
