"""The simulated `esp32.NVS`: errors, room and power cuts as ESP-IDF's NVS has them."""

import esp32
import simulation

from harness import equal, raises

FRESH = True
TIMEOUT_S = 30


def os_error(call):
    return raises(OSError, call).args


def power_cycle():
    simulation.board.power_cycle()


def test_values_outlive_a_power_cut_with_or_without_commit():
    store = esp32.NVS("app")
    store.set_i32("n", -2147483647)
    store.set_blob("b", b"\0\xff" * 1000)
    power_cycle()
    store = esp32.NVS("app")
    buffer = bytearray(2500)
    equal(store.get_i32("n"), -2147483647)
    equal(store.get_blob("b", buffer), 2000)
    equal(bytes(buffer[:2000]), b"\0\xff" * 1000)


def test_namespaces_are_apart():
    esp32.NVS("one").set_i32("n", 1)
    esp32.NVS("two").set_i32("n", 2)
    equal(esp32.NVS("one").get_i32("n"), 1)
    esp32.NVS("one").erase_key("n")
    equal(os_error(lambda: esp32.NVS("one").get_i32("n")), (-4354, "ESP_ERR_NVS_NOT_FOUND"))
    equal(esp32.NVS("two").get_i32("n"), 2)


def test_errors_have_the_chips_numbers_and_names():
    store = esp32.NVS("app")
    store.set_blob("b", b"12345")
    store.set_i32("n", 1)
    equal(os_error(lambda: store.get_i32("none")), (-4354, "ESP_ERR_NVS_NOT_FOUND"))
    equal(os_error(lambda: store.erase_key("none")), (-4354, "ESP_ERR_NVS_NOT_FOUND"))
    equal(os_error(lambda: store.get_i32("b")), (-4354, "ESP_ERR_NVS_NOT_FOUND"))
    equal(os_error(lambda: store.get_blob("n", bytearray(9))), (-4354, "ESP_ERR_NVS_NOT_FOUND"))
    equal(os_error(lambda: store.get_blob("b", bytearray(4))), (-4364, "ESP_ERR_NVS_INVALID_LENGTH"))
    equal(os_error(lambda: store.set_i32("k" * 16, 1)), (-4361, "ESP_ERR_NVS_KEY_TOO_LONG"))
    equal(os_error(lambda: store.set_blob("k" * 16, b"")), (-4361, "ESP_ERR_NVS_KEY_TOO_LONG"))
    equal(os_error(lambda: esp32.NVS("n" * 16)), (-4361, "ESP_ERR_NVS_KEY_TOO_LONG"))
    equal(os_error(lambda: store.set_blob("b", bytes(20001))), (-4366, "ESP_ERR_NVS_VALUE_TOO_LONG"))


def test_a_number_that_is_too_large_is_refused_not_cut():
    store = esp32.NVS("app")
    for number in (2147483648, -2147483648, 1700000000000):
        error = raises(OverflowError, lambda: store.set_i32("n", number))
        equal(error.args, ("overflow converting long int to machine word",))
    store.set_i32("n", 2147483647)
    equal(store.get_i32("n"), 2147483647)


def test_reading_cuts_a_long_key_where_setting_refuses_it():
    store = esp32.NVS("app")
    store.set_i32("k" * 15, 7)
    equal(store.get_i32("k" * 16), 7)


def test_empty_blob_is_a_value():
    store = esp32.NVS("app")
    store.set_blob("b", b"")
    equal(store.get_blob("b", bytearray(1)), 0)


def test_full_partition_keeps_the_old_value_whole():
    store = esp32.NVS("app")
    count = 0
    try:
        while True:
            store.set_blob("key%d" % count, bytes([count]) * 1000)
            count += 1
    except OSError as error:
        equal(error.args, (-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE"))
    equal(14 <= count <= 17, True)
    equal(os_error(lambda: store.set_blob("key3", b"x" * 1000)), (-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE"))
    buffer = bytearray(1000)
    equal(store.get_blob("key3", buffer), 1000)
    equal(bytes(buffer), b"\x03" * 1000)
    store.erase_key("key3")
    store.set_blob("key3", b"x" * 1000)


def test_rewriting_for_long_keeps_every_other_value():
    store = esp32.NVS("app")
    for i in range(8):
        store.set_blob("still%d" % i, bytes([i]) * 500)
    for i in range(400):
        store.set_blob("moving", bytes([i & 255]) * (100 + i * 3))
        store.set_i32("count", i)
    power_cycle()
    store = esp32.NVS("app")
    buffer = bytearray(2000)
    for i in range(8):
        equal(store.get_blob("still%d" % i, buffer), 500)
        equal(bytes(buffer[:500]), bytes([i]) * 500)
    equal(store.get_blob("moving", buffer), 100 + 399 * 3)
    equal(store.get_i32("count"), 399)


def test_unchanged_value_costs_no_write():
    store = esp32.NVS("app")
    store.set_blob("b", b"same")
    store.set_i32("n", 5)
    writes = simulation.board.flash.writes
    store.set_blob("b", b"same")
    store.set_i32("n", 5)
    equal(simulation.board.flash.writes, writes)


def test_power_cut_at_any_write_leaves_the_old_or_the_new_blob():
    for torn in (False, True):
        old = b"old" * 300
        esp32.NVS("app").set_blob("record", old)
        cuts = 0
        finished = False
        while not finished:
            cuts += 1
            new = bytes([cuts]) * 950
            finished = not cut_while_setting(cuts, torn, "record", new)
            value = read("record")
            equal(value in (old, new), True)
            if finished:
                equal(value, new)
            old = value
        equal(cuts > 8, True)


def test_power_cut_while_a_page_is_moved_loses_at_most_all_of_it():
    # ESP-IDF's own weak spot: between taking the spare page and marking the one to be moved no page is empty, and the
    # port erases an NVS without an empty page. Everywhere else both values stay.
    wiped = cuts = 0
    for n in range(200):
        store = esp32.NVS("app")
        store.set_i32("other", 42)
        old = bytes([n]) * 900
        new = bytes([n + 1]) * 900
        store.set_blob("record", old)
        cuts += cut_while_setting(1 + n % 9, n % 2 == 1, "record", new)
        try:
            equal(esp32.NVS("app").get_i32("other"), 42)
        except OSError:
            wiped += 1
            continue
        equal(read("record") in (old, new), True)
    equal(cuts > 100, True)
    equal(wiped < cuts // 10, True)


def cut_while_setting(n, torn, key, value):
    """Set with the power cut at the n-th write, and start again. Returns whether the power went."""
    simulation.board.flash.cut_at(n, torn)
    try:
        esp32.NVS("app").set_blob(key, value)
        cut = False
    except simulation.PowerCut:
        cut = True
    simulation.board.flash.cut_at(None)
    power_cycle()
    return cut


def read(key):
    buffer = bytearray(2000)
    return bytes(buffer[: esp32.NVS("app").get_blob(key, buffer)])
