"""How important a line of the device's console is, and how it looks."""

import re

DEBUG, INFO, WARNING, ERROR = range(4)
LEVELS = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR}
STYLES = {DEBUG: "dim", INFO: "", WARNING: "yellow", ERROR: "bold red"}
TRANSITION_STYLE = "bold cyan"

_EVENT = re.compile(r"^\s*\d+\.\d\d [A-Za-z]+ (?P<name>[a-z]+\.[a-z_]+)(?: |$)")
_TRANSITION = re.compile(r"^\s*\d+\.\d\d \w+ --(?P<event>\w+)--> (?P<mode>\w+)")
_ERRORS = {"task.failed", "ota.failed"}
_WARNINGS = {"wifi.disconnected", "aws.disconnected", "publish.dropped", "message.dropped"}
_DETAILS = {"publish.done", "flash.flushed", "ota.progress", "ble.connected", "ble.disconnected"}
_TRACEBACK = re.compile(r'^(Traceback \(most recent|  File "|\w*(Error|Exception|Interrupt)\b)')
# What ESP-IDF prints by itself: a panic, and its own log.
_PANIC = re.compile(r"^(Guru Meditation Error|abort\(\) was called|assert failed:|Backtrace:|E \(\d+\) )")
_IDF_WARNING = re.compile(r"^W \(\d+\) ")


def is_transition(line):
    """Whether the line tells a change of mode."""
    return _TRANSITION.match(line) is not None


def level_of(line):
    """DEBUG, INFO, WARNING or ERROR; what the application prints is INFO."""
    transition = _TRANSITION.match(line)
    if transition:
        return ERROR if transition["mode"] == "IDLE" or transition["event"] in ("failed", "task_failed") else INFO
    event = _EVENT.match(line)
    if event is None:
        return _of_others(line)
    name = event["name"]
    if name in _ERRORS:
        return ERROR
    if name in _WARNINGS:
        return WARNING
    return DEBUG if name in _DETAILS else INFO


def _of_others(line):
    if _TRACEBACK.match(line) or _PANIC.match(line):
        return ERROR
    return WARNING if _IDF_WARNING.match(line) else INFO
