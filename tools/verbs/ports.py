"""The serial ports of this machine, for verbs that need a board."""

import os
import sys


def require_port(verb, port):
    """End the verb, and say which ports there are, when the board's cannot be opened."""
    trouble = _trouble(port)
    if trouble:
        sys.exit(f"{verb}: {trouble}")


def _trouble(port):
    found = [each.device for each in _ports_on_usb()]
    there = f"Ports on USB: {', '.join(found)}." if found else "No board is seen on USB: check cable and driver."
    if port == "auto":
        return "" if found else f"{there} Or name its port: PORT=/dev/ttyUSB0."
    if not port.startswith("/"):
        return ""  # a name of Windows, or one of mpremote's own ways to say it
    if not os.path.exists(port):
        return f"there is no {port}. {there}"
    if not os.access(port, os.R_OK | os.W_OK):
        return f"{port} may not be opened by you; on Linux: sudo usermod -a -G dialout $USER, then log in anew."
    return ""


def _ports_on_usb():
    from serial.tools import list_ports  # comes with mpremote

    return [port for port in list_ports.comports() if port.vid is not None]
