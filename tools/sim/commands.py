"""The lines typed at a running simulated board: each plays with the world around it."""

import contextlib
import inspect
import shlex
import sys
import threading

_PRESS_S = 0.2
_HOSTILE = ("garbage", "short", "wrong_id", "loop", "kiss", "none")


class _Misuse(Exception):
    """The command's words are other ones."""


class Commands:
    """`obey` does one line. `show` prints."""

    def __init__(self, board, world, show):
        self._board = board
        self._world = world
        self._show = show

    def obey(self, line):
        """Returns False when the line was quit."""
        try:
            words = shlex.split(line)  # names of networks have spaces
        except ValueError as error:
            self._show(f"sim: {error}")
            return True
        if not words:
            return True
        if words[0] in ("quit", "exit", "q"):
            return False
        command = getattr(self, f"do_{words[0]}", None)
        if command is None:
            self._show(f"sim: unknown command {words[0]!r}; type help")
            return True
        try:
            inspect.signature(command).bind(*words[1:])
        except TypeError:
            self._misused(command)
            return True
        try:
            command(*words[1:])
        except _Misuse:
            self._misused(command)
        except FileNotFoundError:
            self._show(f"sim: there is no {words[-1]}; `files` lists what is there")
        except (OSError, RuntimeError, ValueError) as error:
            self._show(f"sim: {error}")
        return True

    def _misused(self, command):
        usage, _, meaning = command.__doc__.partition("  ")
        self._show(f"sim: say {usage} ({meaning.strip()})")

    def _points(self, name):
        if name and self._world.point(name) is None:
            there = ", ".join(point.name for point in self._world.access_points())
            raise ValueError(f"there is no network {name!r}, only {there}")
        return [self._world.point(name)] if name else self._world.access_points()

    def do_help(self):
        """help                       this list"""
        for name in sorted(dir(self)):
            if name.startswith("do_"):
                self._show(f"  {getattr(self, name).__doc__}")
        self._show("  quit                       switch off and end")

    def do_wifi(self, what, name=None):
        """wifi on|off|refuse|accept|stall|flow|kick|no-address|address [NAME]   the access point"""
        actions = {
            "on": lambda point: point.back(),
            "off": lambda point: point.vanish(),
            "refuse": lambda point: point.refuse(),
            "accept": lambda point: point.refuse(False),
            "stall": lambda point: point.stall(),
            "flow": lambda point: point.stall(False),
            "kick": lambda point: point.kick(),
            "no-address": lambda point: point.no_address(),
            "address": lambda point: point.no_address(False),
        }
        _one_of(what, actions)
        for point in self._points(name):
            actions[what](point)

    def do_signal(self, dbm, name=None):
        """signal DBM [NAME]          signal strength of the access point, such as -80"""
        for point in self._points(name):
            point.rssi = _whole(dbm)

    def do_latency(self, milliseconds):
        """latency MS                 how long a packet takes to the router"""
        for point in self._world.access_points():
            point.latency_ms = _count(milliseconds)

    def do_dns(self, what):
        """dns on|off                 the name servers"""
        self._world.dns = _on(what)

    def do_ntp(self, what):
        """ntp on|off                 the time servers"""
        self._world.ntp = _on(what)

    def do_hostile(self, how):
        """hostile garbage|short|wrong_id|loop|kiss|none   what name and time servers send"""
        self._world.hostile = None if _one_of(how, _HOSTILE) == "none" else how

    def do_block(self, port):
        """block PORT                 a firewall drops what goes to this port"""
        self._world.block_port(_count(port))

    def do_unblock(self, port):
        """unblock PORT               the firewall lets it pass again"""
        self._world.block_port(_count(port), False)

    def do_power(self, what="cycle"):
        """power [on|off|cycle]       the power cord"""
        _one_of(what, ("on", "off", "cycle"))
        if what != "on":
            self._board.power_cut()
        if what != "off":
            self._board.power_on()

    def do_cut(self, n, how="whole"):
        """cut N [torn]               cut the power at the N-th flash write from now; torn: in the middle of it"""
        self._board.cut_at_write(_count(n), _one_of(how, ("whole", "torn")) == "torn")
        self._show(f"sim: {self._board.writes} flash writes so far, the power goes {n} later; a restart writes some")

    def do_reset(self):
        """reset                      the reset button"""
        if not self._board.is_on:
            raise ValueError("it has no power: type power")
        self._board.reset()

    def do_button(self, what="press", pin="0"):
        """button [press|hold|release] [PIN]   connects the pin to ground"""
        pin = _count(pin)
        if _one_of(what, ("press", "hold", "release")) == "release":
            self._board.release_button(pin)
            return
        self._board.hold_button(pin)
        if what == "press":
            release = threading.Timer(_PRESS_S, self._board.release_button, [pin])
            release.daemon = True
            release.start()

    def do_drive(self, pin, value):
        """drive PIN LEVEL|none       puts 0, 1, or microvolts for an ADC on a pin"""
        self._board.drive_pin(_count(pin), None if value == "none" else _whole(value))

    def do_files(self):
        """files                      the device's files"""
        for path in self._board.list_files():
            self._show(f"  {path}")

    def do_cat(self, path):
        """cat PATH                   a file of the device"""
        with contextlib.suppress(UnicodeDecodeError):
            self._show(self._board.read_file(path).decode())
            return
        self._show(self._board.read_file(path).hex())

    def do_slots(self):
        """slots                      the two slots of `--image ota`: their versions, and which one runs"""
        if not self._board.flash.slots:
            raise ValueError("a stock image has no slots: begin with --image ota")
        for label, version, state in self._board.flash.describe_slots():
            runs = ", runs" if label == self._board.slot else ""
            self._show(f"  {label}: {version or 'no image'}, {state}{runs}")

    def do_starts(self):
        """starts                     why it has started, each time, and the flash writes so far"""
        for number, reason in enumerate(self._board.starts, 1):
            self._show(f"  {number}: {reason}")
        self._show(f"  {self._board.writes} flash writes")


def obey_typed(commands):
    """Obey what is typed, until quit or Ctrl-D; without a terminal until Ctrl-C."""
    for line in sys.stdin:
        if not commands.obey(line):
            return
    if not sys.stdin.isatty():
        threading.Event().wait()


def _on(what):
    return _one_of(what, ("on", "off")) == "on"


def _one_of(word, words):
    if word not in words:
        raise _Misuse
    return word


def _whole(text):
    try:
        return int(text)
    except ValueError:
        raise _Misuse from None


def _count(text):
    if _whole(text) < 0:
        raise _Misuse
    return int(text)
