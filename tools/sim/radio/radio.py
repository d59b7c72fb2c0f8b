"""The Bluetooth radio of a `World`: who is in it, and how well frames pass."""

import asyncio

from tools.sim.radio.ether import Ether, Listener
from tools.sim.radio.peripheral import Peripheral
from tools.sim.radio.phone import Phone

_ANSWER_S = 20


class Radio:
    """The conditions in the air, and the way to phones and listeners. Its methods may be called from any thread.

    `interval_ms`: the connection interval, 0 is without any pace; `packets_per_event`: how many packets of 251 bytes
    each end sends in one interval; `loss`: the share of packets that are lost, and sent again; `supervision_s`: how
    long a connection is silent before its ends give it up. All may be changed at any time.
    """

    def __init__(self, loop):
        self.interval_ms = 7.5
        self.packets_per_event = 4
        self.loss = 0.0
        self.supervision_s = 1.0
        self.loop = loop
        self.ether = Ether(self)
        self._boards = {}  # what `World.attach` gave a board -> Peripheral
        self._phones = []

    def phone(self, name="phone", address=None):
        """A phone in range; a context manager."""
        number = len(self._phones) + 1
        phone = Phone(self, name, address or f"F0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}")
        self._phones.append(phone)
        return phone

    def listen(self):
        """A listener that hears every frame from now on; a context manager."""
        return Listener(self.ether)

    def cut(self):
        """Every connection falls silent at once, and ends for both sides after `supervision_s`."""
        self.loop.call_soon_threadsafe(self.ether.cut_all)

    def cut_after(self, count):
        """The same for the connection through which the `count`-th frame with data from now has passed."""
        self.loop.call_soon_threadsafe(self.ether.cut_after, count)

    def wait(self, coroutine, timeout_s=_ANSWER_S):
        """Run the coroutine in the radio's loop; returns its result. Not from that loop itself."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)

    def answer(self, board, operation, *arguments):
        """What the board's `bluetooth` module asks; see `board/simulated/radio_hosted.py`."""
        peripheral = self._boards.get(board)
        if peripheral is None:
            peripheral = self._boards[board] = Peripheral(self)
        return self.wait(peripheral.answer(operation, arguments))

    def forget(self, board):
        """The board's power went, or it restarts: it says no farewell."""
        peripheral = self._boards.pop(board, None)
        if peripheral is not None:
            self.wait(peripheral.vanish())

    async def close(self):
        """Everybody goes."""
        for phone in self._phones:
            await phone.central.vanish()
        for peripheral in self._boards.values():
            await peripheral.vanish()
        self._boards.clear()
