"""What goes wrong with the Wi-Fi is told, each by its own code, and mended without a visit."""


def test_a_wrong_password_is_told_as_such_and_retried(desk, device):
    desk.home.password = "another one"
    device.power_on()
    line = device.wait_for(r"wifi\.disconnected .*code=wrong_password", 40)
    assert "home" in line
    desk.home.password = "correct horse battery"
    device.wait_for(r"wifi\.connected", 90)


def test_an_absent_access_point_is_told_as_such(desk, device):
    desk.home.vanish()
    device.power_on()
    device.wait_for(r"wifi\.disconnected .*code=no_network", 40)
    desk.home.back()
    device.wait_for(r"aws\.connected", 90)


def test_an_access_point_without_addresses_is_told_as_such(desk, device):
    desk.home.no_address()
    device.power_on()
    device.wait_for(r"wifi\.disconnected .*code=no_address", 40)


def test_the_second_network_is_taken_when_the_first_is_away(desk, device):
    desk.world.access_point("office", "other password")
    networks = [{"ssid": "nowhere", "password": "12345678"}, {"ssid": "office", "password": "other password"}]
    desk.leave_factory(networks=networks)
    device.power_on()
    device.wait_for(r"wifi\.connected .*ssid=office", 60)


def test_a_lost_access_point_is_noticed_and_the_device_returns_by_itself(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    desk.home.vanish()
    device.wait_for(r"wifi\.disconnected .*code=wifi_lost", 40)
    device.wait_for(r"aws\.disconnected", 40)
    desk.home.back()
    device.wait_for(r"wifi\.connected", 90)
    device.wait_for(r"aws\.connected", 90)
    operator.forget()
    operator.next_message()
    assert device.starts == ["power on"], "it must not restart for that"
