"""The one radio, and who hears its events."""

import bluetooth

log_level = 1  # 0 nothing, 1 errors, 2 warnings too, 3 everything

ble = bluetooth.BLE()

_listeners = []
_closers = []


class GattError(Exception):
    """The peer's answer to a request was an error."""

    def __init__(self, status):
        self._status = status


def _log(level, letter, words):
    if log_level >= level:
        print("[aioble] %s:" % letter, *words)


def log_error(*args):
    """Printed from level 1 on."""
    _log(1, "E", args)


def log_warn(*args):
    """Printed from level 2 on."""
    _log(2, "W", args)


def log_info(*args):
    """Printed from level 3 on."""
    _log(3, "I", args)


def ensure_active():
    """Start the stack unless it runs: starting it twice would end what is connected."""
    if not ble.active():
        ble.active(True)


def config(*args, **kwargs):
    """As `BLE.config`, with the stack running."""
    ensure_active()
    return ble.config(*args, **kwargs)


def register_irq_handler(irq, shutdown):
    """`irq(event, data)` for each event until one returns something; `shutdown()` after the stack was stopped."""
    if irq:
        _listeners.append(irq)
    if shutdown:
        _closers.append(shutdown)


def stop():
    """Stop the stack. Connections end without an event, and whoever waits for them goes on waiting."""
    ble.active(False)
    for close in _closers:
        close()


def ble_irq(event, data):
    """What `BLE` calls."""
    log_info(event, data)
    for listener in _listeners:
        answer = listener(event, data)
        if answer is not None:
            return answer


ble.irq(ble_irq)
