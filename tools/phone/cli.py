"""`make phone`: the phone page, with a simulated device beside it, left running."""

import contextlib
import os
import sys
import tempfile
import threading
from typing import Annotated

import typer

from tools.phone import offline
from tools.signals import interrupt_once

_PORT = 8765

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")] = _PORT,
    device: Annotated[
        bool, typer.Option(help="A simulated device beside it; else only the page, for boards near this machine.")
    ] = True,
    open_: Annotated[bool, typer.Option("--open", help="Start a browser that reaches the simulated device.")] = False,
    code: Annotated[str, typer.Option(help="Without the simulated one: a device's setup code, for its link.")] = "",
    page: Annotated[str, typer.Option(help="Address at which phones find the page, for the label's link.")] = "",
    stamp: Annotated[bool, typer.Option("--stamp", help="Write the service worker's list of files, and end.")] = False,
):
    """The phone page at http://localhost:8765/, until Ctrl-C, with a simulated device to be configured by it.

    The device is factory-new and runs the firmware of this checkout unchanged; with it run a router and a local AWS
    IoT, so that it really comes online. A browser of this machine reaches it through a small org.bluez (Linux with
    dbus-daemon). The same page configures real boards: browsers allow Bluetooth on https:// and on localhost only, so
    for a phone put the folder tools/phone/page on any web server with https, as it is: it has no build step. Chrome
    and Edge can use it, on iOS the browser Bluefy.
    """
    if stamp:
        print(f"phone: {offline.WORKER.name} was " + ("brought up to date" if offline.stamp() else "up to date"))
        return
    from tools.phone.server import Server

    code = _checked(code) if code else ""
    interrupt_once()
    sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 shows question marks, not a traceback
    try:
        server = Server(port)
    except OSError as problem:
        reason = os.strerror(problem.errno).lower()  # aiohttp's own sentence repeats the address
        sys.exit(f"phone: port {port} cannot be used ({reason}): end what has it, or choose another by --port (0: any)")
    with contextlib.suppress(KeyboardInterrupt), server:
        _serve(server.url, page, device and not code, code, open_)


def _checked(typed):
    """The code as labels have it: a label with a wrong one is noticed only at the device."""
    from tools.configure.firmware import errors, setup_code

    try:
        return setup_code.text(setup_code.parse(typed))
    except errors.PersonError as wrong:
        raise typer.BadParameter(wrong.message, param_hint="--code") from None


def _serve(url, page, with_device, code, is_to_open):
    from tools.interpreter import MissingTool
    from tools.phone.screen import Screen

    screen = Screen()
    screen.say(f"The phone page: {url}")
    with contextlib.ExitStack() as stack:
        try:
            beside = stack.enter_context(_beside(screen)) if with_device else None
        except (MissingTool, ImportError) as missing:
            screen.say(f"No simulated device here: {missing}")
            beside = None
        if beside is None:
            _tell_page_only(screen, url, page, code)
            threading.Event().wait()
            return
        profile = stack.enter_context(tempfile.TemporaryDirectory(prefix="phone-page-", ignore_cleanup_errors=True))
        _tell(screen, beside, url, page, profile)
        if is_to_open:
            stack.enter_context(_opened(screen, _link(url, beside.code), beside.environment))
        _obey(beside, screen, url, page)


def _beside(screen):
    from tools.interpreter import MissingTool

    if not sys.platform.startswith("linux"):
        raise MissingTool("browsers reach a simulated one through D-Bus, on Linux")
    from tools.phone.beside import Beside

    screen.say("Starting a local AWS IoT, a router and a factory-new device ...")
    return Beside(on_line=screen.device)


def _tell(screen, beside, url, page, profile):
    screen.label(beside.name, beside.code, _link(page or url, beside.code))
    screen.heading("What the page will ask for")
    screen.facts(beside.needed)
    screen.ways_in(_link(url, beside.code), beside.environment, profile)
    screen.heading("What the device does (type help for what can go wrong, quit or Ctrl-C to end)")
    screen.follows = True


def _tell_page_only(screen, url, page, code):
    if code:
        screen.qr(_link(page or url, code))
        screen.say(f"The link of the label: {_link(page or url, code)}")
    screen.say("Open it in Chrome or Edge on this machine: it configures real boards that are in CONFIG near it.")
    screen.say("A phone needs the page by https: put the folder tools/phone/page on a web server, as it is.")
    screen.say("Ctrl-C ends it.")


def _opened(screen, link, environment):
    from tools.phone import browser

    if browser.program() is None:
        screen.say("--open: no Chromium, Chrome or Edge on this machine")
        return contextlib.nullcontext()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        screen.say("--open: there is no display here (DISPLAY and WAYLAND_DISPLAY are not set)")
        return contextlib.nullcontext()
    return browser.opened(link, environment)


def _obey(beside, screen, url, page):
    """Typed lines play with the world around the device, until quit."""
    from tools.sim.commands import Commands, obey_typed

    class WithNew(Commands):
        def do_new(self):
            """new                        a factory-new device again, with a setup code of its own"""
            screen.follows = False
            beside.start_anew()
            screen.follows = True
            screen.label(beside.name, beside.code, _link(page or url, beside.code))

    obey_typed(WithNew(beside.desk.device, beside.desk.world, screen.say))


def _link(page, code):
    return f"{page}#{code.replace('-', '')}"
