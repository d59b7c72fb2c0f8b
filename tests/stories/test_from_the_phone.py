"""A factory-new device, its firmware unchanged, becomes a device in the cloud: from the page, and from the terminal."""

import json
import os
import signal
import sys

import pytest
from typer.testing import CliRunner

from tests.host.browser import chromium
from tests.host.phone_bluetooth import bluetooth_page
from tests.host.terminal import Terminal
from tools.configure import cli
from tools.configure.trouble import Exit
from tools.desk import ENDPOINT, PASSWORD, SSID
from tools.phone.server import Server
from tools.sim.radio import dbus_daemon

if not dbus_daemon.is_installed():
    pytest.skip("no dbus-daemon on this machine; on Debian: apt-get install dbus", allow_module_level=True)

from tools.phone.beside import Beside

QUICK = {"timeouts": {"candidate_s": 5, "dns_s": 1, "backoff_s": 1, "drain_s": 1, "join_s": 5}}


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    with Beside(settings=QUICK, folder=tmp_path_factory.mktemp("files")) as made:
        yield made
        print("\n".join(["", "The device's console:", *made.desk.device.lines]))


# The page looks for the device 8 s after "saved" and every 5 s: here sooner. It waits for an answer for 8 s, too, which
# must stay long enough for a machine that has much to do.
IMPATIENT = """{
  const wait = setTimeout;
  setTimeout = (call, ms, ...more) => wait(call, ms === 8000 ? 4000 : ms === 5000 ? 300 : ms, ...more);
}"""


class Walk:
    """A person who walks the page; a picture of each step."""

    def __init__(self, page, folder):
        self.page, self._folder, self._count = page, folder, 0

    def see(self, screen, words=""):
        self.page.wait(f"document.body.dataset.screen === '{screen}'", 60)
        self.page.wait("document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity)")
        assert words in self.page.text()
        self._count += 1
        self.page.screenshot(self._folder / f"{self._count:02}-{screen}.png")

    def wifi(self, password, is_refused=False):
        self.see("wifi", "refused" if is_refused else "")
        if not is_refused:
            self.page.click(SSID)
        self.page.type("Password", password)
        self.page.click("Add")
        self.page.click("Continue")

    def send(self):
        self.see("review")
        self.page.click("Send to the device")


@pytest.mark.skipif(not chromium(), reason="Chromium is not installed: the page is not walked with the real firmware")
def test_the_page_leads_to_the_cloud_over_every_mistake(beside, tmp_path):
    beside.start_anew()
    device = beside.desk.device
    with Server() as server, bluetooth_page(beside.environment) as page:
        walk = Walk(page, tmp_path)
        page.before_each_load(IMPATIENT)
        page.open(f"{server.url}#{beside.code.replace('-', '')}")
        walk.see("find", beside.code)
        page.click("Find device")
        walk.wifi("not the one")
        walk.see("cloud")
        page.type("Endpoint", "wrong.example")
        page.type("Provisioning template", beside.desk.fleet.template)
        page.click("Continue")
        page.choose_files("#files", beside.files)
        page.wait("document.querySelectorAll('.files li').length === 3")
        walk.see("certificates")
        page.click("Continue")
        walk.send()
        walk.see("trouble", "Wrong Wi-Fi password")
        page.click("Check the Wi-Fi")
        walk.wifi(PASSWORD, is_refused=True)
        page.click("Continue")
        page.click("Continue")
        walk.send()
        walk.see("saved", "Watching")
        device.wait_for("candidate_refused", 30)
        walk.see("trouble", "Cloud not reached")
        page.click("Check the cloud settings")
        walk.see("cloud")
        page.type("Endpoint", ENDPOINT)
        page.click("Continue")
        page.click("Continue")
        walk.send()
        walk.see("saved")
        assert "device-" in device.wait_for("aws.connected", 30)
        page.click("I see it in the cloud")
        walk.see("done", "Your device is set up")


def test_the_terminal_leads_to_the_cloud(beside):
    beside.start_anew()
    document = {
        "networks": [{"ssid": SSID, "password": "not the one"}],
        "aws": {"endpoint": ENDPOINT, "template": beside.desk.fleet.template},
        "certs": [
            {"role": "ca", "cert": beside.files[2].read_text()},
            {"role": "claim", "cert": beside.files[0].read_text(), "key": beside.files[1].read_text()},
        ],
    }
    failed = configure(beside, document)
    assert failed.exit_code == Exit.WIFI, failed.output
    document["networks"][0]["password"] = PASSWORD
    done = configure(beside, document)
    assert done.exit_code == Exit.DONE, done.output
    assert "device-" in beside.desk.device.wait_for("aws.connected", 30)
    assert PASSWORD not in failed.output + done.output


def test_who_corrects_the_cloud_in_the_terminal_need_not_type_the_wifi_again(beside):
    beside.start_anew()
    device = beside.desk.device
    environment = {**os.environ, **beside.environment, "COLUMNS": "110", "TERM": "xterm", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tools", "configure", "--device", beside.name, "--code", beside.code]
    with Terminal([*command, "--wait", "0"], environment) as person:
        person.answer("Network:", SSID)
        person.answer("(not shown, nothing to keep the one it has):", "")
        person.see(f"It has no password of “{SSID}”: type it.")
        person.answer("Password of", PASSWORD)
        person.answer("Another network", "n")
        person.answer("Endpoint:", "wrong.example")
        person.answer("How does it sign in?", "1")
        person.answer("Provisioning template:", beside.desk.fleet.template)
        person.answer("Files:", " ".join(map(str, beside.files)))
        person.answer("Send?", "")
        assert person.wait() == Exit.DONE
    device.wait_for("candidate_refused", 30)
    with Terminal([*command, "--wait", "0"], environment) as person:
        person.answer("Network:", SSID)
        person.answer("(not shown, nothing to keep the one it has):", "")
        person.answer("Another network", "n")
        person.answer("Endpoint:", ENDPOINT)
        person.answer("How does it sign in?", "3")
        person.answer("Send?", "")
        assert person.wait() == Exit.DONE
    assert "device-" in device.wait_for("aws.connected", 30)


def configure(beside, document):
    """`configure --file -` with this document."""
    options = ["--device", beside.name, "--code", beside.code, "--file", "-", "--wait", "0"]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return CliRunner().invoke(cli.app, options, json.dumps(document), beside.environment)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
