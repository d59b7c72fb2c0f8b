"""Mode OTA where memory is short: for a second TLS session, for a handshake, for the trial."""

import simulation
from esp32 import Partition

import errors
import events
from harness import equal
from supervisor import Supervisor
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


def test_memory_that_is_enough_in_a_fresh_start_only():
    for heap, times in (((8180, 164500), 2), ((2000, 44000), 1)):
        simulation.board.idf_heap = heap
        desk = Desk()
        desk.send("1.1.0")

        def fails(link):
            raise MemoryError

        desk.faults = [fails] * times
        desk.live_on()
        equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0"] * 3 + ["1.1.0"]))
    simulation.board.idf_heap = (8180, 164500)


def test_memory_that_is_never_enough_fails_the_job():
    desk = Desk()
    desk.send("1.1.0")

    def fails(link):
        raise MemoryError

    desk.faults = [fails] * 50
    given_up(desk, "task_failed", starts=7)  # five times in mode OTA; NORMAL tells it


def test_an_image_that_is_there_is_not_given_up_for_want_of_memory_to_ask_whether_it_is_wanted():
    simulation.board.idf_heap = (2000, 44000)
    desk, own, ended = Desk(), Supervisor.own, []

    def crowded(supervisor, name, run, *details, **more):
        if name == "cloud" and desk.asked and not ended:
            ended.append(desk.system.mode)
            raise MemoryError
        return own(supervisor, name, run, *details, **more)

    desk.send("1.1.0")
    Supervisor.own = crowded
    try:
        desk.live_on()
    finally:
        Supervisor.own = own
    equal((ended, desk.status(), desk.starts), (["OTA"], ("SUCCEEDED", None), ["1.0.0"] * 3 + ["1.1.0"]))
    simulation.board.idf_heap = (8180, 164500)


def trial_begins_without_memory(ends):
    """A desk whose device has brought an image, and from then on has no memory to note the trial where `ends(desk)`."""
    desk = Desk()
    desk.send("1.1.0")

    def brought(link):
        flash = desk.system.flash
        save = flash.save

        async def starved(name, secret, bulk):
            if b'"trial"' in bulk and ends(desk):
                raise MemoryError
            await save(name, secret, bulk)

        flash.save = starved

    desk.faults = [brought]
    desk.live_on()
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
    return desk.starts


def test_a_trial_for_which_there_is_no_memory_beside_the_connection_begins_without_it():
    simulation.board.idf_heap = (2000, 44000)
    equal(trial_begins_without_memory(lambda desk: desk.system.aws is not None), ["1.0.0", "1.0.0", "1.1.0"])
    simulation.board.idf_heap = (8180, 164500)


def test_a_trial_for_which_there_is_no_memory_begins_after_a_fresh_start():
    equal(trial_begins_without_memory(lambda desk: True), ["1.0.0"] * 3 + ["1.1.0"])


def test_memory_that_ends_as_the_slot_is_switched_is_not_held_against_the_version():
    find, set_boot = Partition.find, Partition.set_boot
    for times in (1, 2):
        desk, switched, starved = Desk(), [], []

        def switch(partition):
            set_boot(partition)
            switched.append(partition.info()[4])

        def look(*details, **more):  # for what the bootloader makes of it
            if switched and switched.pop() == "ota_1" and len(starved) < times:
                starved.append(True)
                raise MemoryError
            return find(*details, **more)

        desk.send("1.1.0")
        Partition.set_boot, Partition.find = switch, look
        try:
            desk.live_on()
        finally:
            Partition.set_boot, Partition.find = set_boot, find
        equal((desk.status(), len(starved)), (("SUCCEEDED", None), times))
        equal(desk.starts, ["1.0.0"] * (2 + times) + ["1.1.0"])


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


def test_a_cloud_that_cannot_be_reached_for_want_of_memory_is_reached_by_a_fresh_start():
    """Mode OTA has as much as it takes to try, and each handshake fails all the same."""
    for times, code, starts in ((1, "no_memory", 1), (2, "no_memory", 2), (3, "no_dns", 1)):
        simulation.board.idf_heap = (2000, 44000)
        desk = Desk()
        desk.send("1.1.0")
        equal(desk.live(), "restart")
        desk.is_reachable = False

        def fails(desk=desk, code=code):
            desk.system.bus.emit(events.AWS_DISCONNECTED, code=code, message="", wait_ms=1000)

        for at in range(times):
            desk.at(10 + at, fails)
        desk.at(20, lambda desk=desk: setattr(desk, "is_reachable", True))
        equal(desk.live(), "restart")
        desk.is_reachable = True
        desk.live_on()
        equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0"] * (1 + starts) + ["1.1.0"]))
    simulation.board.idf_heap = (8180, 164500)
