"""The lines of the serial console: what happened, one line each, seconds since start in front."""


def line(uptime_ms, mode, event):
    """`  12.34 NORMAL wifi.connected rssi=-50 ssid=home` for an events.Event; values with spaces are quoted."""
    words = ["%7.2f" % (uptime_ms / 1000), mode, event.name]
    for key in sorted(event.data):
        words.append("%s=%s" % (key, _quoted(event.data[key])))
    return " ".join(words)


def door(uptime_ms, mode, event, after, reason):
    """`  12.34 NORMAL --restart_requested--> restart (reason)`; `reason` may be None."""
    text = "%7.2f %s --%s--> %s" % (uptime_ms / 1000, mode, event, after)
    return "%s (%s)" % (text, reason) if reason else text


def _quoted(value):
    text = str(value)
    if any(character < " " for character in text):  # a topic or a network's name may hold anything
        text = "".join([character if character >= " " else "?" for character in text])
    return '"%s"' % text.replace('"', "'") if " " in text or not text else text
