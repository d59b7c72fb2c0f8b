"""How a verb is asked to end."""

import signal


def on_end(handler):
    """`handler(number, frame)` hears SIGTERM, and SIGHUP when the terminal is closed; the latter not under `nohup`."""
    signal.signal(signal.SIGTERM, handler)
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:
        signal.signal(hang_up, handler)


def interrupt(number, _frame):
    """A handler for `on_end`: as Ctrl-C, and once; what comes after it leaves the verb alone while it cleans up."""
    on_end(signal.SIG_IGN)
    if signal.getsignal(signal.SIGINT) is interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def interrupt_once():
    """`on_end(interrupt)`, and Ctrl-C is heard once, too: pressed again it would tear the clean-up apart."""
    on_end(interrupt)
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # a job in the background has it ignored
        signal.signal(signal.SIGINT, interrupt)
