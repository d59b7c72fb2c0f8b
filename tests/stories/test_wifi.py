"""What goes wrong with the Wi-Fi is told, each by its own code, and mended without a visit."""

from tests.stories.conftest import eventually, put_settings
from tools.desk import PASSWORD


def test_a_wrong_password_is_told_as_such_and_retried(desk, device):
    desk.home.password = "another one"
    device.power_on()
    line = device.wait_for(r"wifi\.disconnected .*code=wrong_password", 40)
    assert "home" in line
    desk.home.password = PASSWORD
    device.wait_for(r"wifi\.connected", 90)


def test_an_absent_access_point_is_told_as_such(desk, device):
    desk.home.vanish()
    device.power_on()
    device.wait_for(r"wifi\.disconnected .*code=no_network", 40)
    desk.home.back()
    device.wait_for(r"aws\.connected", 90)


def test_an_access_point_that_takes_nobody_is_told_as_such(desk, device):
    desk.home.refuse()
    device.power_on()
    device.wait_for(r"wifi\.disconnected .*code=wifi_failed", 40)
    desk.home.refuse(False)
    device.wait_for(r"aws\.connected", 90)


def test_an_access_point_without_addresses_is_told_as_such(desk, device):
    desk.home.no_address()
    device.power_on()
    device.wait_for(r"wifi\.disconnected .*code=no_address", 40)
    desk.home.no_address(False)
    device.wait_for(r"aws\.connected", 90)


def test_the_first_network_in_range_is_taken_by_the_order_of_the_settings(desk):
    desk.world.access_point("garage", "garage password", rssi=-40)
    desk.world.access_point("office", "office password", rssi=-80)
    networks = [("nowhere", "12345678"), ("office", "office password"), ("garage", "garage password")]
    put_settings(desk, networks=[{"ssid": ssid, "password": password} for ssid, password in networks])
    desk.device.power_on()
    desk.device.wait_for(r"wifi\.connected .*ssid=office", 60)


def test_another_network_is_taken_when_the_one_in_use_is_lost(desk):
    office = desk.world.access_point("office")
    networks = [{"ssid": "office", "password": None}, {"ssid": "home", "password": PASSWORD}]
    put_settings(desk, networks=networks)
    desk.device.power_on()
    desk.device.wait_for(r"wifi\.connected .*ssid=office")
    desk.device.wait_for(r"aws\.connected")
    office.vanish()
    desk.device.wait_for(r"wifi\.connected .*ssid=home", 60)
    desk.device.wait_for(r"aws\.connected", 60)


def test_a_lost_access_point_is_noticed_and_the_device_returns_by_itself(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    desk.home.vanish()
    device.wait_for(r"wifi\.disconnected .*code=wifi_lost", 40)
    assert "code=connection_lost" in device.wait_for(r"aws\.disconnected", 40)
    for _ in range(3):
        line = device.wait_for(r"(wifi|aws)\.disconnected", 60)
        assert "code=no_network" in line, "without Wi-Fi there is no cloud to look for"
    desk.home.back()
    device.wait_for(r"wifi\.connected", 90)
    device.wait_for(r"aws\.connected", 90)
    operator.forget()
    operator.next_message()
    assert device.starts == ["power on"], "it must not restart for that"


def test_wifi_that_is_lost_during_the_tls_handshake_is_survived(desk, device):
    desk.home.latency_ms = 400
    desk.home.cut_after(1000000)  # counts the bytes of the connection
    device.power_on()
    device.wait_for(r"clock\.set")
    eventually(lambda: desk.home.cut_left < 1000000)
    desk.home.vanish()
    device.wait_for(r"wifi\.disconnected .*code=wifi_lost", 40)
    device.wait_for(r"aws\.disconnected .*code=tls_failed", 40)
    desk.home.latency_ms = 0
    desk.home.back()
    device.wait_for(r"aws\.connected", 60)
    assert device.starts == ["power on"]
