"""The time from a time server: SNTP version 4 (RFC 4330, RFC 5905), what must be distrusted included.

Pure: `ask` does the sending. Plain NTP is not signed, so a forged answer is kept out as far as it can be: the server
must echo a number that nobody off the path can guess, and no time before the last one known is believed.
"""

import os

import errors

PORT = 123
LIMIT = 128  # bytes of an answer we read; 48 count

LATEST = 3092601600  # 2068-01-01: a later time is a broken server, and more seconds than the port takes for a date
FAR_S = 2592000  # 30 days: nearer, certificates can be judged by it, and the cloud will correct it

_SIZE = 48
_REQUEST = 0x23  # leap 0, version 4, mode 3 (client)
_MODE_SERVER = 4
_UNSYNCHRONISED = 3
_STRATA = 16
_NO_TIME_YET = ("", "INIT", "STEP")  # instead of stratum 16: chrony and OpenNTPD; ntpd as it starts
_ORIGINATE = 24  # offsets of the time stamps
_TRANSMIT = 40
_UNIX = 2208988800  # seconds from 1900 to 1970
_ERA = 1 << 32


class Refused(Exception):
    """The server says that it will not or cannot tell the time; its argument says why, in a few words."""


def request(nonce):
    """The packet (48 bytes) that asks for the time. `nonce`, 8 random bytes, stands where our own time would: the
    server echoes it, and we need not tell the world what our clock says."""
    return bytes((_REQUEST,)) + bytes(_TRANSMIT - 1) + nonce


def answer(packet, nonce):
    """Unix seconds, or None when `packet` is no answer to the question with this `nonce`: listen on.

    Raises `Refused` when the server says that it will not or cannot tell.
    """
    if len(packet) < _SIZE or packet[_ORIGINATE : _ORIGINATE + 8] != nonce or packet[0] & 7 != _MODE_SERVER:
        return None
    stratum = packet[1]
    if stratum == 0:
        # Kiss-o'-death, RFC 5905 section 7.4: four letters say why (RATE, DENY, RSTR).
        code = "".join(chr(byte) for byte in packet[12:16] if 32 < byte < 127)
        if code not in _NO_TIME_YET:
            raise Refused("it said %s" % code)
    if packet[0] >> 6 == _UNSYNCHRONISED or not 0 < stratum < _STRATA:
        raise Refused("not synchronised")
    stamp = packet[_TRANSMIT : _TRANSMIT + 8]
    if stamp == bytes(8):
        raise Refused("not synchronised")
    seconds = int.from_bytes(stamp[:4], "big")
    # 32 bits overflow in 2036. RFC 4330 section 3: with the top bit clear it is the era after that.
    if not seconds & 0x80000000:
        seconds += _ERA
    return seconds - _UNIX


async def ask_time(servers, resolve, ask, not_before, latest=LATEST):
    """(unix seconds, server) of the first of `servers` with a believable answer: from `not_before` on, before `latest`.

    A time long after `not_before` is believed only when no other server tells an earlier one: with a clock that one
    broken server (a GPS week that rolled over) sets far ahead no certificate is valid, whatever the others say.
    `await resolve(name)` gives an address; `ask` is as in `dns.resolve`.
    Raises RetryError `no_ntp` with each server's reason, or `no_dns` when not even one name could be resolved.
    """
    reasons = []
    far = None
    for server in servers:
        seconds, reason = await _try_one(server, resolve, ask, not_before, latest)
        if reason is None and seconds - not_before < FAR_S:
            return seconds, server
        if reason is None:
            far = min(far or (seconds, server), (seconds, server))
        reasons.append((server, reason))
    if far:
        return far
    if reasons and all(reason == "no_dns" for _, reason in reasons):
        raise errors.error("no_dns", reasons[0][0])  # the name servers are what is to be looked at
    raise errors.error("no_ntp", "; ".join("%s: %s" % one for one in reasons) or "servers.ntp is empty")


async def _try_one(server, resolve, ask, not_before, latest):
    # (unix seconds, None), or (None, why not).
    nonce = os.urandom(8)
    try:
        address = await resolve(server)
        seconds = await ask(address, PORT, request(nonce), lambda data: answer(data, nonce))
    except errors.DeviceError as error:
        return None, error.code
    except (Refused, OSError) as error:
        return None, str(error)
    if seconds is None:
        return None, "no answer"
    if not not_before <= seconds < latest:
        return None, "a time that cannot be, %d" % seconds
    return seconds, None
