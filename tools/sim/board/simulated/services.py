"""What the router's name server and the time servers answer. Pure: bytes in, bytes out; MicroPython and CPython."""

import struct

_NTP_EPOCH = 2208988800  # seconds from 1900 to 1970
_A = 1
_NXDOMAIN = 3


def answers(air, address, port, data, now_ns):
    """The datagrams that come back for one sent to `address`:`port`: none, one, or a hostile server's. Bounded: 2."""
    if air.is_blocked(port):
        return []
    if port == 53 and air.is_name_server(address) and air.dns:
        answer = dns_answer(data, air.lookup)
    elif port == 123 and air.is_time_server(address) and air.ntp:
        answer = ntp_answer(data, now_ns + int(air.ntp_offset_s * 1000000000))
    else:
        return []
    if answer is None:
        return []
    return [answer] if air.hostile is None else _spoil(air.hostile, answer, port)


def dns_answer(query, lookup):
    """RFC 1035: one question, at most one A record; NXDOMAIN for what is not known. None: no answer to rubbish."""
    if len(query) < 17 or query[4:6] != b"\x00\x01":
        return None
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(bytes(query[at + 1 : at + 1 + query[at]]).decode())
        at += 1 + query[at]
    end = at + 5
    if len(query) < end:
        return None
    address = lookup(".".join(labels))
    wants_a = struct.unpack_from("!H", query, at + 1)[0] == _A
    count = 1 if address and wants_a else 0
    head = bytes(query[:2]) + struct.pack("!HHHHH", 0x8180 | (0 if address else _NXDOMAIN), 1, count, 0, 0)
    record = b""
    if count:
        record = b"\xc0\x0c" + struct.pack("!HHIH", _A, 1, 60, 4) + bytes([int(part) for part in address.split(".")])
    return head + bytes(query[12:end]) + record


def ntp_answer(query, unix_ns):
    """RFC 5905, mode 4, stratum 2: the time three times, and the client's transmit time as the origin."""
    if len(query) < 48 or query[0] & 7 != 3:
        return None
    seconds, rest = divmod(unix_ns, 1000000000)
    stamp = struct.pack("!II", (seconds + _NTP_EPOCH) & 0xFFFFFFFF, (rest << 32) // 1000000000)
    head = bytes([0x24, 2, 6, 0xEC]) + b"\0" * 8 + b"\x7f\0\0\1"
    return head + stamp + bytes(query[40:48]) + stamp + stamp


def _spoil(how, answer, port):
    if how == "garbage":
        return [b"\xa5" * len(answer)]
    if how == "short":
        return [answer[:7]]
    if how == "wrong_id" and port == 53:
        return [bytes([answer[0] ^ 0x55]) + answer[1:]]
    if how == "wrong_id":
        return [answer[:24] + b"\x55" * 8 + answer[32:]]
    if how == "loop" and port == 53:
        return [answer[:12] + b"\xc0\x0c" + answer[-14:]]
    if how == "kiss" and port == 123:
        return [bytes([0xE4, 0]) + answer[2:12] + b"RATE" + answer[16:]]
    return [answer]
