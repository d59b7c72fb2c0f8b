"""Mode OTA on bad networks: links that expire, servers that go, Wi-Fi that is lost, memory for one TLS session."""

import simulation

import errors
from harness import equal
from update_desk import Desk, given_up

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps


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
