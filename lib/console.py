"""One line per event for the serial console: seconds since start, mode, event name, then key=value pairs."""


def line(uptime_ms, mode, event):
    """The line for `event` (events.Event) in `mode` at `uptime_ms`; values with spaces are quoted."""
    words = ["%7.2f" % (uptime_ms / 1000), mode, event.name]
    for key in sorted(event.data):
        words.append("%s=%s" % (key, _quoted(event.data[key])))
    return " ".join(words)


def _quoted(value):
    text = str(value)
    return '"%s"' % text.replace('"', "'") if " " in text or not text else text
