"""What one call of the command does: find the device, open a session, and do what the options say."""

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tools.configure import document
from tools.configure.background import Background
from tools.configure.delivery import Delivery
from tools.configure.firmware import errors
from tools.configure.link import Link, code_in
from tools.configure.radio import scan
from tools.configure.trouble import Mistake, Trouble
from tools.configure.wizard import GivenUp, Wizard

_LOOK_S = 5  # for devices of any name
_NAMED_S = 20  # at most, for one that was named
_LARGEST_FILE = 2**20  # bytes: what a device takes, 64 KB, has room in it in whatever encoding


class Options(NamedTuple):
    """The options of the command, as typed."""

    device: str
    code: str
    file: Path | None
    status: bool
    reset: str
    list: bool
    json: bool
    yes: bool
    allow_open: bool
    seconds: float | None
    wait: int

    def check(self, has_terminal):
        """Raises Mistake for what cannot be meant."""
        chosen = [name for name in ("--file", "--status", "--reset", "--list") if getattr(self, name[2:])]
        if len(chosen) > 1:
            raise Mistake(f"{' and '.join(chosen)} do not go together")
        if self.reset not in ("", "settings", "all"):
            raise Mistake("--reset: say settings, or all")
        if self.json and not (self.status or self.list):
            raise Mistake("--json is for --status and --list")
        if not has_terminal and not chosen:
            raise Mistake("there is no terminal to ask in: give --file settings.json")
        if not has_terminal and self.reset and not self.yes:
            raise Mistake("--reset without a terminal to ask in: say --yes, too")


class Work:
    """`do` once."""

    def __init__(self, options, screen):
        self._options = options
        self._screen = screen
        self._has_terminal = sys.stdin.isatty() and not options.json  # a question would stand in the JSON
        self._plan = _plan(options.file) if options.file else None
        self._code = self._parsed(options.code) if options.code else None

    def do(self):
        """Raises Trouble, Mistake."""
        with Background() as background:
            self._run = background.run
            if self._options.list:
                return self._list()
            self._link = Link(self._find(), self._code, self._options.allow_open)
            try:
                self._greet()
                self._act()
            finally:
                background.run(self._link.close())

    def _act(self):
        if self._options.status:
            self._status()
        elif self._options.reset:
            self._reset()
        elif self._plan:
            for note in self._plan.notes:
                self._screen.warn(note)
            delivery = Delivery(self._run, self._link, self._screen)
            delivery.send(self._plan)
            delivery.follow(self._options.wait)
        else:
            self._ask_and_send()

    def _ask_and_send(self):
        wizard = Wizard(self._run, self._link, self._screen)
        delivery = Delivery(self._run, self._link, self._screen)
        failure = None
        try:
            plan = wizard.all()
            while True:
                try:
                    if failure:  # it asks the device, too, and the connection may break
                        plan = wizard.better(failure.code)
                    self._screen.heading("Sending")
                    delivery.send(plan)
                    return delivery.follow(self._options.wait)
                except Trouble as trouble:
                    failure = trouble
                    self._screen.trouble(trouble)
        except GivenUp:
            self._screen.say("Nothing more was sent.")
            if failure:
                raise failure from None

    # Finding it

    def _list(self):
        found = self._seen()
        if self._options.json:
            self._screen.json([{"name": one.name, "address": one.address, "rssi": one.rssi} for one in found])
        elif found:
            self._screen.devices(found)
        else:
            raise Trouble("no_device")

    def _find(self):
        wanted = self._options.device
        found = self._seen()
        if wanted:
            found = [one for one in found if _is_called(one, wanted)]
        if not found:
            raise Trouble("no_device", sentence=f"None is called {wanted}." if wanted else "")
        if len(found) == 1:
            return found[0]
        if not self._has_terminal:
            raise Trouble("several", sentence=", ".join(one.name for one in found))
        return self._choose(found)

    def _seen(self):
        wanted = self._options.device
        seconds = self._options.seconds or (_NAMED_S if wanted else _LOOK_S)
        quiet = self._options.json
        with contextlib.nullcontext() if quiet else self._screen.step("Looking for devices that wait for settings"):
            return self._run(scan(seconds, enough=lambda seen: bool(wanted) and _is_called(seen, wanted)))

    def _choose(self, found):
        while True:
            self._screen.devices(found)
            typed = self._screen.input(f"Which one? [1-{len(found)}, r to look again]")
            if typed == "r":
                found = self._seen() or found
            elif typed.isdecimal() and 1 <= int(typed) <= len(found):
                return found[int(typed) - 1]

    # The session

    def _greet(self):
        """A session; the code is asked for when it was not given, and once more when it was wrong."""
        with self._screen.step(f"Connecting to {self._link.name}") if not self._options.json else _quiet():
            self._run(self._link.reach())
        if self._link.wants_code and self._link.code is None:
            self._link.code = self._asked_code()
        while True:
            try:
                return self._run(self._link.secure())
            except Trouble as trouble:
                self._mend(trouble)

    def _mend(self, trouble):
        """What a person at a terminal can do about it; else it is raised on."""
        if not self._has_terminal:
            raise trouble
        if trouble.kind == "locked":
            self._screen.trouble(trouble)
            with self._screen.step("Waiting until it listens again (Ctrl-C ends it)") as step:
                self._run(_count_down(trouble.retry_s, step))
        elif trouble.kind == "wrong_code":
            self._screen.trouble(trouble)
            self._link.code = self._asked_code()
        elif trouble.kind == "open" and self._may_be_open(trouble):
            self._link.allow_open = True
        else:
            raise trouble

    def _may_be_open(self, trouble):
        self._screen.trouble(trouble)
        return self._screen.input("Go on without protection? [y/N]").lower().startswith("y")

    def _asked_code(self):
        if not self._has_terminal:
            raise Mistake("the device wants its setup code: give --code, or SETUP_CODE in the environment")
        while True:
            try:
                return code_in(self._screen.input("Setup code, from the label (or the QR code's link):"))
            except errors.PersonError as error:
                self._screen.warn(error.message)

    def _parsed(self, text):
        try:
            return code_in(text)
        except errors.PersonError as error:
            raise Mistake(f"--code: {error.message}") from error

    # Small things

    def _status(self):
        state = self._run(self._link.state())
        answer = self._run(self._link.ask("STS")).details
        status = {name: value for name, value in answer.items() if name not in ("pkt", "code", "msg")}
        if self._options.json:
            self._screen.json({"info": self._link.info, "state": state, "status": status})
            return
        info = self._link.info
        known = {name: info[name] for name in ("name", "hardware", "version", "security") if name in info}
        self._screen.facts(_shown({**known, "step": state.get("step"), **status}))

    def _reset(self):
        what = self._options.reset
        words = {"settings": "its networks, endpoint and own certificate", "all": "everything that it was given"}[what]
        if not self._options.yes:
            typed = self._screen.input(f"{self._link.name} forgets {words}. Sure? [y/N]")
            if not typed.lower().startswith("y"):
                self._screen.say("Nothing was reset.")
                return
        answer = self._run(self._link.ask("RESET", {"what": what}))
        self._screen.good(f"{self._link.name} has forgotten {words}, and restarts. {answer.sentence}")


def _plan(path):
    data = _bytes(path)
    try:
        return document.from_file(data)
    except Mistake as mistake:
        raise Mistake(f"--file {path}: {mistake}") from mistake


def _bytes(path):
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise Mistake(f"--file {path}: {error.strerror}") from error
    if len(data) > _LARGEST_FILE:
        raise Mistake(f"--file {path}: it is larger than any settings file")
    return data


def _is_called(seen, wanted):
    name, wanted = seen.name.lower(), wanted.lower()
    return wanted in (name, seen.address.lower()) or name.endswith("-" + wanted)


def _shown(status):
    for name, value in status.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {one}" for key, one in value.items())
        yield name, "-" if value is None else value


async def _count_down(seconds, step):
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        step.detail(f"{round(left_s)} s")
        await asyncio.sleep(min(1, left_s))


_quiet = contextlib.nullcontext
