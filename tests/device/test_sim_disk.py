"""The file system in memory: power cuts at each of its writes, within one process."""

import os

import esp32
import simulation

from harness import equal

FRESH = True
TIMEOUT_S = 30


def save(text):
    with open("/new", "w") as file:
        file.write(text)
    os.rename("/new", "/record")


def read():
    with open("/record") as file:
        return file.read()


def test_old_or_new_file_at_every_cut():
    disk = simulation.board.mount_disk()
    save("old" * 400)
    for torn in (False, True):
        n = 0
        finished = False
        while not finished:
            n += 1
            old, new = read(), "%d-%r " % (n, torn) * 200
            simulation.board.flash.cut_at(n, torn)
            try:
                save(new)
                finished = True
            except simulation.PowerCut:
                pass
            simulation.board.flash.cut_at(None)
            simulation.board.power_cycle()
            equal(read() in (old, new), True)
        equal(n > 4, True)
    disk.unmount()


def test_a_file_that_was_open_cannot_write_after_the_power_cut():
    disk = simulation.board.mount_disk()
    save("old")
    file = open("/record", "w")
    file.write("x" * 3000)
    simulation.board.flash.cut_at(1)
    try:
        file.close()
    except simulation.PowerCut:
        pass
    simulation.board.power_cycle()
    equal(read(), "old")
    disk.unmount()


def test_nvs_and_files_are_cut_by_the_same_count_and_imports_go_on():
    disk = simulation.board.mount_disk()
    store = esp32.NVS("app")
    store.set_i32("n", 1)
    save("one")
    simulation.board.flash.cut_at(3)
    try:
        store.set_i32("n", 2)
        save("two")
    except simulation.PowerCut:
        pass
    simulation.board.power_cycle()
    equal((esp32.NVS("app").get_i32("n"), read()), (2, "one"))
    import backoff

    equal(backoff.Backoff(1, 1).attempt, 0)
    disk.unmount()
    equal("record" in os.listdir("/"), False)
