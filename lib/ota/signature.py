"""ECDSA over P-256 with SHA-256 (FIPS 186-4, SEC 1 section 4.1.4): is this signature of that key over those bytes?

It verifies and never signs, so it handles no secret and need not be constant in time. A check takes about half a second
on an ESP32-C3, so it is a coroutine that lets the loop run every few milliseconds. Both scalars are worked off together
(Shamir's trick), in Jacobian coordinates (x / z**2, y / z**3), on Python's integers.
"""

import asyncio

KEY_SIZE = 65  # bytes of a public key: 04, x, y (SEC 1 section 2.3.3, uncompressed)

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_INFINITY = (1, 1, 0)
_BITS_AT_A_TIME = 2  # 4 ms on an ESP32-C3, where a multiplication takes 112 us
_STEPS_AT_A_TIME = 32


async def verify(key, digest, signature):
    """Whether `signature` (DER) is that of `key` (`KEY_SIZE` bytes) over what has the SHA-256 `digest` (32 bytes)."""
    public = _point(key)
    pair = _integers(signature)
    if public is None or pair is None:
        return False
    r, s = pair
    if not 0 < r < _N or not 0 < s < _N:
        return False
    inverse = await _inverse(s, _N)
    e = int.from_bytes(digest, "big")
    x, _, z = await _sum(e * inverse % _N, r * inverse % _N, public)
    if not z:
        return False
    # r is x modulo N, and x may have been up to P: compare by multiplying r, which spares dividing by z.
    z = z * z % _P
    return (x - r * z) % _P == 0 or (r + _N < _P and (x - (r + _N) * z) % _P == 0)


def _point(key):
    """(x, y) of a public key; None when it is not on the curve."""
    if len(key) != KEY_SIZE or key[0] != 4:
        return None
    x = int.from_bytes(key[1:33], "big")
    y = int.from_bytes(key[33:], "big")
    if x >= _P or y >= _P or (y * y - (x * x - 3) * x - _B) % _P:
        return None
    return x, y


def _integers(der):
    """(r, s) of SEQUENCE {INTEGER, INTEGER}; None unless it is DER to the letter, so that a signature has one form."""
    if not 8 <= len(der) <= 72 or der[0] != 0x30 or der[1] != len(der) - 2:
        return None
    r, at = _integer(der, 2)
    s, at = _integer(der, at)
    return (r, s) if at == len(der) else None


def _integer(der, at):
    """(value, offset behind it) of the INTEGER at this offset; the offset is -1 when it is none of 1 to 33 bytes."""
    if not 0 <= at < len(der) - 2 or der[at] != 2:
        return 0, -1
    start, end = at + 2, at + 2 + der[at + 1]
    if not start < end <= min(len(der), start + 33):
        return 0, -1
    # Not negative, and no zero in front that is not needed.
    if der[start] & 0x80 or (der[start] == 0 and end - start > 1 and not der[start + 1] & 0x80):
        return 0, -1
    return int.from_bytes(der[start:end], "big"), end


async def _sum(u, v, public):
    """u times the base point and v times `public`, together."""
    table = (None, _G, public, await _added(_G, public))
    point = _INFINITY
    for bit in range(255, -1, -1):
        if bit % _BITS_AT_A_TIME == 0:
            await asyncio.sleep(0)
        point = _double(point)
        term = table[u >> bit & 1 | (v >> bit & 1) << 1]
        if term is not None:
            point = _add(point, term)
    return point


async def _added(one, other):
    """The sum of two affine points as an affine point; None when that is the point at infinity."""
    x, y, z = _add((one[0], one[1], 1), other)
    if not z:
        return None
    inverse = await _inverse(z, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _double(point):
    # "dbl-2001-b" of the Explicit-Formulas Database. Doubling infinity gives infinity, and no point has order 2.
    x, y, z = point
    delta = z * z % _P
    gamma = y * y % _P
    beta = x * gamma % _P
    alpha = 3 * (x - delta) * (x + delta) % _P
    x = (alpha * alpha - 8 * beta) % _P
    z = ((y + z) * (y + z) - gamma - delta) % _P
    y = (alpha * (4 * beta - x) - 8 * gamma * gamma) % _P
    return x, y, z


def _add(point, term):
    # "madd": `term` is affine.
    x, y, z = point
    if not z:
        return term[0], term[1], 1
    square = z * z % _P
    h = (term[0] * square - x) % _P
    r = (term[1] * square * z - y) % _P
    if not h:
        return _INFINITY if r else _double(point)
    square = h * h % _P
    cube = square * h % _P
    middle = x * square % _P
    x = (r * r - cube - 2 * middle) % _P
    return x, (r * (middle - x) - y * cube) % _P, z * h % _P


async def _inverse(value, modulus):
    # Euclid's algorithm: about 150 short steps, where value ** (modulus - 2) takes 400 long ones, in one go.
    a, b = value, modulus
    x, y = 1, 0
    steps = 0
    while a:
        if steps % _STEPS_AT_A_TIME == 0:
            await asyncio.sleep(0)
        steps += 1
        quotient = b // a
        a, b = b - quotient * a, a
        x, y = y - quotient * x, x
    return y % modulus
