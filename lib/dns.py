"""Names to addresses: DNS A questions and answers (RFC 1035), every read bounds-checked. Pure: `ask` does the sending.

Its own client, not the chip's resolver, because `socket.getaddrinfo` blocks the whole loop there for seconds.
"""

import os

import errors

PORT = 53
LIMIT = 512  # bytes of an answer over UDP, RFC 1035 section 4.2.1; what is longer is cut

_ROUNDS = 2  # questions to each server: one datagram may get lost
_ALIASES = 16  # CNAMEs followed before we call it a loop: name servers follow 11 to 17

_HEADER = 12
_RESPONSE = 0x8000
_OPCODE = 0x7800
_TRUNCATED = 0x0200
_RECURSION_DESIRED = 0x0100
_RCODE = 0x000F
_NXDOMAIN = 3
_POINTER = 0xC0
_A_IN = b"\x00\x01\x00\x01"  # type A, class IN
_CNAME_IN = b"\x00\x05\x00\x01"
# EDNS(0), RFC 6891: answers of 1232 bytes may be sent.
_MAY_BE_LONG = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
_HOST_CHARACTERS = b"abcdefghijklmnopqrstuvwxyz0123456789-_"


class _Malformed(Exception):
    pass


def is_address(host):
    """True when `host` is an IPv4 address in dotted decimal already."""
    parts = host.split(".")
    return len(parts) == 4 and all(_is_octet(part) for part in parts)


def question(host, ident, more=b""):
    """The packet (bytes) that asks for the IPv4 addresses of `host`; `ident` (u16) is echoed by its answer.

    `more`: an additional record. Raises PersonError `unknown_name` when no name of the DNS can look like this (a URL, a
    space, a label too long).
    """
    counts = b"\x00\x01" + bytes(5) + bytes((1 if more else 0,))
    return _u16(ident) + _u16(_RECURSION_DESIRED) + counts + _wire(host) + _A_IN + more


def answer(packet, host, ident):
    """What `packet` says about `host`: (addresses, alias). Addresses is a list of "1.2.3.4"; alias is a name or None.

    With an alias and no addresses the server leaves it to us to ask for the alias. None: this is no answer to our
    question (another id, another name, broken, forged): listen on.
    Raises `unknown_name` when the name does not exist or has no IPv4 address, `no_dns` when the server cannot tell.
    """
    wire = _wire(host)
    if _is_bare_refusal(packet, ident):
        raise errors.error("no_dns", host)
    try:
        flags, at = _opening(packet, wire, ident)
        if len(packet) >= LIMIT:
            flags |= _TRUNCATED  # by us
        found, aliases = _records(packet, at, flags)
    except (_Malformed, IndexError):
        return None
    code = flags & _RCODE
    if code == _NXDOMAIN:
        raise errors.error("unknown_name", host)
    if code:
        raise errors.error("no_dns", host)
    return _follow(host, wire, found, aliases, flags & _TRUNCATED)


async def resolve(host, servers, ask):
    """All IPv4 addresses of `host`, a list that is not empty; None when not one of `servers` answered at all.

    `await ask(server, port, packet, read)` sends one datagram and gives the first answer of that server for which
    `read(data)` is not None, or None after its timeout; it raises OSError when it cannot send.
    Raises `unknown_name`, or `no_dns` when servers answered but could not tell.
    """
    name = host
    for _ in range(_ALIASES):
        result = await _ask_each(name, servers, ask)
        if result is None:
            return None
        addresses, alias = result
        if addresses:
            return addresses
        name = alias
    raise errors.error("no_dns", host)


async def _ask_each(name, servers, ask):
    trouble = None
    for _ in range(_ROUNDS):
        for server in servers:
            try:
                result = await _ask_one(name, server, ask)
            except errors.RetryError as error:
                trouble = error  # this server cannot tell, the next one may
                continue
            except OSError:
                continue  # not sent: as good as no answer, the next server may have a route
            if result is not None:
                return result
    if trouble:
        raise trouble
    return None


async def _ask_one(name, server, ask, more=b""):
    # A random id, beside the random source port of `ask`, is all that keeps a blind forger out.
    ident = int.from_bytes(os.urandom(2), "big")
    try:
        return await ask(server, PORT, question(name, ident, more), lambda data: answer(data, name, ident))
    except errors.RetryError as failure:
        if more or not getattr(failure, "is_cut", False):
            raise
    # Some servers cut an answer that is too long to nothing. Of a longer one the first addresses are enough. Not asked
    # so at once: old servers take it for a mistake.
    return await _ask_one(name, server, ask, _MAY_BE_LONG)


def _is_octet(text):
    return 0 < len(text) < 4 and text.encode().isdigit() and int(text) < 256


def _is_bare_refusal(packet, ident):
    # Servers that refuse or do not understand need not repeat the question: a header, and nothing behind it.
    if len(packet) != _HEADER or _number(packet, 0) != ident or _number(packet, 4):
        return False
    flags = _number(packet, 2)
    return flags & (_RESPONSE | _OPCODE) == _RESPONSE and flags & _RCODE not in (0, _NXDOMAIN)


def _opening(packet, wire, ident):
    # The header and the question that it repeats: (flags, offset of the first record).
    flags = _number(packet, 2)
    if _number(packet, 0) != ident or not flags & _RESPONSE or flags & _OPCODE or _number(packet, 4) != 1:
        raise _Malformed
    name, at = _name(packet, _HEADER)
    if name != wire or packet[at : at + 4] != _A_IN:
        raise _Malformed
    return flags, at + 4


def _records(packet, at, flags):
    # The answer section: ([(owner, address)], {owner: alias}). A record takes 11 bytes at least: bounded by LIMIT.
    found = []
    aliases = {}
    for _ in range(_number(packet, 6)):
        try:
            owner, at = _name(packet, at)
            kind, size = packet[at : at + 4], _number(packet, at + 8)
            start = at + 10
            at = start + size
            if at > len(packet):
                raise _Malformed
        except (_Malformed, IndexError):
            if flags & _TRUNCATED:
                break  # what came whole before the cut is good
            raise
        if kind == _A_IN and size == 4:
            found.append((owner, "%d.%d.%d.%d" % tuple(packet[start:at])))
        elif kind == _CNAME_IN:
            aliases[owner] = _name(packet, start)[0]
    return found, aliases


def _follow(host, wire, found, aliases, truncated):
    current = wire
    for _ in range(_ALIASES):
        # 0.0.0.0 is how filtering name servers say "blocked"; it leads nowhere.
        addresses = [address for owner, address in found if owner == current and address != "0.0.0.0"]
        if addresses:
            return addresses, None
        if current not in aliases:
            break
        current = aliases[current]
    if current != wire and current not in aliases:
        return [], _host(current)
    # Nothing there, or a chain of names that bites its tail.
    failure = errors.error("no_dns" if truncated or current in aliases else "unknown_name", host)
    failure.is_cut = bool(truncated)
    raise failure


def _wire(host):
    # The name as it travels, in lower case: each label behind its length, then a zero.
    labels = host.lower()[:-1].split(".") if host.endswith(".") else host.lower().split(".")
    wire = b""
    for label in labels:
        if not 0 < len(label) < 64 or any(byte not in _HOST_CHARACTERS for byte in label.encode()):
            raise errors.error("unknown_name", host)
        wire += bytes((len(label),)) + label.encode()
    if len(wire) > 254:
        raise errors.error("unknown_name", host)
    return wire + b"\x00"


def _host(wire):
    labels = []
    at = 0
    while wire[at]:
        labels.append("".join(chr(byte) for byte in wire[at + 1 : at + 1 + wire[at]]))
        at += 1 + wire[at]
    return ".".join(labels)


def _name(packet, at):
    # The name at this offset in `_wire`'s form, and the offset behind it. A pointer must lead to before the name it
    # stands in, so that a ring of pointers ends. Lower-casing cannot hurt the lengths: they are below 64.
    wire = b""
    behind = 0
    lowest = at
    while packet[at]:
        size = packet[at]
        if size >= _POINTER:
            target = (size & 0x3F) << 8 | packet[at + 1]
            behind = behind or at + 2
            if target >= lowest:
                raise _Malformed
            lowest = at = target
            continue
        label = packet[at : at + 1 + size]
        if size >= 64 or len(label) <= size or len(wire) + size > 253:
            raise _Malformed
        wire += label
        at += 1 + size
    return bytes(wire).lower() + b"\x00", behind or at + 1


def _number(packet, at):
    return packet[at] << 8 | packet[at + 1]


def _u16(value):
    return bytes((value >> 8, value & 0xFF))
