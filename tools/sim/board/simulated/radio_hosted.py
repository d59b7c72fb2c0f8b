"""The Bluetooth radio when a host process has it (`tools/sim/radio`): calls go through the channel, events come back.

The host rings a doorbell, a socket that asyncio watches; each event is then fetched with a call, and the next one only
when the handler has returned. So no event is lost and none overtakes another, and the peer's write is acknowledged
after the handler ran, as on the chip. Unlike there, a handler waits for asyncio's loop to turn: a program that never
yields gets no events.
"""

import binascii

import usocket

from simulated.sockaddr import local_address

_RINGS = 64  # bytes read at once; more have no more meaning


class Radio:
    """What `bluetooth.BLE` drives. Raises OSError with the port's numbers."""

    def __init__(self, board):
        self._ask = board.channel.ask
        self._doorbell = None
        self._loop = None  # the queue of the asyncio loop that watches the doorbell
        self._task = None

    def start(self, address, listener):
        """Switch it on. `listener` hears `on_event`, `remote_write` and `remote_read`."""
        self._address = address
        self._listener = listener
        port = self._call("start", _hex(address))
        self._doorbell = usocket.socket()
        self._doorbell.connect(local_address(port))
        self._doorbell.setblocking(False)
        self._watch()

    def stop(self):
        """Switch it off; connections end."""
        import asyncio

        self._call("stop")
        if self._task is not asyncio.core.cur_task:  # else an event's handler is stopping it: the task ends by itself
            self._task.cancel()
        self._doorbell.close()
        self._doorbell = self._loop = self._task = None

    def address(self):
        """(0 for public, the address)."""
        return 0, self._address

    def set_name(self, name):
        self._call("set_name", _hex(name))

    def set_mtu(self, mtu):
        self._call("set_mtu", mtu)

    def advertise(self, interval_us, data, response, connectable):
        self._call("advertise", interval_us, _hex(data), _hex(response), connectable)

    def stop_advertising(self):
        self._call("stop_advertising")

    def disconnect(self, connection):
        self._call("disconnect", connection)

    def pair(self, connection):
        self._call("pair", connection)

    def exchange_mtu(self, connection):
        self._call("exchange_mtu", connection)

    def register(self, services):
        """[(uuid, [(uuid, flags, is_descriptor), ...]), ...] -> [[handle, ...], ...]"""
        plain = []
        for uuid, attributes in services:
            plain.append((_hex(uuid), [(_hex(own), flags, descriptor) for own, flags, descriptor in attributes]))
        return self._call("register", plain)

    def update(self, handle, data):
        self._call("update", handle, _hex(data))

    def notify(self, connection, handle, data):
        self._call("notify", connection, handle, _hex(data))

    def indicate(self, connection, handle, data):
        self._call("indicate", connection, handle, _hex(data))

    def _call(self, operation, *arguments):
        if self._doorbell is not None:
            self._watch()
        answer = self._ask("bluetooth", operation, *arguments)
        if isinstance(answer, dict):
            raise OSError(answer["error"])
        return answer

    def _watch(self):
        """Watch the doorbell in the loop of now: a test may have begun a new one."""
        import asyncio  # not sooner: its memory is the firmware's

        if self._loop is not asyncio.core._io_queue:
            self._loop = asyncio.core._io_queue
            self._task = asyncio.create_task(self._listen(self._doorbell, asyncio.StreamReader(self._doorbell)))

    async def _listen(self, doorbell, stream):
        while doorbell is self._doorbell and await stream.read(_RINGS):
            self._deliver(doorbell)

    def _deliver(self, doorbell):
        answer = None
        while doorbell is self._doorbell:
            event = self._call("event", answer)
            if event is None:
                return
            answer = self._handle(event)

    def _handle(self, event):
        kind, connection, *data = event
        if kind == "write":
            return self._listener.remote_write(connection, data[0], binascii.unhexlify(data[1]))
        if kind == "read":
            error, value = self._listener.remote_read(connection, data[0])
            return [error, _hex(value)]
        if kind <= 2:  # connected, disconnected: with an address
            data[1] = binascii.unhexlify(data[1])
        self._listener.on_event(kind, (connection,) + tuple(data))
        return None


def _hex(data):
    return None if data is None else binascii.hexlify(data).decode()
