"""Mode OTA on bad networks: links that expire, servers that go, Wi-Fi that is lost."""

import asyncio
import time

import errors
import notes
import settings
import updates
from harness import equal
from update_board import TIMES
from update_desk import SIZE, Desk, given_up

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps


def test_a_link_that_has_expired_is_asked_for_anew():
    desk = Desk()
    desk.send("1.1.0")
    queries = []

    def expired(link):
        queries.append(link.query)
        link.say(403 if len(queries) == 1 else 400, b"<Error/>")  # of the link, of the credentials that signed it

    desk.faults = [expired, expired, lambda link: queries.append(link.query)]
    desk.live_on()
    equal((desk.status()[0], len(set(queries))), ("SUCCEEDED", 3))


def waiting_with_new_settings(ssid):
    """A desk at which an update waits, and somebody has just given the device another network."""
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    networks = [{"ssid": ssid, "password": None}]
    asyncio.run(desk.system.flash.save("candidate", *settings.to_record({"networks": networks})))
    return desk


def test_settings_that_are_new_are_proven_before_an_update_that_waits():
    desk = waiting_with_new_settings("office")
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
    flash = desk.system.flash
    equal((flash.load("candidate"), b"office" in flash.load("settings")[0]), (None, True))


def test_settings_that_do_not_lead_to_the_cloud_lead_back_to_the_person_though_an_update_waits():
    desk = waiting_with_new_settings("mistyped")
    desk.is_reachable = False
    equal(desk.live(), "restart")
    equal((desk.starts, notes.read(desk.system.flash)["into"]), (["1.0.0"] * 2, "CONFIG"))


def test_links_that_always_have_expired():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [lambda link: link.say(403, b"")] * 50
    given_up(desk, "link_expired")
    equal(len(desk.asked), 9)  # limits.update_tries of them were fresh


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


def test_a_download_that_gets_on_has_as_many_connections_as_it_takes():
    desk = Desk(limits={"update_tries": 1})
    desk.send("1.1.0")

    def cut(link):
        link.data = link.data[: link.data.find(b"\r\n\r\n") + 6000]

    desk.faults = [cut] * 7
    desk.live_on()
    equal((desk.status(), [start for _, start in desk.asked]), (("SUCCEEDED", None), list(range(0, SIZE, 4096))))


def test_what_an_earlier_start_has_written_is_brought_once_more_when_it_is_not_the_image():
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    asyncio.run(updates.Updates(desk.system.flash).save(at=8192))  # of which the slot has nothing
    desk.live_on()
    equal((desk.status(), [start for _, start in desk.asked]), (("SUCCEEDED", None), [8192, 0]))


def cut(link):
    link.data = link.data[: link.data.find(b"\r\n\r\n") + 10000]


def test_a_file_that_is_put_right_during_the_download_is_brought_once_more():
    desk = Desk()
    desk.send("1.1.0")
    right = desk.images["/1.1.0"]
    desk.images["/1.1.0"] = bytes(len(right))

    def put_right(link):
        cut(link)
        desk.images["/1.1.0"] = right

    desk.faults = [put_right]
    desk.live_on()
    equal((desk.status(), [start for _, start in desk.asked]), (("SUCCEEDED", None), [0, 8192, 0]))


def test_a_wrong_file_whose_download_is_cut_again_and_again_is_brought_twice():
    desk = Desk()
    desk.send("1.1.0")
    desk.images["/1.1.0"] = bytes(len(desk.images["/1.1.0"]))
    desk.faults = [cut] * 50
    given_up(desk, "image_broken")
    equal([start for _, start in desk.asked], [0, 8192, 16384, 24576] * 2)


def seconds_until_asked_again(said):
    """After an answer with this Retry-After, by a device that waits 100 s at most."""
    desk = Desk(timeouts=dict(TIMES, backoff_s=1, backoff_cap_s=100))
    desk.send("1.1.0")
    asked_ms = []

    def busy(link):
        asked_ms.append(time.ticks_ms())
        link.data = b"HTTP/1.1 503 x\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % said

    desk.faults = [busy, lambda link: asked_ms.append(time.ticks_ms())]
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    return time.ticks_diff(asked_ms[1], asked_ms[0]) // 1000


def test_a_busy_server_is_asked_again_when_it_says():
    equal(seconds_until_asked_again(b"60") in (60, 61), True)
    equal(seconds_until_asked_again(b"Fri, 31 Dec 2027 23:59:59 GMT") < 2, True)
    equal(seconds_until_asked_again(b"86400") in (100, 101), True)


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


def test_each_connection_that_brings_nothing_is_told():
    told = []

    def lost(link):
        desk.system.bus.tell = lambda event: told.append((event.name, event.data.get("code")))
        link.data = b""

    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [lost]
    equal((desk.live(), desk.live()), ("restart", "restart"))
    equal(("task.failed", "download_failed") in told, True)


def test_a_download_that_ends_while_it_is_given_up_is_no_success():
    desk = Desk(limits={"update_tries": 100}, timeouts=dict(TIMES, update_s=200))
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    answer, told = desk.cloud._answer, []

    def late(end, document):
        if document.get("status") == "FAILED" and len(told) < 4:
            told.append(end)  # and no answer: some seconds pass
            desk.faults.clear()  # in which the image comes, if somebody asks for it
            raise errors.error("not_connected")
        return answer(end, document)

    desk.cloud._answer = late
    desk.faults = [errors.error("refused", "images.test", 443)] * 500
    desk.live_on()
    equal((desk.status(), desk.version()), (("FAILED", "update_too_slow"), "1.0.0"))
    equal((desk.live(limit_s=100), desk.system.mode), ("calm", "NORMAL"))
    equal(desk.starts, ["1.0.0"] * 4)
