"""X25519, RFC 7748: the key agreement of a BLE session, on Python's integers.

A multiplication takes 0.3 s on an ESP32-C3, so it is a coroutine that lets the loop run about every 10 ms. The ladder
does the same work for every bit of the scalar and does not branch on one. That keeps the structure constant; the
integers of MicroPython are not constant in time, which is why every session has a new private key.
"""

import asyncio
import os

from ble import codes

SIZE = 32  # bytes of a key and of the result

_P = 2**255 - 19
_A24 = 121665
_BASE = b"\x09" + bytes(31)
_SQUARES_AT_A_TIME = 64  # 7 ms on an ESP32-C3, where one takes 112 us


async def key_pair(random=os.urandom):
    """A new private and public key, 32 bytes each. `random(n)` gives n unpredictable bytes."""
    private = random(SIZE)
    return private, await multiply(private, _BASE)


async def shared_secret(private, public):
    """The 32 bytes that both sides know. Raises Refusal 8 for a `public` key of low order.

    Such a key makes the secret zero whatever the private key is: the peer did not make it honestly.
    """
    secret = await multiply(private, public)
    different = 0
    for byte in secret:
        different |= byte
    if not different:
        raise codes.refuse(codes.INVALID, "the public key is unsafe")
    return secret


async def multiply(scalar, point):
    """RFC 7748 section 5, "X25519(k, u)": 32 bytes each, little-endian."""
    scalar = bytearray(scalar)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    u = (int.from_bytes(point, "little") & (2**255 - 1)) % _P
    # x/z of two points that always differ by the point itself; [0] is the result when all bits are done.
    x = [1, u]
    z = [0, 1]
    for position in range(254, -1, -1):
        _step(x, z, scalar[position >> 3] >> (position & 7) & 1, u)
        if not position & 7:
            await asyncio.sleep(0)
    return (x[0] * await _inverse(z[0]) % _P).to_bytes(SIZE, "little")


def _step(x, z, bit, u):
    # The point that `bit` names is doubled, the other becomes the sum of both: choosing by index needs no swap and no
    # branch. Sums and differences stay unreduced, only products are brought below P: less work and less garbage.
    other = 1 - bit
    a = x[bit] + z[bit]
    b = x[bit] - z[bit]
    da = (x[other] - z[other]) * a % _P
    cb = (x[other] + z[other]) * b % _P
    e = da + cb
    x[other] = e * e % _P
    e = da - cb
    z[other] = e * e % _P * u % _P
    a = a * a % _P
    b = b * b % _P
    e = a - b
    x[bit] = a * b % _P
    z[bit] = (a + e * _A24) * e % _P


async def _inverse(z):
    # z ** (P - 2) by 254 squarings and 11 multiplications; pow(z, P - 2, P) does 500, in one go.
    # z_n is z ** (2**n - 1).
    z2 = z * z % _P
    z9 = await _squared(z2, 2) * z % _P
    z11 = z9 * z2 % _P
    z_5 = z11 * z11 % _P * z9 % _P
    z_10 = await _squared(z_5, 5) * z_5 % _P
    z_20 = await _squared(z_10, 10) * z_10 % _P
    z_40 = await _squared(z_20, 20) * z_20 % _P
    z_50 = await _squared(z_40, 10) * z_10 % _P
    z_100 = await _squared(z_50, 50) * z_50 % _P
    z_200 = await _squared(z_100, 100) * z_100 % _P
    z_250 = await _squared(z_200, 50) * z_50 % _P
    return await _squared(z_250, 5) * z11 % _P


async def _squared(value, times):
    for count in range(times):
        if count % _SQUARES_AT_A_TIME == 0:
            await asyncio.sleep(0)
        value = value * value % _P
    return value
