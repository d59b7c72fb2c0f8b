"""The wiring: joins the hands to the head, and is all that an application's main.py needs.

    import awsesp

    async def application(device): ...

    awsesp.run(application)

An application that returns is done; the device stays in the cloud without it, for jobs and updates.
"""

import gc
import sys
from time import sleep

from micropython import const

import board
from flash import Flash
from system import System

# The largest piece of memory, taken while the heap is in one piece: later there may be enough, but nowhere in a row.
# A little more, because a message over Bluetooth has a header beside that.
_PIECE = const(6272)
_AGAIN_S = const(10)
_DEPTH = const(18)
_kept = []


def run(application, configure=None):
    """Be the device, for ever. Both are coroutine functions of yours.

    `application(device)` runs in mode NORMAL, if there is one. `configure(device, dat)` answers what the phone sends as
    APP, in mode CONFIG.
    """
    _run(application or _nothing, configure)


def update():
    """For boot.py, before main.py is loaded: bring the update that waits. Never returns, the device restarts."""
    _run(None, None)


async def _nothing(device):
    pass


def _run(application, configure):
    try:
        _kept.append(_second_area())
        _kept.append(bytearray(_PIECE))
        system = System(board, Flash, _wifi, _aws, application, _ble, configure, _slot, _update, _download)
        _clear_stack(_DEPTH)
        system.run()
    except MemoryError as failure:  # at the REPL nobody would be there, and no watchdog either
        sys.print_exception(failure)
        sleep(_AGAIN_S)
        board.reset()


def _clear_stack(depth, *zeros):
    # What runs for ever leaves gaps in its stack frames, where old pointers keep 5 KB of what was loaded for a moment.
    return depth and _clear_stack(depth - 1, *(0,) * 16)


def _second_area():
    import heap_area

    del sys.modules["heap_area"]
    return heap_area.make()


# Imported when the system asks for them: by then the settings are read, and what read them has given its memory back.


def _wifi(bus, settings):
    from wifi import Wifi

    return Wifi(bus, settings)


def _aws(bus, settings, resolve, stand_in=None, *details):
    if stand_in == "asker":
        details = _kept[1:]  # once its modules are loaded there is no such piece
    _kept.clear()
    gc.collect()
    if stand_in == "claimant":
        from aws.claimant import Claimant as Aws
    elif stand_in == "asker":
        from aws.asker import Asker as Aws
    else:
        from aws.client import Aws

    return Aws(bus, settings, resolve, *details)


def _ble(*details):
    from ble.server import Ble

    return Ble(*details, kept=_kept)


def _slot():
    from ota import slot

    slot.unload("slot")  # it is asked for at starts and in updates only
    return slot


def _update(system, size, buffer):
    from ota.update import Update

    return Update(_connector(system).connect, _slot().switch().next_slot(), size, system.settings.timeouts, buffer)


def _download(system):
    from ota.files import Download

    return Download(_connector(system).connect, "", system.settings.timeouts)


def _connector(system):
    from aws.connector import Connector

    settings = system.settings
    return Connector(settings.download_roots or settings.roots, system.wifi.resolve, system.settings.timeouts)
