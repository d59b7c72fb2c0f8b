"""A phone of the simulated radio that configures a device: the protocol of `tools.configure` without an adapter."""

import json
import time
from contextlib import contextmanager

from tools.configure.firmware import framing, setup_code
from tools.configure.radio import INFO, RX, SERVICE, STATE, TX
from tools.configure.session import Handshake
from tools.configure.talk import Talk
from tools.configure.trouble import Trouble

_MTU = 512


class DemoPhone:
    """`radio` is a world's. What goes wrong is a TimeoutError, as everything that a step of the demo waits for."""

    def __init__(self, phone):
        self._phone = phone
        self._talk = Talk()
        self._found = None
        self._info = {}

    def find(self):
        """Look for a device that advertises; the name it has."""
        self._found = self._phone.find(service=SERVICE)
        return self._found.name

    def connect(self):
        """Connect with the device that was found."""
        self._phone.connect(self._found)
        self._phone.exchange_mtu(_MTU)
        for uuid in (TX, STATE):
            self._phone.subscribe(uuid)
        self._info = json.loads(self._phone.read(INFO))

    def secure(self, code):
        """A session with the setup code, as the label has it."""
        handshake = Handshake(setup_code.parse(code), self._info["name"])
        self._talk.secure(handshake.finish(self.ask("HELLO", handshake.dat)))

    def ask(self, typ, dat=None):
        """What the device answers, a dict; its refusal, too, by `code` and `msg`."""
        self._talk.ask(typ, dat or {}, time.monotonic())
        while self._talk.answer is None:
            try:
                self._write(self._talk.due(time.monotonic()))
                self._talk.hear(self._listen(), time.monotonic())
            except Trouble as trouble:
                if trouble.kind != "refused":
                    raise TimeoutError(f"the phone got no answer to {typ}: {trouble}") from trouble
                return {"code": trouble.code, "msg": trouble.sentence}
        return self._talk.answer.details

    def _write(self, data):
        for piece in framing.chunks(data or b"", self._info["chunk"]):
            self._phone.write(RX, bytes(piece))

    def _listen(self):
        try:
            return self._phone.next_notification(TX, max(0.01, self._talk.wait_s(time.monotonic())))
        except TimeoutError:
            return b""  # it may be time to ask again


@contextmanager
def demo_phone(radio):
    """A `DemoPhone` in range, until the end of the block."""
    with radio.phone() as phone:
        yield DemoPhone(phone)
