"""Where clients of another process find the simulated radio: the address of its D-Bus, in a file of the checkout."""

import contextlib
import os

from tools.interpreter import ROOT

FILE = ROOT / ".bluetooth"
VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"


class NobodyThere(Exception):
    """No simulated radio runs; the message says how to get one."""


@contextlib.contextmanager
def offered(bluez):
    """While it lasts, `use` of this checkout finds this `BlueZ`; the one that was offered last wins."""
    address = bluez.environment[VARIABLE]
    FILE.write_text(address + "\n", encoding="ascii")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if FILE.read_text(encoding="ascii").strip() == address:
                FILE.unlink()


def use():
    """From now on this process' Bluetooth is the simulated one. Raises NobodyThere."""
    try:
        address = FILE.read_text(encoding="ascii").strip()
    except OSError:
        address = ""
    path = address.partition("path=")[2].partition(",")[0]
    if not path or not os.path.exists(path):
        raise NobodyThere(
            "no simulated radio runs: start `make phone` (or `make sim ARGS=--bluetooth`) in another terminal first"
        )
    os.environ[VARIABLE] = address
