"""The chip's Wi-Fi station: associates, fails, retries, loses the network, as the esp32 port's network_wlan.c sees it.

Nothing runs in the background: `update` catches up with what happened until now. Durations are a tenth of the chip's;
`Air.radio_factor` stretches them. Runs in MicroPython.
"""

from micropython import const

# wifi_err_reason_t
REASON_AUTH_FAIL = const(202)
REASON_BEACON_TIMEOUT = const(200)
REASON_NO_AP_FOUND = const(201)
_ASSOC_LEAVE = const(8)
_ASSOC_EXPIRE = const(4)
_ASSOC_FAIL = const(203)
_CONNECTION_FAIL = const(205)
_NO_AP_W_COMPATIBLE_SECURITY = const(210)
_NO_AP_IN_AUTHMODE_THRESHOLD = const(211)

STAT_IDLE = const(1000)
STAT_CONNECTING = const(1001)
STAT_GOT_IP = const(1010)

SCAN_MS = const(200)
_ASSOCIATE_MS = const(120)
_HANDSHAKE_MS = const(300)
_ADDRESS_MS = const(50)
_BEACON_MS = const(600)

_OFF = const(0)
_TRYING = const(1)  # the attempt ends at `due`: with the verdict of that moment
_ASSOCIATED = const(2)  # no address yet
_CONNECTED = const(3)


class Station:
    """State of the station. `air` gives the access points, `linked` is told the name of the network or None."""

    def __init__(self, air, linked, ticks, ticks_add, ticks_diff):
        self.reconnects = 0  # 0: for ever; n: n - 1 more attempts after the first (conf_wifi_sta_reconnects)
        self.ssid = ""
        self.bssid = None
        self.has_address = False  # of its own: nobody needs to give it one
        self._air = air
        self._linked = linked
        self._ticks = ticks
        self._add = ticks_add
        self._diff = ticks_diff
        self._password = ""
        self._state = _OFF
        self._due = 0
        self._requested = False
        self._reason = 0
        self._failures = 0
        self._attempt = 0
        self._kicks = 0

    def connect(self, ssid, password, bssid):
        """Begin to associate; `ssid` None takes what was given before."""
        if ssid is not None:
            self.ssid, self._password, self.bssid = ssid, password, bssid
        if self._state >= _ASSOCIATED:
            self._lose(_ASSOC_LEAVE, False)
        self._failures = 0
        self._attempt = 0
        self._requested = True
        self._try()

    @property
    def is_connecting(self):
        self.update()
        return self._state == _TRYING

    @property
    def is_connected(self):
        self.update()
        return self._state == _CONNECTED

    def point(self):
        """The access point it is associated with, or None."""
        self.update()
        return self._air.point(self.ssid) if self._state >= _ASSOCIATED else None

    def disconnect(self):
        """Leave, or stop trying; without either the last reason stays."""
        self._requested = False
        self.update()
        if self._state >= _ASSOCIATED:
            self._lose(_ASSOC_LEAVE, False)
        self._state = _OFF

    def status(self):
        """As network_wlan_status() of the port: a success or the sticky codes first, then what is going on."""
        self.update()
        reason = self._reason
        if self._state == _CONNECTED:
            return STAT_GOT_IP
        if reason in (REASON_NO_AP_FOUND, 210, 211, 212):
            return reason
        if reason in (REASON_AUTH_FAIL, _CONNECTION_FAIL):
            return REASON_AUTH_FAIL
        if reason == _ASSOC_LEAVE:
            return STAT_IDLE
        if self._requested and (self.reconnects == 0 or self._failures < self.reconnects):
            return STAT_CONNECTING
        return reason or STAT_IDLE

    def update(self):
        """Catch up with the world."""
        for _ in range(50):  # a bound: whoever did not look for long does not need every attempt
            if not self._step():
                return
        self._due = self._ticks()

    def _step(self):
        if self._state == _OFF:
            return False
        if self._state == _TRYING:
            return self._is_due() and self._end_of_attempt()
        point = self._air.point(self.ssid)
        if point is None or point.kicks != self._kicks:
            return self._network_is_gone(point)
        if self._state == _ASSOCIATED and (point.gives_address or self.has_address) and self._is_due():
            self._state = _CONNECTED
            self._reason = 0
            self._linked(self.ssid)
            return True
        return False

    def _network_is_gone(self, point):
        since_ms = self._diff(self._ticks(), point.changed_ms) if point else _BEACON_MS
        if point and point.present:
            self._lose(_ASSOC_EXPIRE, True)
        elif since_ms >= _BEACON_MS:
            self._lose(REASON_BEACON_TIMEOUT, True)
        else:
            return False
        return True

    def _is_due(self):
        return self._diff(self._ticks(), self._due) >= 0

    def _after(self, duration_ms, since=None):
        start = self._ticks() if since is None else since
        self._due = self._add(start, int(duration_ms * self._air.radio_factor))

    def _try(self, since=None):
        point = self._air.point(self.ssid)
        self._state = _TRYING
        self._verdict = self._judge(point)
        slow = self._verdict in (0, _ASSOC_FAIL) or self._verdict in (REASON_NO_AP_FOUND, 210, 211)
        self._after(SCAN_MS if self._verdict > 200 and slow else _ASSOCIATE_MS if slow else _HANDSHAKE_MS, since)

    def _judge(self, point):
        if point is None or not point.present or (self.bssid and self.bssid != point.bssid):
            return REASON_NO_AP_FOUND
        if point.refusing or point.stalled:
            return _ASSOC_FAIL
        if point.password is None:
            return _NO_AP_IN_AUTHMODE_THRESHOLD if self._password else 0
        if not self._password:
            return _NO_AP_W_COMPATIBLE_SECURITY
        if self._password != point.password:
            reasons = point.wrong_password_reasons
            return reasons[self._attempt % len(reasons)]
        return 0

    def _end_of_attempt(self):
        point = self._air.point(self.ssid)
        verdict = self._verdict or self._judge(point)
        if verdict == 0:
            self._state = _ASSOCIATED
            self._kicks = point.kicks
            self._after(_ADDRESS_MS, self._due)
        else:
            self._lose(verdict, True, self._due)
        return True

    def _lose(self, reason, by_itself, since=None):
        """WIFI_EVENT_STA_DISCONNECTED: keep the reason; the port tries again unless told otherwise."""
        if self._state == _CONNECTED:
            self._linked(None)
        self._state = _OFF
        self._reason = reason
        if not (by_itself and self._requested):
            return
        if self.reconnects:
            self._failures += 1
            if self._failures >= self.reconnects:
                return
        self._attempt += 1
        self._try(since)
