"""`os` as on the chip (extmod/modos.c): with `uname`, `sync` and `dupterm`, and without what only a desk has."""

from collections import namedtuple as _namedtuple

from uos import *  # noqa: F403
from uos import getenv

_DESKS = ("VfsPosix", "errno", "getenv", "putenv", "system", "unsetenv")
_Uname = _namedtuple("", ("sysname", "nodename", "release", "version", "machine"))


def uname():
    """(sysname, nodename, release, version, machine), by these names, too."""
    import sys

    release = "%d.%d.%d" % sys.implementation[1][:3]
    if sys.implementation[1][3:] not in ((), ("",)):
        release += "-" + sys.implementation[1][3]
    build = "v%s on %s" % (release, sys.version.split(" on ")[-1])
    return _Uname("esp32", "esp32", release, build, "Generic ESP32 module with ESP32")


def sync():
    """Nothing to do for a littlefs."""


def dupterm(stream, index=0):
    """The stream that was there: none."""
    if index != 0:
        raise ValueError("invalid dupterm index")


def dupterm_notify(stream):
    pass


if getenv("SIM_CHANNEL"):  # a test without a host is told by the desk what it needs
    for _name in _DESKS:
        globals().pop(_name, None)
