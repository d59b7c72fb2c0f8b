"""The air between the antennas: who hears whom, and when."""

import random
import time
from collections import deque
from dataclasses import dataclass

from bumble import hci, ll
from bumble.link import LocalLink

from tools.sim.radio.airlink import AirLink

_HEARD = 200_000  # frames a listener keeps


@dataclass(frozen=True)
class Frame:
    """What a listener hears. `kind`: "advertisement", "response", "connect", "data" (L2CAP) or "control"."""

    at_s: float
    kind: str
    source: str
    target: str | None
    data: bytes


class Listener:
    """Hears every frame in the air, each repetition too, from `Radio.listen` to `stop`. A context manager."""

    def __init__(self, ether):
        self._ether = ether
        self.frames = deque(maxlen=_HEARD)
        ether.listeners.append(self)

    def stop(self):
        """Listen no more; the frames stay."""
        if self in self._ether.listeners:
            self._ether.listeners.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def data(self):
        """The frames of connections."""
        return [frame for frame in list(self.frames) if frame.kind == "data"]


class Ether(LocalLink):
    """Where antennas are added and removed. What happens on the way is chosen in `conditions` (`Radio`)."""

    def __init__(self, conditions):
        super().__init__()
        self.conditions = conditions
        self.listeners = []
        self.random = random.Random(1)
        self._links = {}
        self._cut_left = None

    def remove_controller(self, controller):
        """It is gone without a word: its connections end by time-out."""
        self.controllers.discard(controller)
        controller.le_legacy_advertiser.stop()
        for link in list(self._links.values()):
            if controller in link.ends:
                link.cut()

    def hear(self, kind, source, target, data):
        """Tell the listeners."""
        if self.listeners:
            frame = Frame(time.monotonic(), kind, str(source), target and str(target), bytes(data))
            for listener in self.listeners:
                listener.frames.append(frame)

    def cut_all(self):
        """Every connection there is falls silent."""
        for link in list(self._links.values()):
            link.cut()

    def cut_after(self, count):
        """The connection falls silent through which the `count`-th frame with data from now has passed."""
        self._cut_left = count

    def passed(self, link):
        """A frame with data was delivered."""
        if self._cut_left is None:
            return
        self._cut_left -= 1
        if self._cut_left <= 0:
            self._cut_left = None
            link.cut()

    def waiting(self, antenna, peer_address):
        """Sizes of the frames that wait to be sent there."""
        connection = antenna.le_connections.get(peer_address)
        link = connection and self.link_of(connection)
        return link.waiting(antenna) if link else []

    def busy(self, antenna):
        """Whether anything waits there to be sent."""
        return any(antenna in link.ends and link.is_busy(antenna) for link in self._links.values())

    def closed(self, link):
        """Both ends have left it."""
        for key in [key for key, known in self._links.items() if known is link]:
            del self._links[key]

    # What Bumble's controllers call

    def send_advertising_pdu(self, sender_controller, packet):
        if isinstance(packet, ll.ConnectInd):
            self._connect(sender_controller, packet)
            return
        self.hear("advertisement", packet.advertiser_address, None, packet.data)
        if packet.response:
            self.hear("response", packet.advertiser_address, None, packet.response)
        for controller in list(self.controllers):
            if controller is not sender_controller:
                controller.on_ll_advertising_pdu(packet)

    def _connect(self, central, packet):
        self.hear("connect", packet.initiator_address, packet.advertiser_address, b"")
        here, there = packet.initiator_address, packet.advertiser_address
        peripheral = self.find_le_controller(there)
        link = self._links[_key(here, there)] = AirLink(self, central, here, peripheral, there)
        if peripheral is not None:
            peripheral.on_ll_advertising_pdu(packet)
        if peripheral is None or here not in peripheral.le_connections:
            link.cut(hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)  # somebody else was faster

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        connection = sender_controller.le_connections.get(destination_address)
        link = connection and self.link_of(connection)
        if link:
            link.send(sender_controller, "data", data)

    def send_ll_control_pdu(self, sender_address, receiver_address, packet):
        link = self._links.get(_key(sender_address, receiver_address))
        if link:
            link.send(link.end_at(sender_address), "control", packet)

    def link_of(self, connection):
        """The `AirLink` of a controller's connection, or None."""
        return self._links.get(_key(connection.self_address, connection.peer_address))


def _key(one, other):
    return frozenset((str(one), str(other)))
