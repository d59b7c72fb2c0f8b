"""What is outside the board: access points and what the router behind them answers. Everything that goes wrong is
chosen here, in one place.

Runs in MicroPython (a test inside the device's process) and in CPython (`tools.sim.World` builds on it). Times are
milliseconds of the `ticks` function that was given; nothing here waits.
"""

import struct

GATEWAY = "192.168.4.1"
NETMASK = "255.255.255.0"
STATION = "192.168.4.2"
PUBLIC_NAME_SERVERS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
TIME_SERVERS = (
    "pool.ntp.org",
    "0.pool.ntp.org",
    "1.pool.ntp.org",
    "2.pool.ntp.org",
    "3.pool.ntp.org",
    "time.google.com",
    "time.cloudflare.com",
    "time.aws.com",
    "time.windows.com",
)

# esp_wifi_types.h, wifi_auth_mode_t
OPEN = 0
WPA2 = 3

_OUTSIDE = 0x0A000001  # 10.0.0.1: the first address given to a name


class AccessPoint:
    """One Wi-Fi network. `password` None is an open network; `rssi` in dBm.

    `wrong_password_reasons` is what the station hears, attempt by attempt, when the password is wrong: chips and
    access points differ, and 15 and 204 look like any other timeout.
    """

    def __init__(self, name, password, rssi, channel, auth, bssid, air):
        self.name = name
        self.password = password
        self.rssi = rssi
        self.channel = channel
        self.auth = auth if auth is not None else OPEN if password is None else WPA2
        self.bssid = bssid
        self.present = True
        self.refusing = False
        self.gives_address = True
        self.stalled = False
        self.latency_ms = 0
        self.loss = 0.0  # of what passes, 0.1: a tenth; TCP sends it again, later; needs the router, too
        self.outages = 0  # how often it was switched off: the connections of before are dead
        self.cut_left = None  # bytes until a connection is cut; needs the router of `tools.sim.World`
        self.wrong_password_reasons = (15, 15, 204, 202)
        self.kicks = 0  # how often the stations were thrown out, or the radio was switched off
        self._air = air
        self.changed_ms = air.ticks()

    def vanish(self):
        """Switch it off. It forgets its stations, and the router behind it every connection: those stay silent."""
        self.present = False
        self.outages += 1
        self.kick()

    def back(self):
        """Switch it on again."""
        self.present = True
        self._changed()

    def refuse(self, on=True):
        """Reject whoever wants to join (the network is full, or filters addresses)."""
        self.refusing = on
        self._changed()

    def no_address(self, on=True):
        """Let stations join, but never answer DHCP."""
        self.gives_address = not on
        self._changed()

    def stall(self, on=True):
        """Lose every frame, though the beacons are heard: nothing arrives and nothing is refused."""
        self.stalled = on
        self._changed()

    def kick(self):
        """Throw out the stations; they may join again at once."""
        self.kicks += 1
        self._changed()

    def cut_after(self, count):
        """Reset the connection through which the next `count` bytes, of both directions together, have passed."""
        self.cut_left = count

    def _changed(self):
        self.changed_ms = self._air.ticks()
        self._air.changed(self)


class Air:
    """Every access point, and the internet behind them.

    `dns`: True answers, False is silent. `ntp`: True answers, False is silent; `ntp_offset_s` is added to the true
    time. `hostile` is None or what a hostile server sends: "garbage" (rubbish), "wrong_id" (answers to questions
    never asked), "short" (truncated packets), "loop" (a name that points at itself), "kiss" (NTP: go away).
    """

    def __init__(self, ticks):
        self.dns = True
        self.ntp = True
        self.ntp_offset_s = 0
        self.hostile = None
        self.dns_timeout_ms = 1500  # how long the chip's own resolver waits for a silent name server; 7 s there
        self.radio_factor = 1  # 10 is about the chip's own speed of joining
        self.ticks = ticks
        self._points = {}
        self._names = {}
        self._blocked = set()
        self._refused = set()
        self._time_servers = set()
        for name in TIME_SERVERS:
            self.time_server(name)

    def access_point(self, name, password=None, rssi=-50, channel=6, auth=None):
        """A new network in range, or the known one of that name with these properties. Returns it."""
        bssid = bytes((0x02, 0, 0, 0, 0, len(self._points) + 1))
        point = AccessPoint(name, password, rssi, channel, auth, bssid, self)
        old = self._points.get(name)
        if old is not None:
            point.bssid = old.bssid
            point.kicks = old.kicks + 1
            point.outages = old.outages + 1
        self._points[name] = point
        return point

    def changed(self, point):
        """Called when something became of an access point."""

    def access_points(self):
        """All of them, also those switched off."""
        return list(self._points.values())

    def point(self, name):
        """The access point of that name, or None."""
        return self._points.get(name)

    def name(self, host, port=None):
        """Let the name servers know `host`. `port` says where its connections really go on this machine:

        a number (port of 127.0.0.1 for every port the device asks for), a dict {asked: number} (None for every port
        that is not in it), or None (nobody listens). A tuple (host, number) leads off this machine; number None is the
        port asked for. Returns the address the device sees: an address in the place of a name is its own.
        """
        host = host.lower()
        old = self._names.get(host)
        address = old[0] if old else host if is_address(host) else _dotted(_OUTSIDE + len(self._names))
        self._names[host] = (address, port)
        return address

    def forget_name(self, host):
        """The name servers do not know `host` any more; its connections go on."""
        address, port = self._names.pop(host.lower())
        self._names["\0" + host] = (address, port)

    def block_port(self, port, on=True):
        """A firewall drops what goes to this port of anyone: no answer at all."""
        _switch(self._blocked, port, on)

    def is_blocked(self, port):
        """Whether the firewall drops it."""
        return port in self._blocked

    def refuse_port(self, port, on=True):
        """Nobody accepts connections to this port of anyone: each is refused at once."""
        _switch(self._refused, port, on)

    def lookup(self, host):
        """The address of a name, or None."""
        found = self._names.get(host.lower())
        return found[0] if found else None

    def knows(self, address):
        """Whether somebody here has that address."""
        return address == GATEWAY or any(known == address for known, _ in self._names.values())

    def target(self, address, port):
        """Where a connection to `address`:`port` goes: (host, port) on this machine, "blocked" or "refused"."""
        if port in self._blocked:
            return "blocked"
        if port in self._refused:
            return "refused"
        for known, real in self._names.values():
            if known == address:
                return _real_target(real, port)
        return "refused" if address == GATEWAY else "blocked"

    def is_name_server(self, address):
        """Whether a name server listens there."""
        return address == GATEWAY or address in PUBLIC_NAME_SERVERS

    def is_time_server(self, address):
        """Whether a time server listens there: the router, and the well-known names."""
        return address == GATEWAY or address in self._time_servers

    def time_server(self, host):
        """Let `host` be a time server, too. Returns its address."""
        address = self.name(host)
        self._time_servers.add(address)
        return address


def is_address(host):
    """Whether it is an IPv4 address and no name."""
    return host.count(".") == 3 and host.replace(".", "").isdigit()


def _real_target(real, port):
    if isinstance(real, dict):
        real = real.get(port, real.get(None))
    if real is None:
        return "refused"
    if isinstance(real, tuple):
        return real[0], real[1] or port
    return "127.0.0.1", real


def _switch(numbers, number, on):
    if on:
        numbers.add(number)
    else:
        numbers.discard(number)


def _dotted(number):
    return ".".join(str(byte) for byte in struct.pack("!I", number))
