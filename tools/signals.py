"""How a verb is asked to end, beside Ctrl-C."""

import signal


def on_end(handler):
    """`handler(number, frame)` hears SIGTERM, and SIGHUP when the terminal is closed; the latter not under `nohup`."""
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)
