"""The phone page's manners: keyboard, screen reader, secrets, other browsers, offline."""

import pytest

from tools.phone import offline
from tools.phone.server import Server


def test_a_device_is_configured_by_keyboard_alone(phone):
    page = phone.page
    page.size(1280, 800)
    phone.open()

    def reach(name):
        for _ in range(40):
            page.press("Tab")
            focused = page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()")
            if focused.startswith(name):
                return
        raise AssertionError(f"no Tab leads to {name}")

    reach("Find device")
    page.press("Enter", text="\r")
    phone.see("wifi")
    assert page.evaluate("document.activeElement.tagName") == "H1", "reading begins at the heading"
    reach("guests")
    page.press("Enter", text="\r")
    page.wait("document.querySelector('.chosen')")
    assert page.evaluate("document.activeElement.textContent") == "Continue"
    page.press("Enter", text="\r")
    phone.see("cloud")


def test_a_screen_reader_finds_names_and_news(phone):
    phone.open()
    phone.connect()
    phone.page.call("Accessibility.enable")
    nodes = phone.page.call("Accessibility.getFullAXTree")["nodes"]
    spoken = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert all(name for role, name in spoken if role in ("button", "textbox", "link", "image", "checkbox", "radio"))
    assert ("heading", "Choose its Wi-Fi") in spoken
    assert ("button", "Signal strong Café Müller with a password") in spoken
    assert ("navigation", "Progress") in spoken
    phone.add_wifi()
    assert phone.page.evaluate("document.getElementById('news').textContent") == "Café Müller was added"


def test_who_goes_back_finds_what_they_typed(phone):
    phone.open()
    phone.connect()
    phone.page.click("Keep the Wi-Fi it has")
    phone.page.type("Endpoint", "abc123.example")
    phone.page.click("It is a thing already")
    phone.page.type("Name of the thing", "pump-7")
    phone.page.click("Back")
    phone.see("wifi")
    phone.page.click("Keep the Wi-Fi it has")
    phone.see("cloud")
    shown = phone.page.evaluate("[...document.querySelectorAll('input[type=text]')].map((one) => one.value)")
    assert {"abc123.example", "pump-7"} <= set(shown)
    assert phone.page.evaluate("document.querySelector('input:checked').value") == "thing"


def test_nothing_is_kept_in_the_browser(phone, files):
    phone.open()
    phone.connect()
    phone.add_wifi()
    phone.fill_cloud()
    phone.page.choose_files("#files", files)
    phone.page.wait("document.querySelectorAll('.files li').length === 3")
    phone.page.click("Continue")
    phone.page.click("Send to the device")
    phone.see("saved")
    phone.page.click("I see it in the cloud")
    phone.see("done")
    kept = phone.page.evaluate("""(async () => ({
      storage: localStorage.length + sessionStorage.length,
      databases: (await indexedDB.databases()).length,
      cookies: document.cookie,
      caches: (await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys())
        .map(({ url }) => url)))).flat().filter((url) => !/\\/$|\\.(js|css|html|svg|png|webmanifest)$/.test(url)),
    }))()""")
    assert kept == {"storage": 0, "databases": 0, "cookies": "", "caches": []}


AGENTS = {
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1": "Bluefy",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0": "Firefox cannot use Bluetooth",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15": "Safari cannot",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36": "chrome://flags",
}


@pytest.mark.parametrize(("agent", "says"), AGENTS.items(), ids=["ios", "firefox", "safari", "linux"])
def test_browsers_without_bluetooth_are_told_what_to_do(browser, page_server, tmp_path, agent, says):
    page = browser.page()
    page.size(360, 740, mobile=True)
    page.call("Emulation.setUserAgentOverride", userAgent=agent)
    page.before_each_load("delete Navigator.prototype.bluetooth")
    page.open(page_server + "#AAISEM2EKVTHPCEZ")
    page.wait("document.body.dataset.screen === 'unsupported' && document.getAnimations().length === 0")
    page.screenshot(tmp_path / "unsupported.png")
    assert says in page.text()
    page.close()


def test_it_is_installable_and_works_offline(browser):
    server = Server()
    page = browser.page()
    page.open(server.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait("navigator.serviceWorker.controller !== null")
    problems = [one["errorId"] for one in page.call("Page.getInstallabilityErrors")["installabilityErrors"]]
    server.close()
    page.open(server.url + "?from=somewhere#AAISEM2EKVTHPCEZ")
    page.wait("document.querySelector('h1')?.textContent")
    assert page.evaluate("fetch('not-there').then(() => 'online', () => 'offline')") == "offline"
    assert [one for one in problems if one != "in-incognito"] == []
    page.close()


def test_the_service_worker_keeps_every_file_of_this_version():
    assert offline.WORKER.read_text(encoding="utf-8") == offline.worker(), "python -m tools phone --stamp"
