"""Board and world when a host process (`tools.sim.Board`, `tools.sim.World`) holds the power cord and the radio."""

import binascii
import struct

import uselect
import usocket
import utime
import vfs

from simulated.channel import Channel
from simulated.flash import PartitionFile
from simulated.sockaddr import local_address, port_of


def connect(number):
    """(world, board), both through the channel with this file descriptor."""
    channel = Channel(number)
    return World(channel), Board(channel)


class _Point:
    """An access point as the host described it."""

    def __init__(self, fields):
        for name, value in fields.items():
            setattr(self, name, value)
        self.bssid = binascii.unhexlify(self.bssid)
        self.changed_ms = utime.ticks_add(utime.ticks_ms(), -min(self.changed_ago_ms, 1000000))


class World:
    """What the radio and the sockets ask for."""

    def __init__(self, channel):
        self._ask = channel.ask
        self._points = {}
        self.radio_factor = 1

    def access_points(self):
        answer = self._ask("points")
        if answer is not None:
            self.radio_factor = answer["radio_factor"]
            self._points = {fields["name"]: _Point(fields) for fields in answer["points"]}
        return list(self._points.values())

    def point(self, name):
        self.access_points()  # costs nothing while nothing has changed
        return self._points.get(name)

    def linked(self, _mac, name):
        self._ask("linked", name)

    def resolve(self, name):
        return self._ask("resolve", name)

    def route(self, address, port):
        return self._ask("route", address, port)

    def datagrams(self):
        return _Datagrams(self._ask)


class _Datagrams:
    """A UDP socket of the desk; each address it sends to is a port of the simulated router."""

    def __init__(self, ask):
        self._ask = ask
        self._socket = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        self._poll = uselect.poll()
        self._poll.register(self._socket, uselect.POLLIN)
        self._ports = {}

    def send(self, data, address, port):
        local = self._ask("datagram", address, port)
        self._ports[local] = (address, port)
        self._socket.sendto(data, local_address(local))

    def ready(self):
        return bool(self._poll.poll(0))

    def receive(self, limit):
        data, source = self._socket.recvfrom(limit)
        return data, self._ports.get(port_of(source), ("0.0.0.0", 0))

    def close(self):
        self._socket.close()


class Meter:
    """Counts flash writes in a page that the host shares; while a power cut is set each asks if the power holds."""

    def __init__(self, channel, page):
        self._channel = channel
        self._page = open(page, "r+b", 0)
        self._state = bytearray(5)  # number of writes (u32), whether a cut is set (u8): tools/sim/write_meter.py
        self._count = memoryview(self._state)[:4]

    def count_write(self):
        """False, or "torn": half of this write may still happen. A clean cut does not come back."""
        self._page.seek(0)
        self._page.readinto(self._state)
        if self._state[4]:
            return self._channel.ask("write") or False
        struct.pack_into("<I", self._state, 0, struct.unpack_from("<I", self._state)[0] + 1)
        self._page.seek(0)
        self._page.write(self._count)
        return False

    def power_lost(self):
        self._channel.die("dead")


class Board:
    """The chip's state, kept by the host over restarts as far as the chip keeps it."""

    def __init__(self, channel):
        state = channel.ask("boot")
        self.channel = channel
        self.unique_id = binascii.unhexlify(state["mac"])
        self.reset_cause = state["cause"]
        self.wake_reason = state["wake"]
        self.clock_skew_ns = state["skew"]
        self.rtc_memory = binascii.unhexlify(state["rtc"])
        self.idf_heap = state["idf_heap"]
        self.flash = Meter(channel, state["meter"])
        self._opened = vfs.VfsPosix("/").open  # also when the firmware sees nothing of the desk any more
        self._folder = state["folder"]
        self.rows = state["rows"]
        self.running = state["running"]  # label of the application that runs
        self.nvs_flash = self.piece("nvs")
        self._noticed = dict(state["pins"])

    def piece(self, label, kind=PartitionFile):
        """Reads, programs and erases the partition of that label."""
        size = next(row[3] for row in self.rows if row[4] == label)
        return kind("%s/%s.bin" % (self._folder, label), size, self.flash, self._opened)

    def set_clock_skew(self, skew_ns):
        self.clock_skew_ns = skew_ns
        self.channel.ask("skew", skew_ns)

    def restart(self, reason, cause):
        self.channel.die("restart", reason, cause)

    def start_watchdog(self, timeout_ms):
        self.channel.ask("watchdog", timeout_ms)

    def feed(self):
        self._pins_changed(self.channel.ask("feed"))

    def set_rtc_memory(self, data):
        self.rtc_memory = data
        self.channel.ask("rtc", binascii.hexlify(data).decode())

    def pin_level(self, pin):
        return self.channel.ask("pin", pin)

    def noticed_level(self, pin):
        """What was on the pin when the chip last looked, which is when it was fed."""
        return self._noticed.get(pin)

    def listen_pins(self, listener):
        self._listener = listener

    def _pins_changed(self, changes):
        for pin, level in changes or ():
            self._noticed[pin] = level
            self._listener(pin, level)
