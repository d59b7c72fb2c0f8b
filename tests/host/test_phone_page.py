"""The phone page, walked as a person would in headless Chromium: a picture of each step is in pytest's tmp_path."""

import pytest

from tests.host import pki
from tests.host.phone_device import APS

LOOKS = [(320, 568, "light"), (360, 740, "dark"), (1280, 800, "light"), (1280, 800, "dark")]


@pytest.mark.parametrize(("width", "height", "scheme"), LOOKS)
def test_a_device_is_found_configured_and_saved_on_every_screen(phone, files, width, height, scheme):
    page, device = phone.page, phone.device
    page.size(width, height, mobile=width < 600)
    page.scheme(scheme)
    device.hold = {"SCAN", "APPLY"}
    phone.open()
    assert page.evaluate("location.href") == phone.url, "the setup code stays out of the address bar"
    page.click("Find device")
    phone.see("connecting")
    page.wait("document.querySelector('.happening .now')?.textContent.includes('networks')")
    phone.push(device.release())
    phone.see("wifi")
    phone.add_wifi()
    phone.see("wifi")
    phone.fill_cloud()
    page.choose_files("#files", files)
    page.wait("document.querySelectorAll('.files li').length === 3")
    phone.see("certificates")
    page.click("Continue")
    phone.see("review")
    page.click("Send to the device")
    page.wait("document.querySelector('.happening .now')?.textContent.includes('Café Müller')")
    phone.see("sending")
    phone.push(device.release())
    phone.see("saved")
    page.click("I see it in the cloud")
    phone.see("done")
    sent = dict(device.done)
    assert sent["CFG"] == {
        "networks": [{"ssid": "Café Müller", "password": "correct horse"}],
        "aws": {"endpoint": "abc123-ats.iot.eu-west-1.amazonaws.com", "template": "fleet"},
    }
    assert [typ for typ, _ in device.done] == ["TIME", "STS", "SCAN", "CFG", "CERT", "CERT", "APPLY"]
    assert [dat["role"] for typ, dat in device.done if typ == "CERT"] == ["ca", "claim"]


def test_the_device_that_does_not_come_back_is_online(phone):
    phone.open()
    phone.connect()
    phone.review()
    phone.radio.leaves = True
    phone.send()
    phone.hurry(60)
    phone.push(phone.device.release())
    phone.see("saved")
    phone.see("done")
    assert "did not come back" in phone.page.text()


def test_what_the_device_warned_of_is_shown_until_the_end(phone):
    warnings = ['network "home <b>" fell off the list: at most 8 are kept', 'unknown field "aws.colour"']
    phone.open()
    phone.connect()
    phone.review()
    phone.device.answers["CFG"] = [(0, {"warnings": warnings})]
    phone.page.click("Send to the device")
    phone.see("saved")
    assert [warning in phone.page.text() for warning in warnings] == [True, True]
    phone.page.click("I see it in the cloud")
    phone.see("done")
    assert [warning in phone.page.text() for warning in warnings] == [True, True]


def test_the_device_that_comes_back_says_why_and_is_set_up_again(phone):
    phone.open()
    phone.connect()
    phone.review()
    phone.send()
    phone.device.opens_config_again(15, "The cloud refused the device's certificate: register it.")
    phone.hurry(30)
    phone.push(phone.device.release())
    phone.see("trouble")
    phone.hurry(1)
    phone.device.hold = set()
    assert "The cloud refused the device" in phone.page.text()
    assert "register it" in phone.page.text()
    phone.page.click("Check the certificates")
    phone.see("certificates")
    phone.page.click("Skip")
    phone.page.click("Send to the device")
    phone.see("saved")
    assert [typ for typ, _ in phone.device.done].count("APPLY") == 2


@pytest.mark.parametrize(
    ("code", "heading", "way", "screen"),
    [
        (5, "Something is missing", "Check the cloud", "cloud"),
        (6, "Wrong Wi-Fi password", "Check the Wi-Fi", "wifi"),
        (7, "Wi-Fi not found", "Check the Wi-Fi", "wifi"),
        (9, "No address", "Try again", "review"),
        (12, "It did not work", "Try again", "review"),
        (14, "Cloud not reached", "Check the cloud", "cloud"),
        (15, "The cloud refused", "Check the certificates", "certificates"),
    ],
)
def test_a_refusal_leads_on(phone, code, heading, way, screen):
    phone.open()
    phone.connect()
    phone.review()
    phone.device.answers["APPLY"] = [(1, {}), (code, {})]
    phone.page.click("Send to the device")
    phone.see("trouble")
    assert heading in phone.page.text()
    assert f"code {code}" in phone.page.text()
    phone.page.click(way)
    phone.see(screen)


def test_after_a_wrong_password_the_right_one_is_enough(phone):
    phone.open()
    phone.connect()
    phone.review()
    phone.device.answers["APPLY"] = [(6, {})]
    phone.page.click("Send to the device")
    phone.see("trouble")
    phone.page.click("Check the Wi-Fi")
    phone.see("wifi")
    assert "this password was refused" in phone.page.text()
    phone.add_wifi(password="battery staple")
    assert "this password was refused" not in phone.page.text()
    phone.device.answers["APPLY"] = [(2, {})]
    phone.page.click("Continue")
    phone.page.click("Continue")
    phone.page.click("Skip")
    phone.page.click("Send to the device")
    phone.see("saved")
    *_, (_, cfg), _ = phone.device.done
    assert cfg["networks"] == [{"ssid": "Café Müller", "password": "battery staple"}]
    assert cfg["aws"]["template"] == "fleet", "what was typed before is still there"
    assert phone.device.connections == 2, "one of its own making, one for the page: it stayed connected"


def test_a_network_that_was_taken_back_is_not_tried_again(phone):
    """The device keeps what it was told until the connection ends, and would blame the one that nobody wants."""
    phone.open()
    phone.connect()
    phone.review()
    phone.device.answers["APPLY"] = [(7, {})]
    phone.page.click("Send to the device")
    phone.see("trouble")
    phone.page.click("Check the Wi-Fi")
    phone.see("wifi")
    phone.page.click("Remove Café Müller")
    phone.add_wifi("workshop")
    phone.device.answers["APPLY"] = [(2, {})]
    phone.page.click("Continue")
    phone.page.click("Continue")
    phone.page.click("Skip")
    phone.page.click("Send to the device")
    phone.see("saved")
    assert phone.device.connections == 3, "one of its own making, two for the page"


def test_a_wrong_setup_code_is_asked_for_again(phone):
    phone.open("AAIS-EM2E-KVTH-PCEA")
    phone.page.click("Find device")
    phone.see("trouble")
    assert "Wrong setup code" in phone.page.text()
    phone.page.click("Check the setup code")
    phone.see("find")
    phone.page.click("Change")
    phone.page.type("Setup code", "aaisem2ekvthpcez")
    assert phone.page.evaluate("document.querySelector('input').value") == "AAIS-EM2E-KVTH-PCEZ"
    phone.page.click("Connect")
    phone.see("wifi")


def test_a_setup_code_that_is_none_is_noticed_while_typing(phone):
    phone.open(code="")
    phone.page.type("Setup code", "AAIS-EM2E")
    phone.page.click("Find device")
    assert "16 characters; 8 so far" in phone.page.text()
    assert phone.page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"


def test_a_device_that_is_locked_says_for_how_long(phone):
    phone.device.locked_s = 43
    phone.open()
    phone.page.click("Find device")
    phone.see("trouble")
    assert "Too many wrong codes" in phone.page.text()
    assert "listens again in 4" in phone.page.text()
    assert phone.page.evaluate("document.querySelector('.actions .primary').disabled")


def test_a_device_without_encryption_is_warned_of(phone):
    phone.device.security = "open"
    phone.open()
    phone.page.click("Find device")
    phone.see("open")
    assert phone.device.heard == b""
    phone.page.click("Go on without protection")
    phone.see("wifi")


def test_a_phone_whose_clock_is_wrong_sets_it_up_all_the_same(phone):
    phone.device.answers["TIME"] = [(8, {})]
    phone.open()
    phone.connect()


def test_the_last_failure_is_shown_first(phone):
    phone.device.state["last"] = {"code": 14, "message": "a firewall may block the port"}
    phone.open()
    phone.connect()
    assert "Cloud not reached" in phone.page.text()
    phone.page.click("Check the cloud settings")
    phone.see("cloud")


def test_networks_are_chosen_typed_and_taken_back(phone):
    phone.open()
    phone.connect()
    page = phone.page
    page.click("guests")
    page.click("Another network")
    page.type("Network name", "hidden")
    page.type("Password", "short")
    page.click("Add")
    assert "at least 8 characters" in page.text()
    page.type("Password", "long enough")
    page.click("Add")
    page.wait("document.querySelectorAll('.chosen li').length === 2")
    phone.see("wifi")
    page.click("Remove guests")
    page.wait("document.querySelectorAll('.chosen li').length === 1")
    phone.device.answers["SCAN"] = [(0, {"aps": APS[:1]})]
    page.click("Look again")
    page.wait("document.querySelectorAll('.networks .network').length === 2")
    phone.fill_cloud()
    page.click("Skip")
    page.click("Send to the device")
    phone.see("saved")
    assert dict(phone.device.done)["CFG"]["networks"] == [{"ssid": "hidden", "password": "long enough"}]


def test_files_that_do_not_fit_are_told(phone, files, tmp_path):
    stray = tmp_path / "other-private.pem.key"
    stray.write_bytes(pki.key_bytes(pki.EC_KEY, pki.PEM))
    phone.open()
    phone.connect()
    phone.add_wifi()
    phone.fill_cloud()
    page = phone.page
    page.choose_files("#files", [files[0], stray])
    page.wait("document.body.innerText.includes('does not belong to the certificate')")
    phone.see("certificates")
    assert page.evaluate("document.getElementById('next').disabled")
    page.click("Remove Private key")
    page.click("Paste text instead")
    page.type("Certificates and key as text", files[1].read_text())
    page.click("Take it")
    page.wait("!document.getElementById('next').disabled && document.querySelectorAll('.there svg').length >= 1")
    page.evaluate("""(() => {
      const folder = new File(["x"], "my folder");
      folder.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException("", "NotReadableError")) });
      const drop = Object.assign(new Event("drop"), { dataTransfer: { files: [folder] } });
      document.querySelector(".drop").dispatchEvent(drop);
    })()""")
    page.wait("document.body.innerText.includes('my folder cannot be read')")
    assert not page.evaluate("dispatchEvent(new Event('drop', { cancelable: true }))"), "beside: the page stays"


def test_a_known_device_gets_only_a_new_wifi(phone):
    phone.device.answers["STS"] = [(0, {"mode": "CONFIG", "thing": "pump-7"})]
    phone.open()
    phone.connect()
    phone.add_wifi()
    phone.page.click("Continue")
    phone.see("cloud")
    assert "pump-7" in phone.page.text()
    phone.page.click("Continue")
    phone.see("review")
    phone.page.click("Send to the device")
    phone.see("saved")
    sent = {"networks": [{"ssid": "Café Müller", "password": "correct horse"}]}
    assert phone.device.done[-2:] == [("CFG", sent), ("APPLY", {})]
