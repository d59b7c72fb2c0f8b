"""The esp32 port's `network`: WLAN with its status codes, stickiness and error texts (network_wlan.c,
network_common.c, modnetwork_globals.h)."""

from micropython import const
from simulated.air import is_address
from simulated.station import STAT_CONNECTING, STAT_GOT_IP, STAT_IDLE
from simulated.wlan import WLAN, hostname, name_server, names

STA_IF = const(0)
AP_IF = const(1)

MODE_11B = const(1)
MODE_11G = const(2)
MODE_11N = const(4)
MODE_LR = const(8)

AUTH_OPEN = const(0)
AUTH_WEP = const(1)
AUTH_WPA_PSK = const(2)
AUTH_WPA2_PSK = const(3)
AUTH_WPA_WPA2_PSK = const(4)
AUTH_WPA2_ENTERPRISE = const(5)
AUTH_WPA3_PSK = const(6)
AUTH_WPA2_WPA3_PSK = const(7)
AUTH_WAPI_PSK = const(8)
AUTH_OWE = const(9)
AUTH_WPA3_ENT_192 = const(10)
AUTH_WPA3_EXT_PSK = const(11)
AUTH_WPA3_EXT_PSK_MIXED_MODE = const(12)
AUTH_MAX = const(17)

STAT_NO_AP_FOUND = const(201)
STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD = const(212)
STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = const(211)
STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY = const(210)
STAT_WRONG_PASSWORD = const(202)
STAT_BEACON_TIMEOUT = const(200)
STAT_ASSOC_FAIL = const(203)
STAT_CONNECT_FAIL = const(203)
STAT_HANDSHAKE_TIMEOUT = const(204)


def country(code=None):
    """Two letters."""
    if code is None:
        return names["country"]
    if len(code) != 2:
        raise ValueError
    names["country"] = code


def phy_mode(mode=None):
    """The port accepts it and does nothing."""


def ipconfig(param=None, **values):
    """`dns`: the first name server."""
    if not values:
        if param is None:
            raise TypeError("must query one param")
        if param != "dns":
            raise ValueError("unexpected key")
        return name_server()
    if param is not None:
        raise TypeError("can't specify pos and kw args")
    for key, value in values.items():
        if key != "dns":
            raise ValueError("unexpected key")
        if not is_address(value):
            raise ValueError("invalid arguments as dns server")
        names["dns"] = value


__all__ = ("STAT_CONNECTING", "STAT_GOT_IP", "STAT_IDLE", "WLAN", "hostname")
