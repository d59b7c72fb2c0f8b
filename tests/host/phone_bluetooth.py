"""The phone page in Chromium, whose own Web Bluetooth reaches simulated boards."""

import contextlib

from tests.host.browser import Browser


@contextlib.contextmanager
def bluetooth_page(environment):
    """A `Page`, narrow as a phone, of a browser with the simulated radio; what its list shows first is chosen."""
    browser = Browser("--enable-features=WebBluetooth", environment=environment)
    try:
        page = browser.page()
        page.size(360, 740, mobile=True)
        page.on("DeviceAccess.deviceRequestPrompted", Chooser(page))
        page.call("DeviceAccess.enable")
        yield page
        assert page.problems == []
    finally:
        browser.close()


class Chooser:
    """The person before the browser's list: takes the first device in it, once."""

    def __init__(self, page):
        self._page = page
        self._answered = set()

    def __call__(self, prompt):
        if prompt["devices"] and prompt["id"] not in self._answered:
            self._answered.add(prompt["id"])
            self._page.post("DeviceAccess.selectPrompt", id=prompt["id"], deviceId=prompt["devices"][0]["id"])
