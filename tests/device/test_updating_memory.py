"""Mode OTA where memory is short: for a second TLS session, for a handshake."""


import simulation

import errors
import events
from harness import equal
from update_desk import Desk, given_up

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps


def connections(desk):
    """To the cloud, in a start of mode OTA that brings the image."""
    equal((desk.live(), desk.live()), ("restart", "restart"))
    count = desk.connections
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    return count


def test_without_memory_for_two_sessions_of_tls_the_cloud_is_left_for_the_download():
    for heap, wanted in (((8180, 164500), 1), ((2000, 44000), 2)):
        simulation.board.idf_heap = heap
        desk = Desk()
        desk.send("1.1.0")
        desk.faults = [lambda link: equal(desk.system.aws is None, wanted == 2)]
        equal(connections(desk), wanted)
    simulation.board.idf_heap = (8180, 164500)


def test_memory_that_runs_out_in_the_handshake_ends_the_other_session():
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [errors.error("no_memory")]
    equal(connections(desk), 2)


def test_python_s_memory_that_runs_out_ends_the_other_session():
    desk = Desk()
    desk.send("1.1.0")

    def fails(link):
        raise MemoryError

    desk.faults = [fails]
    equal(connections(desk), 2)


def test_memory_that_is_never_enough_fails_the_job():
    desk = Desk()
    desk.send("1.1.0")

    def fails(link):
        raise MemoryError

    desk.faults = [fails, fails]
    given_up(desk, "task_failed", starts=3)  # NORMAL tells it


def test_a_link_that_has_expired_is_asked_for_where_the_cloud_was_left():
    simulation.board.idf_heap = (2000, 44000)
    desk = Desk()
    desk.send("1.1.0")
    desk.faults = [lambda link: link.say(403, b"")]
    equal(connections(desk), 3)
    simulation.board.idf_heap = (8180, 164500)


def test_a_download_that_has_left_no_memory_for_the_cloud_is_looked_at_by_a_fresh_start():
    simulation.board.idf_heap = (2000, 44000)
    desk = Desk()
    desk.send("1.1.0")

    def takes_memory(link):
        simulation.board.idf_heap = (2000, 30000)

    desk.faults = [takes_memory]
    equal((desk.live(), desk.live()), ("restart", "restart"))
    simulation.board.idf_heap = (2000, 44000)
    desk.live_on()
    equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0"] * 3 + ["1.1.0"]))
    equal([start for _, start in desk.asked], [0, 28672])  # of the image only the end, which is less than a sector
    simulation.board.idf_heap = (8180, 164500)


def test_a_server_that_seems_untrusted_for_want_of_memory_is_asked_by_a_fresh_start():
    simulation.board.idf_heap = (2000, 44000)
    desk = Desk()
    desk.send("1.1.0")

    def verifies_nothing(link):
        simulation.board.idf_heap = (2000, 20000)
        raise errors.error("server_cert_untrusted")

    desk.faults = [verifies_nothing]
    equal((desk.live(), desk.live()), ("restart", "restart"))
    equal(desk.system.reason, "update: the download needs a fresh heap")
    simulation.board.idf_heap = (2000, 44000)
    desk.live_on()
    equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0"] * 3 + ["1.1.0"]))
    simulation.board.idf_heap = (8180, 164500)


def test_a_cloud_that_is_lost_for_want_of_memory_in_mode_ota_is_reached_by_a_fresh_start():
    simulation.board.idf_heap = (2000, 44000)
    desk = Desk()
    desk.send("1.1.0")
    equal(desk.live(), "restart")
    desk.is_reachable = False

    def lost():
        simulation.board.idf_heap = (2000, 1500)
        desk.system.bus.emit(events.AWS_DISCONNECTED, code="no_dns", message="", wait_ms=1000)

    desk.at(10, lost)
    equal((desk.live(limit_s=60), desk.system.reason), ("restart", "update: the download needs a fresh heap"))
    simulation.board.idf_heap = (2000, 44000)
    desk.is_reachable = True
    desk.live_on()
    equal(desk.status(), ("SUCCEEDED", None))
    simulation.board.idf_heap = (8180, 164500)
