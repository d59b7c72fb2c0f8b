"""The chip's two Wi-Fi interfaces, as `network.WLAN` gives them out."""

import esp32
import simulation
import utime
from micropython import const

from simulated import air
from simulated.addresses import Addresses
from simulated.station import SCAN_MS, Station

STA_IF = const(0)
AP_IF = const(1)

_CALIBRATION = const(1904)  # sizeof(esp_phy_calibration_data_t)
_HARD_RESET = const(2)
_HOSTNAME_MAX = const(32)
_SSID_MAX = const(32)
_PASSWORD_MIN = const(8)
_PASSWORD_MAX = const(64)

names = {"hostname": "mpy-esp32", "country": "XX", "dns": None}


def hostname(name=None):
    """The name the device gives to DHCP; at most 32 characters."""
    if name is None:
        return names["hostname"]
    if len(name) > _HOSTNAME_MAX:
        raise ValueError
    names["hostname"] = name


def name_server():
    return names["dns"] or (air.GATEWAY if _sta.isconnected() else "0.0.0.0")


def _ap_mac():
    mac = simulation.board.unique_id
    return mac[:5] + bytes([(mac[5] + 1) & 255])


def _linked(name):
    simulation.world.linked(simulation.board.unique_id, name)


class _Interface(Addresses):
    _names = names

    IF_STA = const(0)
    IF_AP = const(1)
    SEC_OPEN = const(0)
    SEC_WEP = const(1)
    SEC_WPA = const(2)
    SEC_WPA2 = const(3)
    SEC_WPA_WPA2 = const(4)
    SEC_WPA2_ENT = const(5)
    SEC_WPA3 = const(6)
    SEC_WPA2_WPA3 = const(7)
    SEC_WAPI = const(8)
    SEC_OWE = const(9)
    SEC_WPA3_ENT_192 = const(10)
    SEC_WPA3_EXT_PSK = const(11)
    SEC_WPA3_EXT_PSK_MIXED_MODE = const(12)
    SEC_DPP = const(13)
    SEC_WPA3_ENT = const(14)
    SEC_WPA2_WPA3_ENT = const(15)
    SEC_WPA_ENT = const(16)
    PROTOCOL_DEFAULT = const(7)
    PROTOCOL_LR = const(8)
    PM_NONE = const(0)
    PM_PERFORMANCE = const(1)
    PM_POWERSAVE = const(2)

    def __init__(self, is_sta, values):
        self._is_sta = is_sta
        self._active = False
        self._values = values

    def _require(self, sta):
        if self._is_sta is not sta:
            raise OSError("STA required" if sta else "AP required")

    def config(self, param=None, **values):
        """Reads one parameter, or sets some."""
        if param is not None and values:
            raise TypeError("either pos or kw args are allowed")
        if not values:
            if param is None:
                raise TypeError("can query only one param")
            return self._get(_ALIASES.get(param, param))
        before = dict(self._values)
        try:
            for key, value in values.items():
                self._set(_ALIASES.get(key, key), value)
            self._check_password()
        except Exception:
            self._values = before  # nothing of what belongs together is changed
            raise

    def _check_password(self):
        secure = self._values.get("security", 0) not in (self.SEC_OPEN, self.SEC_OWE)
        if secure and not _PASSWORD_MIN <= len(self._values.get("key", "")) < _PASSWORD_MAX:
            raise OSError("Wifi Invalid Password")

    def _get(self, key):
        if key == "hostname":
            self._require(True)
            return hostname()
        if key in ("hidden", "security", "max_clients"):
            self._require(False)
        elif key == "reconnects":
            self._require(True)
            return _station.reconnects - 1
        elif key == "ssid" and self._is_sta:
            return _station.ssid
        elif key in ("channel", "txpower"):
            _require_started()
        elif key == "key":
            raise ValueError("unknown config param")
        elif key == "mac":
            return self._values.get("mac") or (simulation.board.unique_id if self._is_sta else _ap_mac())
        if key not in self._values:
            raise ValueError("unknown config param")
        return self._values[key]

    def _set(self, key, value):
        if key in ("ssid", "hidden", "security", "key", "max_clients"):
            self._require(False)
        elif key == "hostname":
            hostname(value)
        elif key == "reconnects":
            self._require(True)
            _station.reconnects = 0 if value == -1 else (value + 1) & 255
            return
        elif key == "mac" and len(value) != 6:
            raise ValueError("invalid buffer length")
        elif key not in ("mac", "channel", "bandwidth", "txpower", "protocol", "pm"):
            raise ValueError("unknown config param")
        elif key == "txpower" or (key == "channel" and self._is_sta):
            _require_started()
        if key in _LIMITS and not _LIMITS[key][0] <= value <= _LIMITS[key][1]:
            raise RuntimeError("Wifi Unknown Error 0x0102")
        self._values[key] = value

    def _is_up(self):
        return self.isconnected() if self._is_sta else self._active

    def _name_server(self):
        return name_server()


def _require_started():
    if not _sta._active and not _ap._active:
        raise OSError("Wifi Not Started")


_LIMITS = {"channel": (1, 14), "txpower": (2, 21), "pm": (0, 2), "bandwidth": (1, 2)}
_ALIASES = {"essid": "ssid", "authmode": "security", "password": "key", "dhcp_hostname": "hostname"}


class _Sta(_Interface):
    _is_calibrated = False

    def active(self, on=None):
        """Switch the radio, or ask. Switching off leaves the network; the last status stays."""
        if on is not None:
            if not on and self._active:
                _station.disconnect()
            if on:
                self._calibrate()
            self._active = bool(on)
        return self._active

    def _calibrate(self):
        # esp_phy_load_cal_data_and_init (ESP-IDF, phy_init.c) aborts when it finds no memory.
        if not self._is_calibrated and max(area[2] for area in esp32.idf_heap_info(esp32.HEAP_DATA)) < _CALIBRATION:
            simulation.board.restart("panic: phy_init: failed to allocate memory for RF calibration data", _HARD_RESET)
        self._is_calibrated = True

    def _set_static(self, *values):
        super()._set_static(*values)
        _station.has_address = bool(values)

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to join; returns at once."""
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        if not self._active:
            raise OSError("Wifi Not Started")
        if _station.is_connecting:
            raise OSError("Wifi Internal Error")
        if ssid is not None:
            ssid = _text(ssid, _SSID_MAX)
        if not (_station.ssid if ssid is None else ssid):
            raise OSError("Wifi SSID Invalid")
        _station.connect(ssid, _text(key or "", _PASSWORD_MAX), bssid)

    def disconnect(self):
        """Leave, and stop trying."""
        if not self._active:
            raise OSError("Wifi Not Started")
        _station.disconnect()

    def status(self, param=None):
        """The port's codes, or `"rssi"`."""
        if param is None:
            return _station.status()
        if param == "stations":
            self._require(False)
        if param != "rssi":
            raise ValueError("unknown status param")
        point = _station.point()
        if point is None:
            raise OSError("Wifi Not Connected")
        return point.rssi

    def isconnected(self):
        """Whether it has an address."""
        return _station.is_connected

    def scan(self):
        """Blocks. [(ssid, bssid, channel, rssi, security, hidden)]; nothing while it is joining."""
        if not self._active:
            raise OSError("STA must be active")
        if _station.is_connecting:
            return []
        utime.sleep_ms(int(SCAN_MS * simulation.world.radio_factor))
        found = [point for point in simulation.world.access_points() if point.present]
        found.sort(key=lambda point: -point.rssi)
        return [(p.name.encode(), p.bssid, p.channel, p.rssi, p.auth, False) for p in found]


class _Ap(_Interface):
    def active(self, on=None):
        if on is not None:
            self._active = bool(on)
        return self._active

    def connect(self, *args, **kwargs):
        raise OSError("Wifi Invalid Mode")

    def disconnect(self):
        raise OSError("Wifi Invalid Mode")

    def status(self, param=None):
        if param is None:
            return None
        if param == "rssi":
            self._require(True)
        if param != "stations":
            raise ValueError("unknown status param")
        return []

    def isconnected(self):
        return False

    def scan(self):
        return _sta.scan()


def _text(value, limit):
    data = value.encode() if isinstance(value, str) else bytes(value)
    return data[:limit].decode()


_station = Station(simulation.world, _linked, utime.ticks_ms, utime.ticks_add, utime.ticks_diff)
_sta = _Sta(True, {"channel": 1, "bandwidth": 2, "ifname": "st1", "txpower": 20.0, "protocol": 7, "pm": 1})
_ap = _Ap(
    False,
    {
        "ssid": "ESP_%02X%02X%02X" % tuple(_ap_mac()[3:]),
        "hidden": False,
        "security": 0,
        "channel": 1,
        "bandwidth": 2,
        "ifname": "ap2",
        "max_clients": 4,
        "txpower": 20.0,
        "protocol": 7,
        "pm": 1,
    },
)


class WLAN(_Interface):
    """`WLAN(STA_IF)` and `WLAN(AP_IF)` are always the same two objects."""

    def __new__(cls, interface=STA_IF):
        if interface not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        return _sta if interface == STA_IF else _ap

    def __init__(self, interface=STA_IF):
        pass
