"""Board and world in one process, in memory: for the tests of single modules."""

import errno
import os

import usocket
import utime

from simulated import layouts, services
from simulated.air import Air
from simulated.faults import Restarted
from simulated.memory import Memory, Meter, Sparse
from simulated.sockaddr import local_address

PWRON = 1
_REFUSING_PORT = 1  # tcpmux: nobody listens there
_NVS_BYTES = 0x6000


def connect(_channel):
    """(world, board) of this process."""
    return World(), Board()


class World(Air):
    """An `Air` that also answers the device's own name lookups and datagrams. TCP goes straight to 127.0.0.1."""

    def __init__(self):
        super().__init__(utime.ticks_ms)
        self.joined = None
        self._silent = _SilentPort()

    def linked(self, _mac, name):
        """The station has an address in the network `name`, or lost it (None)."""
        self.joined = name

    def reachable(self):
        """Whether frames pass between the device and the router."""
        point = self.point(self.joined) if self.joined else None
        return point is not None and point.present and not point.stalled

    def resolve(self, name):
        """(address or None, milliseconds that took)."""
        if not self.reachable():
            return None, 0
        if not self.dns:
            return None, self.dns_timeout_ms
        return self.lookup(name), 0

    def route(self, address, port):
        """Port of 127.0.0.1 where a connection goes; of one that never answers, or one that refuses."""
        target = self.target(address, port) if self.reachable() else "blocked"
        if target == "blocked":
            return self._silent.port()
        return _REFUSING_PORT if target == "refused" else target[1]

    def datagrams(self):
        """An endpoint for datagrams."""
        return _Datagrams(self)


class _SilentPort:
    """A port that never answers: its queue of connections is full, and the kernel drops what comes after."""

    def __init__(self):
        self._sockets = []
        self._port = None

    def port(self):
        if self._port is None:
            listener = usocket.socket()
            self._port = self._bind(listener)
            listener.listen(0)
            self._sockets.append(listener)
            for _ in range(2):
                self._fill()
        return self._port

    def _bind(self, listener):
        for _ in range(20):
            port = 20000 + int.from_bytes(os.urandom(2), "big") % 12000
            try:
                listener.bind(local_address(port))
                return port
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE)

    def _fill(self):
        filler = usocket.socket()
        filler.setblocking(False)
        try:
            filler.connect(local_address(self._port))
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        self._sockets.append(filler)


class _Datagrams:
    def __init__(self, world):
        self._world = world
        self._received = []

    def send(self, data, address, port):
        world = self._world
        if not world.reachable():
            return
        point = world.point(world.joined)
        now_ns = utime.time_ns()
        for answer in services.answers(world, address, port, data, now_ns):
            self._received.append((utime.ticks_add(utime.ticks_ms(), point.latency_ms), answer, (address, port)))

    def ready(self):
        return bool(self._received) and utime.ticks_diff(utime.ticks_ms(), self._received[0][0]) >= 0

    def receive(self, limit):
        data, source = self._received.pop(0)[1:]
        return data[:limit], source

    def close(self):
        self._received.clear()


class Board:
    """The chip's state that the fakes share. Tests set what the world would: pins, cause of the start, power cuts."""

    unique_id = b"\x0a\x1b\x2c\x3d\x4e\x5f"

    def __init__(self):
        self.reset_cause = PWRON
        self.wake_reason = 0
        self.soft_reset = False
        self.rtc_memory = b""
        self.clock_skew_ns = None  # None: time behaves as on the desk
        self.watchdog_ms = None  # time-out of the running watchdog
        self.fed_ms = None  # ticks of its last feed
        self.restarts = []
        self.flash = Meter()
        self.nvs_flash = Memory(_NVS_BYTES, self.flash)
        self.rows = layouts.table("stock")
        self.running = "factory"  # label of the application that runs
        self._pieces = {}
        self.idf_heap = (8180, 164500)  # free bytes of the two areas the chip reports
        self._disk = None
        self._levels = {}
        self._listeners = []

    def use_chip_clock(self):
        """From now on `time` is the chip's: epoch 2000, and unset, as after power-on."""
        self.clock_skew_ns = utime.time_ns()

    def set_clock_skew(self, skew_ns):
        self.clock_skew_ns = skew_ns

    def restart(self, reason, cause):
        """What `machine.reset()` does: here it raises `Restarted`."""
        self.restarts.append(reason)
        self.reset_cause = cause
        raise Restarted(reason)

    def start_watchdog(self, timeout_ms):
        self.watchdog_ms = timeout_ms
        self.fed_ms = utime.ticks_ms()

    def feed(self):
        self.fed_ms = utime.ticks_ms()

    def set_rtc_memory(self, data):
        self.rtc_memory = data

    def drive_pin(self, pin, level):
        """From outside: 0, 1, or None (nothing is attached)."""
        self._levels[pin] = level
        for listener in self._listeners:
            listener(pin, level)

    def hold_button(self, pin=0):
        """Press a button that connects the pin to ground."""
        self.drive_pin(pin, 0)

    def release_button(self, pin=0):
        self.drive_pin(pin, None)

    def pin_level(self, pin):
        return self._levels.get(pin)

    noticed_level = pin_level

    def listen_pins(self, listener):
        self._listeners.append(listener)

    def power_cycle(self):
        """Off and on: the clock and the RTC memory are gone, what is in flash stays."""
        self.reset_cause = PWRON
        self.rtc_memory = b""
        self.watchdog_ms = None
        if self.clock_skew_ns is not None:
            self.use_chip_clock()
        self.boot()
        if self._disk is not None:
            self._disk.power_cycle()

    def boot(self):
        """What follows a restart: the bootloader says which slot runs, and NVS is read anew."""
        if layouts.slots(self.rows):
            from simulated import bootloader

            self.running = bootloader.start(self.rows, self.piece)[0]
        self.reload_nvs()

    def use_slots(self, slot_bytes=0x10000, version="1.0.0"):
        """From now on the flash has two slots and otadata, as after `esptool` flashed `version` into the first one."""
        from simulated import firmware

        self.rows = layouts.table("ota", slot_bytes)
        self._pieces = {}
        writes = self.flash.writes
        self.piece("ota_0").program(0, firmware.build(version))
        self.flash.writes = writes
        self.boot()

    def piece(self, label):
        """Reads, programs and erases the partition of that label."""
        if label == "nvs":
            return self.nvs_flash
        if label not in self._pieces:
            self._pieces[label] = Sparse(self.flash)
        return self._pieces[label]

    def mount_disk(self, blocks=32):
        """Give the process a littlefs of its own at "/", whose writes count and can be cut like those of NVS.

        `power_cycle` mounts it anew. Returns it: `unmount` puts the desk's files back.
        """
        from simulated.disk import Disk

        self._disk = Disk(self.flash, blocks)
        self._disk.mount()
        return self._disk

    def reload_nvs(self):
        """What the chip does when it starts: read NVS anew; erase all of it when it is full or of a newer version."""
        import esp32

        esp32._start()
