"""The phone page and its connection: none, one that is given up, one that is lost, in headless Chromium."""

import json

import pytest

REFUSALS = {
    "No device was chosen": ["NotFoundError", "User cancelled the requestDevice() chooser."],
    "Nearby devices": ["NotFoundError", "User denied the browser permission to scan for Bluetooth devices."],
    "not allowed": ["SecurityError", 'Access to the feature "bluetooth" is disallowed by permissions policy.'],
}


def test_nobody_chose_a_device(phone):
    phone.open()
    for says, refusal in REFUSALS.items():
        phone.page.evaluate(f"radio.refusal = {json.dumps(refusal)}")
        phone.page.click("Find device")
        phone.page.wait(f"document.body.innerText.includes('{says}')")
        phone.see("find")
    phone.page.evaluate("location.hash = 'KHNIIGRTJUOVSXAU'")  # the label of another device, in the same tab
    phone.page.wait("document.body.innerText.includes('KHNI-IGRT-JUOV-SXAU')")
    assert phone.page.evaluate("location.hash") == ""
    phone.page.evaluate("radio.available = false")
    phone.page.click("Find device")
    phone.page.wait("document.body.innerText.includes('Bluetooth is switched off')")
    phone.see("find")


def test_cancelling_while_it_connects_lets_the_device_go(phone):
    """A browser does not give up a connect that is under way: a device that stays connected is found by nobody."""
    phone.open()
    phone.holds_open = True
    phone.page.click("Find device")
    phone.see("connecting")
    phone.page.click("Cancel")
    phone.see("find")
    phone.let_in()
    phone.page.wait("radio.asked.includes('close')")
    phone.connect()
    assert phone.page.evaluate("radio.asked.filter((one) => one === 'close').length") == 1


def test_a_connect_that_was_given_up_does_not_end_the_one_after_it(phone):
    phone.open()
    phone.holds_open = True
    phone.page.click("Find device")
    phone.see("connecting")
    phone.page.click("Cancel")
    phone.see("find")
    phone.page.click("Find device")
    phone.see("connecting")
    phone.let_in()
    phone.see("wifi")
    assert "close" not in phone.page.evaluate("radio.asked")


@pytest.mark.parametrize(("breaks", "screen"), [(2, "wifi"), (3, "trouble")])
def test_a_connection_that_ends_at_once_is_made_again(phone, breaks, screen):
    """The end of the connection before it may come late: who mends the setup code and goes on at once meets that."""
    phone.open()
    phone.page.evaluate(f"radio.breaks = {breaks}")
    phone.page.click("Find device")
    phone.see(screen)
    assert phone.page.evaluate("radio.asked.filter((one) => one === 'open').length") == 3


@pytest.mark.parametrize(("how", "ends"), [("cancelled", "refused"), ("lost", "saved")])
def test_a_connection_that_ends_while_the_device_tries_is_not_the_end(phone, how, ends):
    """Joining takes the radio that Bluetooth has use for, and a person may not want to wait. The device goes on:
    the page sees how it ended."""
    phone.open()
    phone.connect()
    phone.review()
    phone.send()
    phone.hurry(30)
    phone.device.state = {"mode": "CONFIG", "step": "joining", "code": 0, "message": "", "last": None}
    if how == "lost":
        phone.page.evaluate("radio.cut()")
    else:
        phone.page.click("Cancel")
    phone.see("saved")
    assert "Out of touch while it tries" in phone.page.text()
    phone.page.wait("radio.asked.filter((one) => one === 'state').length > 1")
    if ends == "refused":
        last = {"code": 6, "message": "The Wi-Fi password is wrong."}
        phone.device.state = {"mode": "CONFIG", "step": "failed", "code": 6, "message": "", "last": last}
        phone.see("trouble")
        assert "Wrong Wi-Fi password" in phone.page.text()
    else:
        phone.radio.leaves = True
        phone.see("done", 30)
        assert "Look into your cloud" in phone.page.text()


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_lost_connection_is_made_again(phone, moment):
    phone.open()
    phone.connect()
    phone.review()
    if moment == "before":
        phone.page.evaluate("radio.cut()")
    else:
        phone.radio.cut_at = phone.radio.writes + 2
        phone.page.click("Send to the device")
        phone.see("trouble")
        assert "What you typed is still here" in phone.page.text()
        phone.radio.cut_at = None
        phone.page.click("Try again")
        phone.see("review")
    phone.page.click("Send to the device")
    phone.see("saved")
    assert dict(phone.device.done)["CFG"]["networks"][0]["ssid"] == "Café Müller"


def test_a_scan_that_nobody_waits_for_takes_nothing_away_when_it_fails(phone):
    phone.open()
    phone.connect()
    phone.device.answers["SCAN"] = [(1, {}), (0, {"aps": []})]
    phone.device.hold = {"SCAN"}
    phone.page.evaluate("globalThis.asked = radio.asked.filter((one) => one === 'write').length")
    phone.page.click("Look again")
    phone.page.wait("radio.asked.filter((one) => one === 'write').length > asked")
    phone.page.click("Keep the Wi-Fi it has")
    phone.see("cloud")
    phone.page.type("Endpoint", "typed.example")
    phone.page.evaluate("radio.cut()")
    phone.see("cloud", seconds=1)
    assert phone.page.evaluate("document.querySelector('input').value") == "typed.example"


def test_settings_are_sent_though_a_scan_still_waits_for_the_connection(phone):
    opened = "radio.asked.filter((one) => one === 'open').length"
    phone.open()
    phone.connect()
    phone.add_wifi()
    phone.page.evaluate("radio.cut()")
    phone.holds_open = True
    phone.page.click("Look again")
    phone.page.wait(f"{opened} === 2")
    phone.fill_cloud()
    phone.page.click("Skip")
    phone.page.click("Send to the device")
    phone.page.wait(f"{opened} === 3")
    phone.let_in()
    phone.see("saved")


def test_a_look_that_never_connects_is_not_the_last_one(phone):
    """While the device restarts a browser may begin a connect that never ends."""
    phone.open()
    phone.connect()
    phone.review()
    phone.send()
    phone.device.opens_config_again(14, "The cloud was not reached.")
    phone.holds_open = True
    phone.hurry(30)
    phone.push(phone.device.release())
    phone.page.wait("radio.asked.filter((what) => what === 'open').length >= 3", 30)
    phone.holds_open = False
    phone.see("trouble", 30)
    assert "The cloud was not reached" in phone.page.text()
