"""The conversation with a device, without radio and clock: bytes in, bytes out, at times (seconds) that are handed in.

    talk = Talk()
    talk.ask("SCAN", {}, now_s)
    while talk.answer is None:
        data = talk.due(now_s)              # bytes to write, or None; raises Trouble when it is over
        talk.hear(received, now_s)          # at the latest after talk.wait_s(now_s), with b"" for nothing

Stop and wait: one message at a time. What got lost is sent again under the same id, sealed anew; HELLO under a new one.
"""

import json
from typing import NamedTuple

from tools.configure.firmware import codes, framing
from tools.configure.session import OVERHEAD, Forged
from tools.configure.trouble import Trouble

_ANSWER_S = 8  # for the first answer: longer than the 5 s after which the device gives a message up
_REMINDER_S = 15  # without news while the device is at work, then it is asked again
_BUSY_S = 1  # before a busy device is asked again
_TRIES = 4
_BUSY_TRIES = 30
_WORK_S = 60
_APPLY_S = 300  # trying each of 8 networks takes the device up to 30 s
_CLOCK = 2**30  # the firmware's clock goes round

# What the device may say in clear during a session: that it has none, or could not read a message.
_IN_CLEAR = (codes.NOT_AUTHENTICATED, codes.TIMEOUT, codes.BAD_CRC, codes.NOT_JSON)


class Answer(NamedTuple):
    """A final answer: `details` is the ACK's dat."""

    code: int
    sentence: str
    details: dict


class Talk:
    """From connecting to disconnecting. In clear until `secure` or for good."""

    def __init__(self):
        self.answer = None
        self.at_work = False  # the device has said so (code 1)
        self._parser = framing.Parser()
        self._session = None
        self._id = 0
        self._typ = self._dat = self._text = None

    @property
    def typ(self):
        """What was asked last."""
        return self._typ

    def secure(self, session):
        """From now on everything is sealed, and nothing else is believed."""
        self._session = session

    def ask(self, typ, dat, now_s):
        """Begin. Raises Trouble when it is too long for the device."""
        self._typ, self._dat = typ, dat
        self._number()
        most = framing.LARGEST - (OVERHEAD if self._session else 0)
        if len(self._text) > most:
            raise Trouble("refused", codes.TOO_LARGE, f"{typ} has {len(self._text)} bytes, at most {most} fit.")
        self.answer = None
        self.at_work = False
        self._sent = self._busy = 0
        self._due_s = now_s
        self._deadline_s = now_s + (_APPLY_S if typ == "APPLY" else _WORK_S)
        self._failure = Trouble("no_answer")

    def _number(self):
        self._id += 1
        document = {"typ": self._typ, "id": self._id, "dat": self._dat}
        self._text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def wait_s(self, now_s):
        """How long to listen until `due` is to be asked again."""
        return max(0, min(self._due_s, self._deadline_s) - now_s)

    def due(self, now_s):
        """What has to be written now, None for nothing. Raises Trouble when no good answer will come."""
        if now_s >= self._deadline_s:
            raise Trouble("no_answer")
        if self.answer or now_s < self._due_s:
            return None
        if self._sent >= _TRIES:
            raise self._failure
        if self._typ == "HELLO" and self._sent:
            self._number()  # each one makes new keys: the answer to the one before, if it still comes, is void
        self._sent += 1
        self._due_s = now_s + _ANSWER_S
        if self._session is None:
            return bytes(framing.frame(framing.CLEAR, self._text))
        return bytes(framing.frame(framing.SEALED, self._session.seal(self._text)))

    def hear(self, data, now_s):
        """Take what arrived. Raises Trouble when the device refuses."""
        now_ms = int(now_s * 1000) % _CLOCK
        self._parser.expire(now_ms)
        self._read(now_s)
        rest = memoryview(data)
        while rest:
            rest = rest[self._parser.feed(rest, now_ms) :]
            self._read(now_s)

    def _read(self, now_s):
        while (found := self._parser.next()) is not None:
            if found in (framing.BAD_CRC, framing.LATE):
                self._again(now_s)
            elif found != framing.SEARCHING:
                self._judge(self._opened(found, bytes(self._parser.payload)), now_s)

    def _opened(self, kind, payload):
        """The ACK as a dict; None for what is not to be believed."""
        if kind == framing.SEALED:
            try:
                text = self._session.open(payload) if self._session else None
            except Forged:
                return None  # whoever waits for an answer will ask again
            return _ack(text)
        ack = _ack(payload)
        believed = self._session is None or (ack and ack["dat"].get("code") in _IN_CLEAR)
        return ack if believed else None

    def _judge(self, ack, now_s):
        if ack is None or self.answer or self._typ is None or ack.get("id") not in (self._id, None):
            return
        details = ack["dat"]
        code, sentence = details["code"], str(details.get("msg") or "")
        if code in (codes.TIMEOUT, codes.BAD_CRC):
            self._again(now_s, Trouble("refused", code, sentence))
        elif code == codes.BUSY:
            self._later(now_s, Trouble("refused", code, sentence))
        elif code == codes.IN_PROGRESS:
            self.at_work = True
            self._sent = 1
            self._due_s = now_s + _REMINDER_S
        elif code in (codes.OK, codes.DONE):
            self.answer = Answer(code, sentence, details)
        else:
            raise refusal(code, sentence, details)

    def _again(self, now_s, failure=None):
        self._due_s = now_s
        self._failure = failure or self._failure

    def _later(self, now_s, failure):
        self._busy += 1
        if self._busy > _BUSY_TRIES:
            raise failure
        self._sent = 0
        self._due_s = now_s + _BUSY_S


def refusal(code, sentence, details):
    """The Trouble of a final answer that says no."""
    retry_s = details.get("retry_s")
    if code == codes.NOT_AUTHENTICATED and isinstance(retry_s, int) and retry_s > 0:
        return Trouble("locked", code, sentence, retry_s)
    return Trouble("refused", code, sentence)


def _ack(text):
    """The ACK in JSON; None for anything else."""
    try:
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    shaped = isinstance(document, dict) and document.get("typ") == "ACK" and isinstance(document.get("dat"), dict)
    return document if shaped and type(document["dat"].get("code")) is int else None
