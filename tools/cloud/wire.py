"""One TCP or TLS connection of the broker: bytes in, packets out of them; packets in, as few writes as possible.

Knows MQTT only as far as where a packet ends. It holds the bounds that keep a peer from harming the others: the size
of a packet, the write buffer, the throughput, and the time a closing connection may take.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque

from tools.cloud.faults import Faults
from tools.cloud.interfaces import Clock
from tools.cloud.limits import Bucket, Limits
from tools.cloud.packets import PacketError, Splitter

_numbers = itertools.count(1)


class Wire(asyncio.Protocol):
    """Base of `Connection`, which gives `packet_received`, `broken`, `drained`, `delayed` and `gone`."""

    def __init__(self, limits: Limits, faults: Faults, clock: Clock):
        self.number = next(_numbers)  # names the connection in logs and to the faults
        self.client_id = ""
        self.limits = limits
        self.faults = faults
        self.clock = clock
        self.transport: asyncio.Transport | None = None
        self.writable = True
        self.closing_at: float | None = None  # since when it is closing
        self.received_at = clock()
        self._loop = asyncio.get_running_loop()
        self._splitter = Splitter(limits.packet_bytes)
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._congested = False
        self._received = self._sent = 0
        self._late: deque[bytes] = deque()  # what a fault holds back
        self._late_bytes = 0
        self._late_until = 0.0
        self._throughput = Bucket(limits.bytes_per_s, clock) if limits.bytes_per_s else None

    # ---- for Connection to give ----

    def packet_received(self, first: int, body: bytes) -> None:
        raise NotImplementedError

    def broken(self, error: PacketError) -> None:
        raise NotImplementedError

    def drained(self) -> None:
        raise NotImplementedError

    def delayed(self, wait_s: float) -> None:
        raise NotImplementedError

    def gone(self) -> None:
        raise NotImplementedError

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=self.limits.write_buffer_bytes)

    def data_received(self, data: bytes) -> None:
        if self.closing_at is not None:
            return
        self.received_at = self.clock()
        self._received += len(data)
        cut = self._cut("close_after_received", self._received, len(data))
        try:
            for first, body in self._splitter.feed(data[: len(data) - cut] if cut else data):
                self.packet_received(first, body)
                if self.closing_at is not None:
                    return
        except PacketError as error:
            self.broken(error)
            return
        if cut is not None:
            self.cut_off()
        elif self._throughput is not None:
            self._slow_down(self._throughput.overdraw(len(data)))

    def pause_writing(self) -> None:
        self._congested = True
        self.writable = False

    def resume_writing(self) -> None:
        self._congested = False
        if not self._full():
            self._breathe()

    def connection_lost(self, error: Exception | None) -> None:
        if self.closing_at is None:
            self.closing_at = self.clock()
        self.writable = False
        self._unsent.clear()
        self.gone()

    # ---- sending and closing ----

    def send(self, packet: bytes) -> None:
        """Send a packet soon: all of one turn of the loop leave in one write, one TLS record, one system call."""
        if self.closing_at is not None:
            return
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packet)
        self._unsent_bytes += len(packet)
        if self._unsent_bytes >= self.limits.write_buffer_bytes:
            self._flush()

    def close(self) -> None:
        """Send what is there, then close; `overdue` tells when the peer does not take it."""
        if self.closing_at is not None:
            return
        self._flush()
        if self.closing_at is None:
            self.closing_at = self.clock()
        self.writable = False
        if not self._late:
            self.transport.close()

    def cut_off(self) -> None:
        """Close at once, whatever was still to be sent."""
        if self.closing_at is None:
            self.closing_at = self.clock()
        self.writable = False
        self._unsent.clear()
        self.transport.abort()

    def overdue(self, now: float) -> bool:
        """Is it closing for longer than a peer may take?"""
        return self.closing_at is not None and now - self.closing_at >= self.limits.close_timeout_s

    def _flush(self) -> None:
        if not self._unsent or self.closing_at is not None:
            return
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._unsent_bytes = 0
        self._sent += len(data)
        cut = self._cut("close_after_sent", self._sent, len(data))
        if cut is not None:
            data = data[: len(data) - cut]
        self._write(data)
        if cut is not None:
            self.close()

    def _full(self) -> bool:
        return self._congested or self._late_bytes >= self.limits.write_buffer_bytes

    def _write(self, data: bytes) -> None:
        slow = self.faults.strikes("slow", self.number, self.client_id)
        if slow is None and not self._late:
            self.transport.write(data)
            return
        self._late.append(data)
        self._late_bytes += len(data)
        if self._full():
            self.writable = False
        self._late_until = max(self._loop.time() + (slow.amount if slow else 0.0), self._late_until)
        self._loop.call_at(self._late_until, self._write_late)

    def _write_late(self) -> None:
        data = self._late.popleft()  # whichever timer runs first: the bytes keep their order
        self._late_bytes -= len(data)
        if not self.transport.is_closing():
            self.transport.write(data)
        if not self._late and self.closing_at is not None:
            self.transport.close()
        elif not self.writable and not self._full():
            self._breathe()

    def _breathe(self) -> None:
        if self.closing_at is None:
            self.writable = True
            self.drained()

    def _cut(self, kind: str, count: int, size: int) -> int | None:
        """How many of the last `size` bytes are beyond an ordered cut; None: go on."""
        order = self.faults.strikes(kind, self.number, self.client_id)
        if order is None or count < order.amount:
            return None
        return min(count - int(order.amount), size)

    def _slow_down(self, wait_s: float) -> None:
        """AWS delays what is beyond the throughput of a connection: the peer feels it as a full TCP window."""
        if wait_s > 0 and self.closing_at is None:
            self.delayed(wait_s)
            self.transport.pause_reading()
            self._loop.call_later(wait_s, self._speed_up)

    def _speed_up(self) -> None:
        if self.closing_at is None:
            self.transport.resume_reading()
