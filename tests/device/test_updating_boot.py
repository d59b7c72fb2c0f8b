"""Which start mode OTA has: one of boot.py's own, without the application; with an older boot.py, as any other."""

from harness import equal
from update_desk import Desk

TIMEOUT_S = 60
HEAP = "16m"  # for what the desk keeps


def test_the_application_is_not_there_for_an_update_unless_boot_py_is_an_older_one():
    for is_older in (False, True):
        desk = Desk()
        desk.boot_begins_updates = not is_older
        desk.send("1.1.0")
        equal(desk.live(), "restart")
        equal(desk.live(), "restart")
        equal(desk.system.application is not None, is_older)
        desk.live_on()
        equal((desk.status(), desk.starts), (("SUCCEEDED", None), ["1.0.0"] * 2 + ["1.1.0"]))


def test_an_update_that_was_cut_goes_on_without_the_application_whatever_boot_py_it_is():
    for is_older, starts in ((False, 4), (True, 5)):
        desk = Desk()
        desk.boot_begins_updates = not is_older
        desk.send("1.1.0")
        equal(desk.live(), "restart")
        equal(desk.live(lambda: desk.asked), "calm")  # the power goes
        desk.live_on()
        equal((desk.status(), len(desk.starts)), (("SUCCEEDED", None), starts))
