"""The phone page in Chromium, whose own Web Bluetooth reaches a board's real BLE door over the simulated radio."""

import json
import time

import pytest

from tests.host.browser import chromium
from tests.host.phone_bluetooth import bluetooth_page
from tests.host.phone_device import CODE, CODE_TEXT
from tests.host.sim_desk import desk
from tools.sim.radio import dbus_daemon

if not chromium():
    pytest.skip("Chromium is not installed: the page is not walked over the simulated radio", allow_module_level=True)
if not dbus_daemon.is_installed():
    pytest.skip("no dbus-daemon on this machine; on Debian: apt-get install dbus", allow_module_level=True)

from tools.sim.radio.bluez import BlueZ

NAME = "esp-123456"
# Answers as a device in CONFIG; prints what it was told, and goes off the air after APPLY.
PROGRAM = f"""
import asyncio, errors, events, json
from ble.server import Ble

async def handle(typ, message_id, dat):
    print("told", json.dumps([typ, dat]))
    if typ == "SCAN":
        await door.progress()
        return {{"aps": [{{"ssid": "home", "rssi": -50, "secure": True}}]}}
    if typ == "STS":
        return {{"mode": "CONFIG", "version": "1.2.3", "thing": None}}
    if typ == "APPLY":
        await door.progress()
        await door.set_state("joining")
        await asyncio.sleep_ms(200)
        if failures:
            raise failures.pop()
        await door.set_state("restarting", 2)
        leave.set()
        return {{"code": 2}}

async def main():
    task = asyncio.create_task(door.run(lambda: None))
    await leave.wait()
    await door.gone(10000)
    task.cancel()

leave = asyncio.Event()
failures = [errors.error("wrong_password", "home")]
door = Ble(events.Bus(), "{NAME}", "esp32", "1.2.3", "code", {CODE!r}, handle)
asyncio.run(main())
"""


@pytest.fixture
def walk(tmp_path, page_server):
    """(page, board): the page is open by the label's link; whatever the browser's list shows first is chosen."""
    with desk(tmp_path, PROGRAM) as (world, board), BlueZ(world.radio) as bluez:
        board.power_on()
        with bluetooth_page(bluez.environment) as page:
            page.open(f"{page_server}#{CODE_TEXT.replace('-', '')}")
            yield page, board


def see(page, screen):
    page.wait(f"document.body.dataset.screen === '{screen}'", 40)


def test_a_board_is_configured_after_a_wrong_password(walk):
    page, board = walk
    page.click("Find device")
    see(page, "wifi")
    assert NAME in page.text()
    for password, outcome in (("not the one", "trouble"), ("the right one", "saved")):
        if outcome == "trouble":
            page.click("home")
        page.type("Password", password)
        page.click("Add")
        page.click("Continue")
        see(page, "cloud")
        page.click("Keep what it has")
        page.click("Continue")
        page.click("Send to the device")
        see(page, outcome)
        if outcome == "trouble":
            assert "Wrong Wi-Fi password" in page.text()
            page.click("Check the Wi-Fi")
    page.click("I see it in the cloud")
    see(page, "done")
    told = [json.loads(line[5:]) for line in board.lines if line.startswith("told ")]
    assert [typ for typ, _ in told] == ["TIME", "STS", "SCAN", "CFG", "APPLY", "CFG", "APPLY"]
    assert abs(told[0][1]["time"] - time.time()) < 600
    assert [dat["networks"][0]["password"] for typ, dat in told if typ == "CFG"] == ["not the one", "the right one"]


def test_a_wrong_setup_code_configures_nothing(walk):
    page, board = walk
    page.click("Change")
    page.type("Setup code", "AAIS-EM2E-KVTH-PCEA")
    page.click("Find device")
    see(page, "trouble")
    assert "Wrong setup code" in page.text()
    assert not [line for line in board.lines if line.startswith("told ")]
    page.click("Check the setup code")
    page.type("Setup code", CODE_TEXT)
    page.click("Connect")
    see(page, "wifi")
