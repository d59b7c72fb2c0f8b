"""The options of `make sim`, checked before the board is touched: beside `--erase` a mistyped one costs nothing."""

import json
from urllib.parse import urlsplit

from tools import person_json
from tools.configure.firmware import certificates, errors, settings_checks
from tools.sim.image import heap_bytes
from tools.wifi_option import network

_LEAST_HEAP_KB = 48  # with less not even boot.py runs
_MOST_HEAP_KB = 64 * 1024  # no chip has more


class Mistake(Exception):
    """An option cannot be used; the message says why."""


def check_heap(text, least_kb=_LEAST_HEAP_KB):
    """A size in which something runs."""
    if text is None:
        return
    if not least_kb <= heap_bytes(text) / 1024 <= _MOST_HEAP_KB:
        raise Mistake(f"--heap {text}: say {least_kb}k to {_MOST_HEAP_KB // 1024}m; the chip has 160k")


def check_cloud(url, ca):
    """The control URL of `--cloud` has the form of one, and the file of `--ca` holds a certificate."""
    if url not in (None, "none") and not _is_url(url):
        raise Mistake(f"--cloud {url!r}: say the control URL that `make cloud` prints, http://127.0.0.1:4585, or none")
    if ca is None:
        return
    try:
        certificates.certificates(ca.read_bytes(), str(ca))
    except OSError as error:
        raise Mistake(f"--ca {ca}: {error.strerror}") from error
    except errors.PersonError as error:
        raise Mistake(f"--ca: {error.message}") from error


def _is_url(text):
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an address, a port that is no number
        return False


def check_bare(is_bare, main):
    """A bare board has no application until it is flashed."""
    if is_bare and main is not None:
        raise Mistake("--bare has only MicroPython on it: leave out --main or EXAMPLE here, `make flash` takes them")


def networks(texts):
    """[(name, password or None)] of `--wifi`: what a device could not be told, it could not join."""
    try:
        found = [network(text) for text in texts or ()]
        for name, password in found:
            settings_checks.ssid("--wifi", name)
            settings_checks.password("--wifi", password)
    except errors.PersonError as error:
        raise Mistake(error.message) from error
    except ValueError as error:
        raise Mistake(str(error)) from error
    return found


def endpoints(texts):
    """[(name, port)] of `--endpoint`."""
    found = []
    for text in texts or ():
        name, _, port = text.partition("=")
        if not name or not port.isdecimal() or not 0 < int(port) < 65536:
            raise Mistake(f"--endpoint {text!r}: say NAME=PORT")
        found.append((name, int(port)))
    return found


def settings(path):
    """The document in the file of `--settings`, as text; None without it. The device checks its fields."""
    if path is None:
        return None
    try:
        return json.dumps(person_json.parse(path.read_bytes()), ensure_ascii=False)
    except OSError as error:
        raise Mistake(f"--settings {path}: {error.strerror}") from error
    except ValueError as error:
        raise Mistake(f"--settings {path} is not JSON: {error}") from error
