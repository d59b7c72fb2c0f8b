"""The serial ports of this machine, for verbs that need a board."""

import os
import re
import stat
import sys


def resolved(verb, wanted):
    """The ports to use: those `wanted` (list, each may name several), else the only one on USB.

    Ends the verb, and says which ports there are, when one cannot be opened.
    """
    ports = list(dict.fromkeys(port for each in wanted or [] for port in each.split()))  # each once
    if not ports or ports == ["auto"]:
        ports = [_only_port(verb)]
    for port in ports:
        require_port(verb, port)
    return ports


def require_port(verb, port):
    """End the verb, and say which ports there are, when the board's cannot be opened."""
    trouble = _trouble(port)
    if trouble:
        sys.exit(f"{verb}: {trouble}")


def _only_port(verb):
    found = [each.device for each in _ports_on_usb()]
    if len(found) > 1:
        sys.exit(f'{verb}: several boards are there: say PORT={found[0]}, or PORT="{" ".join(found)}" for all')
    if not found:
        sys.exit(f"{verb}: {_there()} Or name its port: PORT=/dev/ttyUSB0.")
    return found[0]


def _there():
    found = [each.device for each in _ports_on_usb()]
    return f"Ports on USB: {', '.join(found)}." if found else "No board is seen on USB: check cable and driver."


def _trouble(port):
    if re.fullmatch(r"COM\d+|.*://.*", port):
        return ""  # a name of Windows, or one of pyserial's own ways to say it
    if not os.path.exists(port):
        return f"there is no {port}. {_there()}"
    if not stat.S_ISCHR(os.stat(port).st_mode):
        return f"{port} is no serial port. {_there()}"
    if not os.access(port, os.R_OK | os.W_OK):
        return f"{port} may not be opened by you; on Linux: sudo usermod -a -G dialout $USER, then log in again."
    return ""


def _ports_on_usb():
    from serial.tools import list_ports  # comes with mpremote

    return [port for port in list_ports.comports() if port.vid is not None]
