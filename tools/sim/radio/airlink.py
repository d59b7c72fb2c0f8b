"""One connection through the air, paced like a radio: both ends meet once every connection interval, the central speaks
first, a frame that is lost is repeated at the next meeting, and a connection that is silent for long ends."""

import asyncio
from collections import deque

from bumble import hci, ll
from bumble.core import PhysicalTransport

PACKET = 251  # bytes in one packet of the link layer, with the data length extension
_L2CAP_HEADER = 4


class _Way:
    """The frames of one direction that wait."""

    def __init__(self, source, source_address, target, target_address):
        self.source, self.target = source, target
        self.source_address, self.target_address = source_address, target_address
        self.frames = deque()  # [kind, content, packets still to go]


class AirLink:
    """Between two antennas. `conditions` of the ether: interval_ms, packets_per_event, loss, supervision_s."""

    def __init__(self, ether, central, central_address, peripheral, peripheral_address):
        self._ether = ether
        self.ends = (central, peripheral)
        self._ways = {
            central: _Way(central, central_address, peripheral, peripheral_address),
            peripheral: _Way(peripheral, peripheral_address, central, central_address),
        }
        self._meeting = None
        self._start_s = self._met_s = self._heard_s = _now_s()
        self._silent = False
        self._reason = None

    def end_at(self, address):
        """The antenna that has this address here."""
        return next(way.source for way in self._ways.values() if way.source_address == address)

    def waiting(self, antenna):
        """Sizes of the data that wait there to be sent."""
        return [len(content) for kind, content, _ in self._ways[antenna].frames if kind == "data"]

    def is_busy(self, antenna):
        """Whether anything waits there to be sent, and can be."""
        return bool(self._ways[antenna].frames) and not self._silent

    def send(self, antenna, kind, content):
        """Queue a frame: `content` is bytes of "data", or a packet of "control"."""
        if not any(way.frames for way in self._ways.values()):
            self._heard_s = _now_s()  # until now empty packets have passed
        size = len(content) + _L2CAP_HEADER if kind == "data" else 1
        self._ways[antenna].frames.append([kind, content, -(-size // PACKET)])
        self._plan()

    def cut(self, reason=hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR):
        """Nothing passes any more; the ends notice after the supervision time-out."""
        if self._silent:
            return
        self._silent = True
        self._reason = reason
        if self._meeting is not None:
            self._meeting.cancel()
        _loop().call_later(self._ether.conditions.supervision_s, self._expire)

    def _expire(self):
        for antenna in self.ends:
            self._end_at(antenna)
        self._ether.closed(self)

    def _end_at(self, antenna):
        for connection in list(antenna.le_connections.values()) if antenna else ():
            if self._ether.link_of(connection) is self:
                antenna.on_le_disconnected(connection, self._reason)

    def _plan(self):
        if self._meeting is not None or self._silent:
            return
        interval_s = self._ether.conditions.interval_ms / 1000
        if not interval_s:
            self._meeting = _loop().call_soon(self._meet)
            return
        passed_s = max(_now_s(), self._met_s + interval_s / 2) - self._start_s  # never twice in one interval
        number = int(passed_s / interval_s) + 1
        self._meeting = _loop().call_at(self._start_s + number * interval_s, self._meet)

    def _meet(self):
        """One connection event. What is queued while it lasts waits for the next: hosts are not that fast."""
        self._meeting = None
        self._met_s = _now_s()
        due = {antenna: len(way.frames) for antenna, way in self._ways.items()}
        for antenna, way in self._ways.items():
            if not self._speak(way, due[antenna]):
                break
        if self._silent:
            return
        if any(way.frames for way in self._ways.values()):
            self._plan()

    def _speak(self, way, count):
        """Send what fits. False when a packet was lost: the meeting is over then."""
        conditions = self._ether.conditions
        packets = conditions.packets_per_event if conditions.interval_ms else len(way.frames) * PACKET
        while count and packets and not self._silent:
            frame = way.frames[0]
            packets -= 1
            if self._ether.random.random() < conditions.loss:
                self._hear(way, frame)
                self._lost(conditions.supervision_s)
                return False
            self._heard_s = _now_s()
            frame[2] -= 1
            if not frame[2]:
                way.frames.popleft()
                count -= 1
                self._deliver(way, frame)
        return True

    def _lost(self, supervision_s):
        if _now_s() - self._heard_s > supervision_s:
            self._silent, self._reason = True, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
            self._expire()

    def _deliver(self, way, frame):
        self._hear(way, frame)
        kind, content, _ = frame
        if way.source_address not in way.target.le_connections:
            return
        if kind == "data":
            way.target.on_link_acl_data(way.source_address, PhysicalTransport.LE, content)
            self._ether.passed(self)
            return
        way.target.on_ll_control_pdu(way.source_address, content)
        if isinstance(content, ll.TerminateInd):
            self._silent = True
            self._ether.closed(self)

    def _hear(self, way, frame):
        kind, content, _ = frame
        data = content if kind == "data" else type(content).__name__.encode()
        self._ether.hear(kind, way.source_address, way.target_address, data)


def _loop():
    return asyncio.get_running_loop()


def _now_s():
    return _loop().time()
