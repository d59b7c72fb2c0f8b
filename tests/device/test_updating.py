"""Mode OTA: bad networks, bad servers, bad images, jobs that go away. In the end the device works, and the job has its
end."""

import asyncio
import random

import simulation

import errors
from harness import equal
from update_desk import SIZE, SLOT, Desk

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps


def given_up(desk, reason, status="FAILED", starts=2):
    """The device works with what it had, and the cloud knows why."""
    equal(desk.live_on(), starts)
    equal(desk.status(), (status, reason))
    equal(desk.live(limit_s=100), "calm")
    equal((desk.starts[-1], desk.system.mode), ("1.0.0", "NORMAL"))


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
    read, pause = link.readinto, [False]

    def readinto(view):
        pause[0] = not pause[0] and now()
        return None if pause[0] else read(view)

    async def more():
        await asyncio.sleep(1)

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


# The network


def test_a_link_that_has_expired_is_asked_for_anew():
    desk = Desk()
    desk.send("1.1.0")
    queries = []

    def expired(link):
        queries.append(link.query)
        link.say(403, b"<Error/>")

    desk.faults = [expired, expired, lambda link: queries.append(link.query)]
    desk.live_on()
    equal((desk.status()[0], len(set(queries))), ("SUCCEEDED", 3))


def test_links_that_always_have_expired():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [lambda link: link.say(403, b"")] * 50
    given_up(desk, "link_expired")
    equal(len(desk.asked), 9)  # limits.update_tries of them were fresh


def test_a_connection_that_is_cut_at_random_bytes():
    def cut(link):
        link.data = link.data[: random.randint(0, 20000)]

    resumed = 0
    for seed in range(5):
        random.seed(seed)
        desk = Desk()
        desk.send("1.1.0")
        desk.faults = [cut] * 60
        desk.live_on()
        equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
        starts = [start for _, start in desk.asked]
        equal(starts, sorted(starts))
        resumed += len([start for start in starts if start])
    equal(resumed > 10, True)


def test_a_server_that_is_gone_for_good():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [errors.error("refused", "images.test", 443)] * 50
    given_up(desk, "refused")


def test_a_server_that_is_not_who_it_says():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [errors.error("server_cert_untrusted")]
    given_up(desk, "server_cert_untrusted")


def test_wifi_may_be_away_for_longer_than_a_server():
    desk = Desk()
    desk.send("1.1.0")

    def lost(link):
        desk.has_wifi = False
        link.data = link.data[:10000]
        desk.at(60, desk.find_wifi)

    desk.faults = [lost]
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    equal([start for _, start in desk.asked], [0, 8192])


def test_a_download_that_takes_too_long_is_given_up():
    desk = Desk()
    desk.send("1.1.0")

    def lost(link):
        desk.has_wifi = False
        link.data = b""
        desk.at(700, desk.find_wifi)

    desk.faults = [lost]
    given_up(desk, "update_too_slow", starts=3)


def test_an_update_that_is_interrupted_again_and_again_is_given_up():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    for _ in range(5):
        equal(desk.live(lambda: desk.system.mode == "OTA" and desk.asked, limit_s=60), "calm")
        desk.asked = []
    given_up(desk, "update_interrupted", starts=2)


# Memory


def test_one_session_of_tls_at_a_time_where_two_do_not_fit():
    for heap, pauses in (((8180, 164500), 0), ((2000, 30000), 1)):
        simulation.board.idf_heap = heap
        desk = Desk()
        desk.send("1.1.0")
        equal(desk.live(), "restart")
        equal(desk.live(), "restart")
        equal(desk.system.aws.pauses, pauses)
        desk.live_on()
        equal(desk.status(), ("SUCCEEDED", None))
    simulation.board.idf_heap = (8180, 164500)


def test_memory_that_runs_out_in_the_handshake_ends_the_other_session():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [errors.error("no_memory")]
    equal((desk.live(), desk.live()), ("restart", "restart"))
    equal(desk.system.aws.pauses, 1)


# The job


def test_a_job_cancelled_before_the_download():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.cancel("job-1")
    equal(desk.live(), "restart")
    equal(desk.live(limit_s=60), "calm")
    equal((desk.starts, desk.asked, desk.system.mode), (["1.0.0"] * 3, [], "NORMAL"))


def test_a_job_cancelled_halfway():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.faults = [lambda link: _pauses(link, lambda: link._at < 20000 or desk.cancel("job-1"))]
    equal(desk.live(), "restart")
    equal(desk.live(limit_s=60), "calm")
    equal((desk.starts, desk.status()[0], desk.system.mode), (["1.0.0"] * 3, "CANCELED", "NORMAL"))


def test_a_job_cancelled_while_nobody_listens_is_not_finished():
    simulation.board.idf_heap = (2000, 30000)
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.faults = [lambda link: desk.cancel("job-1")]
    equal(desk.live(), "restart")
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
