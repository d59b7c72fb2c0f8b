"""The simulated `network`: codes, stickiness, errors and texts as network_wlan.c of the esp32 port has them."""

import time

import network
import simulation

from harness import equal, raises

FRESH = True  # the station is the chip's: it remembers

PASSWORD = "password"


def station():
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    return wlan


def until(wlan, *codes):
    """The first of `codes` that status() gives within two seconds."""
    for _ in range(400):
        if wlan.status() in codes:
            return wlan.status()
        time.sleep_ms(5)
    raise AssertionError("status is %d, none of %r" % (wlan.status(), codes))


def failure(error):
    return type(error), error.args


def test_joining_gives_an_address():
    simulation.world.access_point("home", PASSWORD, rssi=-61)
    wlan = station()
    equal(wlan.status(), network.STAT_IDLE)
    wlan.connect("home", PASSWORD)
    equal(wlan.status(), network.STAT_CONNECTING)
    equal(wlan.isconnected(), False)
    equal(until(wlan, 1010), network.STAT_GOT_IP)
    equal(wlan.isconnected(), True)
    equal(wlan.ifconfig(), ("192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1"))
    equal(wlan.ipconfig("addr4"), ("192.168.4.2", "255.255.255.0"))
    equal(network.ipconfig("dns"), "192.168.4.1")
    equal(wlan.status("rssi"), -61)
    equal(wlan.config("ssid"), "home")


def test_absent_network_is_201_at_once_and_for_ever():
    wlan = station()
    wlan.connect("home", PASSWORD)
    equal(until(wlan, 201), network.STAT_NO_AP_FOUND)
    wlan.disconnect()
    equal(wlan.status(), 201)
    wlan.active(False)
    equal(wlan.status(), 201)


def test_last_code_stays_while_the_next_attempt_runs():
    wlan = station()
    wlan.config(reconnects=0)
    wlan.connect("away", PASSWORD)
    until(wlan, 201)
    simulation.world.access_point("home", PASSWORD)
    wlan.connect("home", PASSWORD)
    equal(wlan.status(), 201)
    until(wlan, 1010)


def test_wrong_password_reads_as_connecting_while_reconnects_are_endless():
    simulation.world.access_point("home", PASSWORD).wrong_password_reasons = (15, 204)
    wlan = station()
    equal(wlan.config("reconnects"), -1)
    wlan.connect("home", "another one")
    for _ in range(150):
        equal(wlan.status(), network.STAT_CONNECTING)
        time.sleep_ms(5)


def test_wrong_password_is_told_by_one_of_three_codes_when_reconnects_are_limited():
    for reconnects, code in ((0, 15), (2, 204), (3, 202)):
        simulation.world.access_point("home", PASSWORD)
        wlan = station()
        wlan.config(reconnects=reconnects)
        equal(wlan.config("reconnects"), reconnects)
        wlan.connect("home", "another one")
        equal(until(wlan, 15, 202, 204), code)
        wlan.active(False)


def test_connection_failure_of_the_radio_reads_as_wrong_password():
    simulation.world.access_point("home", PASSWORD).wrong_password_reasons = (205,)
    wlan = station()
    wlan.connect("home", "another one")
    equal(until(wlan, 202), network.STAT_WRONG_PASSWORD)


def test_security_that_does_not_fit_is_no_network():
    simulation.world.access_point("open")
    simulation.world.access_point("home", PASSWORD)
    wlan = station()
    wlan.connect("open", PASSWORD)
    equal(until(wlan, 211), network.STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD)
    wlan.disconnect()
    wlan.connect("home")
    equal(until(wlan, 210), network.STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY)
    wlan.disconnect()
    wlan.connect("open")
    until(wlan, 1010)


def test_network_that_refuses_is_203_once_the_attempts_are_used_up():
    simulation.world.access_point("home", PASSWORD).refuse()
    wlan = station()
    wlan.config(reconnects=1)
    wlan.connect("home", PASSWORD)
    equal(wlan.status(), network.STAT_CONNECTING)
    equal(until(wlan, 203), network.STAT_ASSOC_FAIL)


def test_no_address_never_connects():
    home = simulation.world.access_point("home", PASSWORD)
    home.no_address()
    wlan = station()
    wlan.config(reconnects=0)
    wlan.connect("home", PASSWORD)
    time.sleep_ms(400)
    equal(wlan.status(), network.STAT_CONNECTING)
    equal(wlan.isconnected(), False)
    equal(wlan.ifconfig()[0], "0.0.0.0")
    home.no_address(False)
    until(wlan, 1010)


def test_vanished_network_is_noticed_by_its_beacons():
    home = simulation.world.access_point("home", PASSWORD)
    wlan = station()
    wlan.config(reconnects=0)
    wlan.connect("home", PASSWORD)
    until(wlan, 1010)
    home.vanish()
    equal(wlan.isconnected(), True)
    equal(until(wlan, 200), network.STAT_BEACON_TIMEOUT)
    equal(wlan.isconnected(), False)
    error = raises(OSError, lambda: wlan.status("rssi"))
    equal(failure(error), (OSError, ("Wifi Not Connected",)))


def test_endless_reconnects_find_the_network_again():
    home = simulation.world.access_point("home", PASSWORD)
    wlan = station()
    wlan.connect("home", PASSWORD)
    until(wlan, 1010)
    home.vanish()
    until(wlan, 201)
    home.back()
    until(wlan, 1010)
    home.kick()
    equal(wlan.isconnected(), False)
    until(wlan, 1010)


def test_disconnecting_from_a_network_is_idle():
    simulation.world.access_point("home", PASSWORD)
    wlan = station()
    wlan.connect("home", PASSWORD)
    until(wlan, 1010)
    wlan.disconnect()
    equal(wlan.status(), network.STAT_IDLE)
    equal(wlan.isconnected(), False)


def test_what_the_driver_refuses():
    simulation.world.access_point("home", PASSWORD)
    wlan = network.WLAN()
    equal(failure(raises(OSError, lambda: wlan.connect("home", PASSWORD))), (OSError, ("Wifi Not Started",)))
    equal(failure(raises(OSError, wlan.scan)), (OSError, ("STA must be active",)))
    wlan.active(True)
    wlan.connect("home", PASSWORD)
    equal(failure(raises(OSError, lambda: wlan.connect("home", PASSWORD))), (OSError, ("Wifi Internal Error",)))
    equal(wlan.scan(), [])
    raises(ValueError, lambda: wlan.connect("home", PASSWORD, bssid=b"short"))


def test_what_config_refuses_has_the_ports_own_error():
    sta, ap = network.WLAN(network.STA_IF), network.WLAN(network.AP_IF)
    equal(failure(raises(OSError, lambda: sta.config(ssid="x"))), (OSError, ("AP required",)))
    equal(failure(raises(OSError, lambda: ap.config(reconnects=1))), (OSError, ("STA required",)))
    equal(failure(raises(OSError, lambda: ap.status("rssi"))), (OSError, ("STA required",)))
    equal(failure(raises(ValueError, lambda: sta.config("colour"))), (ValueError, ("unknown config param",)))
    equal(failure(raises(ValueError, lambda: sta.config(colour=1))), (ValueError, ("unknown config param",)))
    equal(failure(raises(ValueError, lambda: sta.status("colour"))), (ValueError, ("unknown status param",)))
    equal(
        failure(raises(TypeError, lambda: sta.config("mac", pm=0))), (TypeError, ("either pos or kw args are allowed",))
    )
    equal(failure(raises(TypeError, sta.config)), (TypeError, ("can query only one param",)))
    raises(ValueError, lambda: network.WLAN(2))


def test_names_and_addresses():
    wlan = network.WLAN(network.STA_IF)
    equal(wlan is network.WLAN(), True)
    equal(wlan.config("mac"), simulation.board.unique_id)
    network.hostname("x" * 32)
    equal(network.hostname(), "x" * 32)
    equal(wlan.config("hostname"), "x" * 32)
    raises(ValueError, lambda: network.hostname("x" * 33))
    network.country("DE")
    equal(network.country(), "DE")
    raises(ValueError, lambda: network.country("GER"))


def test_an_address_of_its_own_needs_no_router():
    simulation.world.access_point("home", PASSWORD).no_address()
    wlan = station()
    wlan.ifconfig(("192.168.1.9", 24, "192.168.1.1", "9.9.9.9"))
    equal(wlan.ifconfig(), ("192.168.1.9", "255.255.255.0", "192.168.1.1", "9.9.9.9"))
    wlan.connect("home", PASSWORD)
    until(wlan, 1010)
    equal(wlan.ipconfig("dhcp4"), False)
    wlan.ipconfig(addr4="192.168.1.10/16", gw4="192.168.1.2")
    equal((wlan.ipconfig("addr4"), wlan.ipconfig("gw4")), (("192.168.1.10", "255.255.0.0"), "192.168.1.2"))
    wlan.ipconfig(addr4=("192.168.1.11", "255.255.255.0"))
    equal(wlan.ifconfig()[:3], ("192.168.1.11", "255.255.255.0", "192.168.1.2"))
    wlan.ipconfig(dhcp4=True)
    equal(wlan.ipconfig("dhcp4"), True)
    network.ipconfig(dns="8.8.8.8")
    equal(network.ipconfig("dns"), "8.8.8.8")


def test_addresses_that_are_none_are_refused_as_by_the_port():
    sta, ap = network.WLAN(network.STA_IF), network.WLAN(network.AP_IF)
    for call, words in (
        (lambda: sta.ifconfig(("home", 24, "", "")), "invalid arguments"),
        (lambda: sta.ifconfig(("1.2.3.4", 24, "")), "requested length 4 but object has length 3"),
        (lambda: sta.ifconfig("static"), "invalid arguments"),
        (lambda: ap.ifconfig("dhcp"), "invalid arguments"),
        (lambda: ap.ipconfig("dhcp4"), "unexpected key"),
        (lambda: sta.ipconfig(colour=1), "unexpected key"),
        (lambda: network.ipconfig(dns="home"), "invalid arguments as dns server"),
    ):
        equal(raises(ValueError, call).args, (words,))
    equal(raises(TypeError, lambda: sta.ipconfig("gw4", gw4="")).args, ("can't specify pos and kw args",))


def test_what_only_a_radio_that_runs_can_tell():
    sta, ap = network.WLAN(network.STA_IF), network.WLAN(network.AP_IF)
    for call in (lambda: sta.config("channel"), lambda: sta.config("txpower"), lambda: sta.config(txpower=5)):
        equal(failure(raises(OSError, call)), (OSError, ("Wifi Not Started",)))
    sta.active(True)
    equal((sta.config("channel"), sta.config("txpower")), (1, 20.0))
    equal(failure(raises(OSError, sta.connect)), (OSError, ("Wifi SSID Invalid",)))
    equal(failure(raises(RuntimeError, lambda: sta.config(pm=7))), (RuntimeError, ("Wifi Unknown Error 0x0102",)))
    equal(ap.config("ssid"), "ESP_%02X%02X%02X" % tuple(ap.config("mac")[3:]))
    ap.config(ssid="setup", key="12345678", security=network.WLAN.SEC_WPA2)
    equal((ap.config("ssid"), ap.config("security")), ("setup", 3))
    error = raises(OSError, lambda: ap.config(ssid="other", password="short"))
    equal((failure(error), ap.config("ssid")), ((OSError, ("Wifi Invalid Password",)), "setup"))
    equal(failure(raises(ValueError, lambda: ap.config("key"))), (ValueError, ("unknown config param",)))
    raises(ValueError, lambda: sta.config("password"))


def test_scan_shows_what_is_in_range_strongest_first():
    world = simulation.world
    world.access_point("weak", PASSWORD, rssi=-80, channel=11)
    world.access_point("strong", rssi=-40, channel=1)
    world.access_point("off", PASSWORD).vanish()
    found = station().scan()
    equal(
        [(entry[0], entry[2], entry[3], entry[4]) for entry in found], [(b"strong", 1, -40, 0), (b"weak", 11, -80, 3)]
    )


def test_slow_radio_takes_its_time():
    simulation.world.access_point("home", PASSWORD)
    simulation.world.radio_factor = 4
    wlan = station()
    wlan.connect("home", PASSWORD)
    started = time.ticks_ms()
    until(wlan, 1010)
    equal(time.ticks_diff(time.ticks_ms(), started) >= 600, True)
