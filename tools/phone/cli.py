"""`make phone`: the phone page, served to the browsers of this machine, left running."""

import asyncio
import contextlib
import signal
import sys
from typing import Annotated

import typer
from aiohttp import web

from tools.phone import offline
from tools.phone.server import application

_PORT = 8765

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")] = _PORT,
    code: Annotated[str, typer.Option(help="A device's setup code: the printed link has it filled in.")] = "",
    stamp: Annotated[bool, typer.Option("--stamp", help="Write the service worker's list of files, and end.")] = False,
):
    """The phone page at http://localhost:8765/, until Ctrl-C: it configures devices near this machine's Bluetooth.

    Browsers allow Bluetooth on https:// and on localhost only. For a phone, put the folder tools/phone/page on any web
    server with https, as it is: it has no build step. Chrome and Edge can use it, on iOS the browser Bluefy.
    """
    if stamp:
        print(f"phone: {offline.WORKER.name} was " + ("brought up to date" if offline.stamp() else "up to date"))
        return
    try:
        asyncio.run(_serve(port, code))
    except OSError as problem:
        sys.exit(f"phone: port {port} cannot be used ({problem.strerror}): choose another by --port, or 0")


async def _serve(port, code):
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "localhost", port).start()
        _tell(runner.addresses[0][1], code)
        await _interrupted()
    finally:
        await runner.cleanup()


def _tell(port, code):
    address = f"http://localhost:{port}/"
    print(f"phone: {address}{'#' + code if code else ''}", flush=True)
    print("phone: open it in Chrome or Edge on this machine; it configures real boards that are in CONFIG", flush=True)
    print("phone: the label's QR code of a device leads to the same page, with the setup code behind the #", flush=True)
    print("phone: Ctrl-C ends it", flush=True)


async def _interrupted():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: there Ctrl-C raises KeyboardInterrupt
            with contextlib.suppress(ValueError):
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    await stop.wait()
