"""The BLE server: a phone finds the device, sends it settings, and gets answers. In CONFIG only.

One phone at a time. What a message asks for is done by `handle`, a function that whoever makes the server gives; here
messages are only received and answered.
"""

import asyncio
import errno
import time

from micropython import const

import errors
import events
from backoff import Backoff
from ble import documents, gatt, ticks
from ble.talk import Host, Talk

_BASE_MS = const(1000)
_CAP_MS = const(10000)  # below the 20 s between two signs of life
_FAREWELL_MS = const(500)  # for the last answer to reach the phone, before the connection is ended
_WAIT_MS = const(50)

# How long a phone may say nothing: a stranger must not keep others out. Milliseconds.
STRANGER_MS = 120000  # until its first genuine message: time to find the code and type it
IDLE_MS = 900000


class Ble:
    """`name`: what is advertised, at most 28 bytes. `hardware`, `version`: for INFO. `security`: "code" or "open".

    `setup_code`: 10 bytes. `handle(typ, id, dat)`: see `talk.Host`; it may await `progress` and `set_state`. Emits
    ble.connected, ble.authenticated, ble.disconnected. `warnings` are sentences for whoever starts the device. `kept`:
    a list that holds a piece of memory as large as a message, which the radio needs in one piece.
    """

    def __init__(self, bus, name, hardware, version, security, setup_code, handle, kept=None):
        self.warnings = []
        self._bus = bus
        self._name = name
        self._info = documents.info(name, hardware, version, security)
        if security == "open":
            setup_code = None
            self.warnings.append("security is open: whoever is in range can configure this device")
        self._host = Host(name, setup_code, handle, time.ticks_ms, self._failed)
        self._kept = kept
        self._gatt = None
        self._phone = None  # aioble's connection
        self._sequence = 0
        self._code = 0
        self._last = None
        self._state = documents.state("waiting", 0, "", None)

    async def run(self, beat):
        """Advertise, serve, advertise again; never returns. When it is cancelled, it switches the radio off."""
        waits = Backoff(_BASE_MS, _CAP_MS)
        try:
            while True:
                beat()
                try:
                    await self._serve_phones(beat, waits)
                except OSError as failure:
                    await self._pause(failure, waits.next_ms())
        finally:
            await self.stop()

    async def stop(self):
        """Cancel the work in hand, hang up, switch the radio off and free its memory."""
        self._host.cancel()
        await self._switch_off()

    async def _switch_off(self):
        phone, self._phone = self._phone, None
        self._gatt = None
        try:
            if phone:
                await gatt.hang_up(phone)
        except OSError:
            pass  # switching off ends it all the same
        finally:
            gatt.stop()

    @property
    def is_busy(self):
        """Whether a message is worked on, which goes on when its phone has gone."""
        return self._host.is_busy

    async def progress(self, sentence=None):
        """For `handle`: answer code 1, because the work will take more than a moment."""
        await self._host.progress(sentence)

    async def set_state(self, step, code=0, message="", last=None):
        """Change what STATE shows; `last` stays until it is given again, {} for none. A phone is told to read it."""
        if last is not None:
            self._last = last or None
        self._code = code
        self._sequence = (self._sequence + 1) & 0xFF
        self._state = documents.state(step, code, message, self._last)
        await self._tell_state()

    async def gone(self, timeout_ms):
        """Wait until no phone is connected, at most `timeout_ms`: before a restart that the phone has asked for."""
        since_ms = time.ticks_ms()
        while self._phone and ticks.elapsed_ms(time.ticks_ms(), since_ms) < timeout_ms:
            await asyncio.sleep_ms(_WAIT_MS)

    async def _pause(self, failure, wait_ms):
        reason = "Bluetooth failed (%r): it starts again in %d ms" % (failure, wait_ms)
        self._bus.emit(events.BLE_DISCONNECTED, phone=None, reason=reason)
        await self._switch_off()
        await asyncio.sleep_ms(wait_ms)

    async def _serve_phones(self, beat, waits):
        self._gatt = gatt.Gatt(self._name, self._info, lambda: self._state, self._kept)
        asks = asyncio.create_task(self._answer_asks())
        try:
            while True:
                phone = await self._gatt.phone(beat)
                waits.stable()
                await self._serve(phone, beat)
        finally:
            asks.cancel()

    async def _serve(self, phone, beat):
        address = phone.device.addr_hex()
        self._phone = phone
        self._bus.emit(events.BLE_CONNECTED, phone=address)
        reason = "the phone has gone"
        try:
            reason = await self._listen(phone, address, beat)
            await asyncio.sleep_ms(_FAREWELL_MS)
        except OSError as failure:
            if failure.errno == errno.ETIMEDOUT:
                reason = "the phone does not take what it is sent"
        except MemoryError:
            reason = "no memory for what it sent"  # there is more when it has gone
        await gatt.hang_up(phone)
        self._gatt.clear()
        self._phone = None
        self._bus.emit(events.BLE_DISCONNECTED, phone=address, reason=reason)

    async def _listen(self, phone, address, beat):
        send = self._gatt.send  # there is no `_gatt` when the radio has failed, and work may still want to answer
        talk = Talk(self._host, lambda frame: send(phone, frame, beat), beat)
        told = False
        heard_ms = time.ticks_ms()
        while not talk.over:
            beat()
            data = await self._gatt.received(phone)
            now_ms = time.ticks_ms()
            await talk.hear(data, now_ms)
            data = bool(data)  # it may be a whole message, whose memory is needed for the work
            if talk.known and not told:
                told = True
                self._bus.emit(events.BLE_AUTHENTICATED, phone=address)
            if (data and talk.known) or self._host.is_busy:
                heard_ms = now_ms
            elif ticks.elapsed_ms(now_ms, heard_ms) > (IDLE_MS if talk.known else STRANGER_MS):
                return "the phone said nothing for too long"
        return talk.over

    async def _answer_asks(self):
        while True:
            await self._gatt.asked()
            await self._tell_state()

    async def _tell_state(self):
        if self._phone is None:
            return
        try:
            await self._gatt.tell_state(self._phone, self._sequence, self._code)
        except (OSError, MemoryError):
            pass  # it reads STATE when it comes back

    def _failed(self, failure):
        # Without the exception's text: it may quote what the phone sent, such as a password.
        failure = errors.error("task_failed", "ble", type(failure).__name__)
        self._bus.emit(events.TASK_FAILED, task="ble", code=failure.code, message=failure.message)
