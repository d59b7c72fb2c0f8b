"""What `make phone` prints: the device's label, what the page will ask for, how to open it, what the device does."""

import io
import threading

import segno
from rich.console import Console
from rich.markup import escape

from tools.phone import browser

_MOMENTS = {
    "ble.connected": "a phone has connected",
    "ble.authenticated": "the phone knows the setup code",
    "settings.received": "the settings work for the Wi-Fi, and are kept",
    "aws.provisioned": "enrolled: it has a certificate of its own",
    "aws.connected": "online",
}


class Screen:
    """Safe from any thread. `follows`: whether the lines of the device's console are shown."""

    def __init__(self):
        self.follows = False
        self._console = Console(highlight=False, soft_wrap=True, emoji=False)
        self._lock = threading.Lock()

    def say(self, text=""):
        """One line, whole, whoever says it."""
        with self._lock:
            self._console.print(escape(text))

    def heading(self, text):
        self._console.print(f"\n[bold cyan]{escape(text)}[/bold cyan]")

    def facts(self, rows):
        """[(what, value)], a line each, which the terminal wraps: what is to be copied is never cut off or padded."""
        width = max(len(what) for what, _ in rows)
        for what, value in rows:
            self._console.print(f"  [dim]{what:{width}}[/dim]  {escape(value)}")

    def label(self, name, code, link):
        """As it is on a device: the name, the setup code, and both for a camera."""
        self.heading("The label of the device")
        self.qr(link)
        self.facts([("name", name), ("setup code", code), ("link", link)])

    def qr(self, link):
        """The link as a QR code, where there is a terminal to show it."""
        if self._console.is_terminal:
            drawn = io.StringIO()
            segno.make(link, error="m", micro=False).terminal(drawn, border=2, compact=True)
            self._console.file.write(drawn.getvalue())

    def ways_in(self, link, environment, profile):
        """How a browser and a terminal of this machine reach the simulated device."""
        self.heading("Open it, with the simulated radio as the browser's Bluetooth")
        if browser.program() is None:
            self.say("  No Chromium, Chrome or Edge on this machine (Debian: apt install chromium). With one:")
        self._console.print(f"  {escape(browser.shell_line(link, environment, profile))}", style="green")
        self.say("  or let it be opened: make phone ARGS=--open")
        self.say("  or configure it from a second terminal: make configure ARGS=--simulated")

    def device(self, line):
        """A line of the device's console."""
        if not self.follows:
            return
        with self._lock:
            self._console.print(f"  [dim]{escape(line)}[/dim]")
            for event, words in _MOMENTS.items():
                if f" {event} " in line and line.lstrip()[:1].isdigit():
                    self._console.print(f"[green]✓[/green] [bold]{words}[/bold]")
