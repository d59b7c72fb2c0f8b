"""What a person, and a test, reads on the serial console."""

import console
import events
from fakes import Group
from harness import equal


def test_an_event_is_one_line_with_its_time_mode_and_data():
    event = events.Event(events.WIFI_CONNECTED, {"ssid": "home", "ip": "192.168.4.2", "rssi": -50})
    equal(console.line(1234, "NORMAL", event), "   1.23 NORMAL wifi.connected ip=192.168.4.2 rssi=-50 ssid=home")


def test_a_value_with_spaces_is_quoted_so_that_pairs_can_be_told_apart():
    event = events.Event(events.TASK_FAILED, {"message": 'the "sensor" is not there', "task": ""})
    line = console.line(0, "NORMAL", event)
    equal(line, "   0.00 NORMAL task.failed message=\"the 'sensor' is not there\" task=\"\"")


def test_a_value_breaks_no_line():
    event = events.Event(events.WIFI_CONNECTED, {"ssid": "home\n   1.00 NORMAL forged\x1b"})
    equal(console.line(0, "NORMAL", event), '   0.00 NORMAL wifi.connected ssid="home?   1.00 NORMAL forged?"')


def test_a_change_of_mode_says_where_to_and_why():
    equal(console.transition(65000, "INIT", "ready", "NORMAL", None), "  65.00 INIT --ready--> NORMAL")
    equal(console.transition(65000, "NORMAL", "failed", "restart", "why"), "  65.00 NORMAL --failed--> restart (why)")


def test_a_reason_breaks_no_line():
    line = console.transition(0, "NORMAL", "failed", "restart", "Wi-Fi 'home\n   1.00 NORMAL forged\x1b' \u00fc")
    equal(line, "   0.00 NORMAL --failed--> restart (Wi-Fi 'home?   1.00 NORMAL forged?' \u00fc)")


def test_of_an_event_for_whose_line_there_is_no_memory_at_least_the_name_is_said():
    said = []
    line, console.line = console.line, no_memory
    console.print = lambda *words: said.append(words)
    try:
        system = Group(bus=events.Bus(), mode="NORMAL", board=Group(uptime_ms=lambda: 0))
        console.Console(system).tell(events.Event(events.MESSAGE_DROPPED, {}))
    finally:
        console.line = line
        del console.print
    equal(said, [("NORMAL", "message.dropped")])


def no_memory(*_):
    raise MemoryError
