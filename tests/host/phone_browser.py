"""The phone page in real headless Chromium, a fake radio below it and a ReferenceDevice in reach."""

import json
import time
from pathlib import Path

from tests.host.phone_device import CODE_TEXT, Radio

HERE = Path(__file__).parent / "phone"


class Phone:
    """A person with the page before them. `shots`: a folder for a picture of each step, or None."""

    def __init__(self, page, device, url, shots=None):
        self.page, self.device, self.url, self.shots = page, device, url, shots
        self.radio = Radio(device)
        self.holds_open = False  # a connect stays under way until `let_in`
        self._held = []
        self._count = 0
        self._state = device.state
        page.bind("radioAsk", self._asked)
        for name in ("fake-bluetooth.js", "fast-clock.js"):
            page.before_each_load((HERE / name).read_text(encoding="utf-8"))

    def hurry(self, factor):
        """From now on the page's clock runs so many times as fast; what waits for the device then waits as shortly."""
        self.page.evaluate(f"hurry({factor})")

    def send(self):
        """Up to the moment in which the device tries: it holds its last answer, which `release` gives."""
        self.device.hold = {"APPLY"}
        self.page.click("Send to the device")
        deadline = time.monotonic() + 15
        while not self.device.holds:
            assert time.monotonic() < deadline, self.page.text()
            time.sleep(0.03)

    def open(self, code=CODE_TEXT):
        """The page, by the link of the label."""
        self.page.open(self.url + (f"#{code.replace('-', '')}" if code else ""))
        self.see("find")

    def see(self, screen, seconds=15):
        """Wait for a screen; a picture is taken, and looked at for what an eye and a thumb would notice."""
        self.page.wait(f"document.body.dataset.screen === '{screen}'", seconds)
        self.page.wait("document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity)")
        if self.shots:
            self._count += 1
            self.page.screenshot(self.shots / f"{self._count:02}-{screen}.png")
        wrong = self.page.evaluate((HERE / "look.js").read_text(encoding="utf-8"))
        assert not wrong, f"{screen}: {wrong}"

    def connect(self):
        self.page.click("Find device")
        self.see("wifi")

    def add_wifi(self, name="Café Müller", password="correct horse"):
        if not self.page.evaluate("Boolean(document.querySelector('.opened'))"):  # that of a refused password is
            self.page.click(name)
        self.page.type("Password", password)
        self.page.click("Add")
        self.page.wait("document.querySelector('.chosen')")

    def fill_cloud(self, endpoint="abc123-ats.iot.eu-west-1.amazonaws.com", template="fleet"):
        self.page.click("Continue")
        self.see("cloud")
        self.page.type("Endpoint", endpoint)
        self.page.type("Provisioning template", template)
        self.page.click("Continue")
        self.see("certificates")

    def review(self):
        """Everything but certificates, up to the last look."""
        self.add_wifi()
        self.fill_cloud()
        self.page.click("Skip")
        self.see("review")

    def push(self, data):
        """The device says something by itself."""
        for piece in data:
            self.page.evaluate(f"radio.push('{piece.hex()}')")

    def let_in(self):
        """What was connecting is connected."""
        self.holds_open = False
        held, self._held = self._held, []
        for question in held:
            self.page.evaluate(self._answer(question))

    def _asked(self, text):
        question = json.loads(text)
        if self.holds_open and question["what"] == "open":
            self._held.append(question)
        else:
            self.page.post("Runtime.evaluate", expression=self._answer(question))

    def _answer(self, question):
        answer = self.radio.asked(question["what"], bytes.fromhex(question["data"]))
        if question["what"] == "write" and self.device.state is not self._state:
            self._state = self.device.state
            answer["state"] = [b"\x01\x00"]
        answer = json.dumps(answer, default=lambda value: bytes(value).hex())
        return f"radio.answer({question['id']}, {answer})"
