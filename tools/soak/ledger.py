"""What one device was promised and has promised, against what the other end saw. Pure: lines and payloads come in.

The device's lines are those of `application.py` and the firmware's own events; the cloud's end is told by `arrived`
(an operator has received a message of the device), `acknowledged` (the device has sent a PUBACK) and `told` (the cloud
has taken a message for the device).
"""

import re
import threading
import time
from dataclasses import dataclass, field

_SAID = re.compile(r"^soak: (found|life|begin|kept|acked|gave up|heard|flushed|heap) (.*)\.$")
_DROPPED = re.compile(r" (publish|message)\.dropped .*dropped=(\d+)")
_CONNECTED = re.compile(r" aws\.connected ")
_START = re.compile(r"^sim: start \d+: (.*)$")
_OFF = re.compile(r"^sim: off: crash")
_TRANSITION = re.compile(r" (\w+) --(\w+)--> (\w+)")
_WRONG = re.compile(r"Traceback| task\.failed |^sim: REPL|MemoryError")
_AS_IT_SHOULD = ("INIT", "ready", "NORMAL")
_WORKERS = 3  # so many messages may be given up when the power goes, before the console has told of it


@dataclass
class Life:
    """From one start of the device to the next."""

    number: int = 0
    gave_up: int = 0
    publish_dropped: int = 0  # as the firmware has counted and told them
    message_dropped: int = 0
    heap: list = field(default_factory=list)  # (seconds connected, bytes)


class Ledger:
    """May be called from any thread. `wrong`: sentences about what must not happen."""

    def __init__(self, name):
        self.name = name
        self.lives = []
        self.wrong = []
        self.connections = self.again = self.gave_up = self.cut_short = 0
        self.begun = {}  # message -> when
        self.kept, self.acked, self.seen = set(), set(), set()
        self.sent, self.taken, self.heard = set(), set(), set()
        self._frozen = False
        self._open = {}
        self._flushed = 0
        self._proven_at = 0.0
        self._lock = threading.RLock()
        self._words = {
            "found": self._find, "life": self._live, "begin": self._begin, "kept": self._keep, "acked": self._ack,
            "gave up": self._give_up, "heard": self._hear, "flushed": self._flush, "heap": self._measure,
        }  # fmt: skip

    # ---- the device's end ----

    def line(self, text):
        """A line of the device's console."""
        with self._lock:
            said = _SAID.match(text)
            if said:
                self._words[said[1]](*said[2].split(" "))
            else:
                self._event(text)

    def _event(self, text):
        start, transition, dropped = _START.match(text), _TRANSITION.search(text), _DROPPED.search(text)
        if start:
            self._started(start[1])
        elif dropped and self.lives:
            setattr(self.lives[-1], f"{dropped[1]}_dropped", int(dropped[2]))
        elif _CONNECTED.search(text):
            self.connections += 1
        elif (transition and transition.groups() != _AS_IT_SHOULD) or _WRONG.search(text) or _OFF.match(text):
            self.wrong.append(text.strip())

    def _started(self, reason):
        if reason not in ("power on", "reset button"):
            self.wrong.append(f"restart: {reason}")
        self.cut_short += len(self._open)
        self._open.clear()
        self.lives.append(Life())

    def _find(self, number):
        if int(number) < self._flushed:
            self.wrong.append(f"the user's bytes went back from {self._flushed} to {number}")

    def _flush(self, number):
        self._flushed = int(number)

    def _live(self, number):
        before = max((life.number for life in self.lives), default=0)
        if int(number) <= before:
            self.wrong.append(f"life {number} after life {before}: the user's bytes went back")
        self.lives[-1].number = int(number)

    def _begin(self, message):
        now = time.monotonic()
        self.begun[message] = now
        if not self._frozen:
            self._open[message] = now

    def _keep(self, message):
        self._ended(message, self.kept)

    def _ack(self, message):
        self._ended(message, self.acked)

    def _give_up(self, message, _code):
        self.lives[-1].gave_up += 1
        self.gave_up += 1
        self._ended(message)

    def _ended(self, message, promised=None):
        begun_at = self._open.pop(message, None)
        if promised is self.acked:
            self._proven_at = max(self._proven_at, self.begun.get(message, 0.0))
        if promised is not None and begun_at is not None:
            promised.add(message)

    def _hear(self, number, *broken):
        if broken:
            self.wrong.append(f"message {number} to the device arrived broken")
        self.heard.add(int(number))

    def _measure(self, seconds, size):
        self.lives[-1].heap.append((int(seconds), int(size)))

    # ---- the cloud's end ----

    def arrived(self, payload):
        """A message of the device."""
        with self._lock:
            message, size, padding = payload.decode().split(" ")
            if padding != "x" * int(size):
                self.wrong.append(f"message {message} arrived broken")
            self.again += message in self.seen
            self.seen.add(message)

    def told(self, number):
        """The cloud has taken a message for the device."""
        with self._lock:
            self.sent.add(number)

    def acknowledged(self, number):
        """The device has acknowledged a message."""
        with self._lock:
            self.taken.add(number)

    # ---- what became of it ----

    def proven_since(self, moment):
        """Whether a message that was begun after this moment (monotonic) was acknowledged."""
        with self._lock:
            return self._proven_at >= moment

    def freeze(self):
        """What the device begins from now on is not judged any more."""
        with self._lock:
            self._frozen = True

    def settled(self):
        """Whether nothing is on its way."""
        with self._lock:
            return not (self._open or self.lost() or self.unheard())

    def lost(self):
        """Messages that the device was promised to be safe, and that never arrived."""
        with self._lock:
            return (self.kept | self.acked) - self.seen

    def unheard(self):
        """Messages to the device that its application has not heard."""
        with self._lock:
            return self.sent - self.heard

    def verdict(self):
        """What went wrong, in sentences; empty when nothing did."""
        with self._lock:
            found = list(dict.fromkeys(self.wrong))
            for messages, words in (
                (self.lost(), "lost, though the device was told that they are safe"),
                (self._open, "neither safe nor given up"),
                (self.seen - set(self.begun), "arrived, though they were never sent"),
            ):
                if messages:
                    found.append(f"{_some(messages)}: {words}")
            silent = sum(self._silent(life) for life in self.lives)
            if silent:
                found.append(f"{silent} messages were given up without the event publish.dropped")
            return found + self._unheard_verdict()

    def _unheard_verdict(self):
        told = sum(life.message_dropped for life in self.lives)
        swallowed = (self.taken & self.sent) - self.heard
        waiting = self.unheard() - swallowed
        found = []
        if len(swallowed) > told:
            found.append(f"{_some(swallowed)}: acknowledged, but not handed over; {told} drops were told")
        if waiting:
            found.append(f"{_some(waiting)}: not delivered to the device")
        return found

    def _silent(self, life):
        told_late = 0 if life is self.lives[-1] else _WORKERS
        return max(0, life.gave_up - life.publish_dropped - told_late)


def _some(messages):
    names = sorted(str(message) for message in messages)
    return f"{len(names)} messages ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
