"""A message in slices, where what the network holds of it would take the memory in which it is sent."""

from aws.link import Link
from aws_desk import Desk
from harness import equal
from scripted_broker import PUBLISH, until

COMPANIONS = ["tls_servers"]
MESSAGE = bytes(range(256)) * 12


class Wire:
    """Takes whatever is written, and 1.6 KB of the network's memory, until `acknowledge`."""

    def __init__(self, free):
        self.free = self.all = free
        self.writes = []

    def write(self, data, at, size):
        self.writes.append(bytes(data[at : at + size]))
        self.free -= 1664
        return size

    def acknowledge(self):
        self.free = self.all

    def memory(self):
        return self.free // 2, self.free


def link_with(free):
    link = Link("broker.test", 8883)
    link.stream = wire = Wire(free)
    link.network = wire.memory
    return link, wire


def test_where_there_is_memory_a_message_is_one_write():
    link, wire = link_with(40000)
    equal((link.send(MESSAGE, len(MESSAGE)), wire.writes), (True, [MESSAGE]))
    link.network = None
    equal((link.send(MESSAGE, len(MESSAGE)), wire.writes), (True, [MESSAGE] * 2))


def test_where_it_is_short_each_slice_waits_until_the_last_one_has_given_its_memory_back():
    link, wire = link_with(6000)
    equal(link.send(MESSAGE, 800, MESSAGE, 800), False)  # head and tail, as of a large message
    for slices in range(1, 4):
        for _ in range(10):
            equal((link.resume(), link.busy, len(wire.writes)), (False, True, slices))
        wire.acknowledge()
    equal((link.resume(), link.busy), (True, False))
    equal(([len(write) for write in wire.writes], b"".join(wire.writes)), ([800, 1024, 1024, 224], MESSAGE))


def test_a_little_message_waits_for_no_memory():
    link, wire = link_with(4000)
    equal((link.send(MESSAGE, 512), wire.writes), (True, [MESSAGE[:512]]))


def test_memory_that_stays_away_holds_up_a_message_for_a_second_not_for_ever():
    link, wire = link_with(4000)
    looks = 1
    link.send(MESSAGE, 2048)
    while not link.resume():
        looks += 1
    equal((looks, wire.writes), (50, [MESSAGE[:1024], MESSAGE[1024:2048]]))


async def test_a_large_message_comes_whole_through_memory_that_comes_and_goes():
    looks, received = [], []

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(PUBLISH)
        received.append(packet.payload)
        await peer.answer(packet)
        await peer.serve()

    def memory():
        looks.append(None)
        return (4096, 9000) if len(looks) % 3 == 1 else (2432, 7400)

    async with Desk(script) as desk:
        await desk.aws.connected()
        desk.aws._client._connection._link.network = memory
        await desk.aws.publish("t", MESSAGE, qos=1, timeout_s=15)
        await until(lambda: received)
        equal(received, [MESSAGE])
        equal(len(looks) >= 7, True)
