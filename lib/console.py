"""The lines of the serial console: what happened, one line each, seconds since start in front."""

import sys

import events

_TRANSITION = events.MODE_CHANGED
# Events that are not worth an older line's place in the log.
_NOT_KEPT = (events.PUBLISH_DONE, events.FLASH_FLUSHED, events.WIFI_CONNECTED, events.CLOCK_SET, events.OTA_PROGRESS)


class Console:
    """Prints what happens to `system`, and keeps it in `log` (log.py), once there is one."""

    def __init__(self, system):
        self.log = None
        self._system = system
        system.bus.tell = self.tell
        system.bus.trace = self.trace

    def tell(self, event):
        """Tell an event."""
        if event.name == _TRANSITION:  # `transition` has printed it already
            return
        system = self._system
        try:
            self.say(line(system.board.uptime_ms(), system.mode, event), event.name not in _NOT_KEPT)
        except MemoryError:  # an event that cannot be printed stops nobody
            print(system.mode, event.name)

    def transition(self, event, after, reason):
        """Tell which mode comes next."""
        self.say(transition(self._system.board.uptime_ms(), self._system.mode, event, after, reason))

    def say(self, text, keep=True):
        """Print a line; it is kept, too, unless it is of no use later."""
        print(text)
        if keep and self.log is not None:
            self.log.add(text)

    def trace(self, failure):
        """Tell where an exception came from."""
        sys.print_exception(failure)
        if self.log is not None:
            self.log.trace(failure)


def line(uptime_ms, mode, event):
    """`  12.34 NORMAL wifi.connected rssi=-50 ssid=home` for an events.Event; values with spaces are quoted."""
    words = ["%7.2f" % (uptime_ms / 1000), mode, event.name]
    for key in sorted(event.data):
        words.append("%s=%s" % (key, _quoted(event.data[key])))
    return " ".join(words)


def transition(uptime_ms, mode, event, after, reason):
    """`  12.34 NORMAL --restart_requested--> restart (reason)`; `reason` may be None."""
    text = "%7.2f %s --%s--> %s" % (uptime_ms / 1000, mode, event, after)
    return "%s (%s)" % (text, plain(reason)) if reason else text


def plain(value):
    """A value as text that breaks no line: a topic or a network's name may hold anything."""
    text = str(value)
    data = text.encode()  # looked through as bytes: MicroPython keeps each character of a str for ever, as a name
    if any(byte < 0x20 for byte in data):
        text = bytes([byte if byte >= 0x20 else 0x3F for byte in data]).decode()  # "?"
    return text


def _quoted(value):
    text = plain(value)
    return '"%s"' % text.replace('"', "'") if " " in text or not text else text
