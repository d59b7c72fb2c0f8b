"""Certificates and private keys as people have them (PEM, DER, base64) -> DER that TLS takes, checked.

What is read is RFC 5280 (certificates), RFC 5915 (SEC1 keys), RFC 8017 (PKCS#1 keys) and RFC 5958 (PKCS#8 keys), as
far as a device needs it. `what` names the thing in errors: "the claim certificate". Anything that is not well-formed
raises the error `bad_certificate`, and nothing else. Only shape, dates and key are looked at: TLS verifies signatures.
"""

import errors
from der import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    Malformed,
    Reader,
    explicit,
)

EC = "ec"
RSA = "rsa"

_RSA_BITS = (2048, 4096)
_OID_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"
_OID_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
_OID_P256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07"
_OID_ENCRYPTION = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05"  # the arc of PKCS#5, password-based encryption
_UNUSABLE = {
    b"\x2b\x65\x70": "Ed25519",
    b"\x2b\x65\x71": "Ed448",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a": "RSA-PSS",
    b"\x2b\x81\x04\x00\x22": "EC P-384",
    b"\x2b\x81\x04\x00\x23": "EC P-521",
    b"\x2b\x81\x04\x00\x0a": "EC secp256k1",
}
_USABLE = "use EC P-256, or RSA of 2048 to 4096 bits"
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_OF_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def certificates(data, what="the certificate"):
    """The DER of each certificate in `data` (str or bytes: PEM, DER or base64 of DER), in its order; at least one."""
    found = []
    for der in _decode(data, "CERTIFICATE", what):
        found.extend(_split(der, what))
    return found


def certificate(data, what="the certificate"):
    """The DER of the only or first certificate in `data`, with a public key that the device's own may have."""
    der = certificates(data, what)[0]
    public_key(der, what)
    return der


def key(data, what="the private key"):
    """The DER of the private key in `data` (str or bytes: PEM, DER or base64 of DER; SEC1, PKCS#1 or PKCS#8)."""
    der = _decode(data, "PRIVATE_KEY", what)[0]
    _guarded(_read_key, der, what)
    return der


def pair(cert, key_data, what="the thing"):
    """`(certificate, key)` in DER, checked to belong together as far as that can be known without computing.

    A PEM may hold a chain: the certificate that fits the key is taken, the first one when that is not known.
    Raises `bad_certificate` or `key_mismatch`.
    """
    key_der = key(key_data, "the private key of " + what)
    name = "the certificate of " + what
    chain = certificates(cert, name)
    for der in chain:
        public_key(der, name)
        if key_fits(der, key_der) is not False:
            return der, key_der
    raise errors.error("key_mismatch")


def not_before(der, what="the certificate"):
    """Unix seconds from which the certificate in DER is valid."""
    return _guarded(_validity, der, what)[0]


def not_after(der, what="the certificate"):
    """Unix seconds until which the certificate in DER is valid."""
    return _guarded(_validity, der, what)[1]


def is_self_signed(der, what="the certificate"):
    """True when subject and issuer of the certificate in DER are the same: a root."""
    return _guarded(_names_are_equal, der, what)


def public_key(der, what="the certificate"):
    """`(EC, point of 65 bytes)` or `(RSA, modulus)` of the certificate in DER."""
    return _guarded(lambda data: _public_key(_Certificate(data).public_key), der, what)


def key_fits(cert_der, key_der):
    """Whether the private key belongs to the certificate: True, False, or None when it does not say.

    An RSA key holds its modulus. An EC key holds its public point only optionally; computing it takes a microcontroller
    the better part of a second, and TLS finds out anyway.
    """
    kind, public = public_key(cert_der)
    key_kind, key_public = _guarded(_read_key, key_der, "the private key")
    if kind != key_kind:
        return False
    return None if key_public is None else public == key_public


def _decode(data, kind, what):
    if isinstance(data, bytes) and data[:1] == b"\x30":  # DER: what reads PEM is not needed
        return [data]
    import pem

    return pem.decode(data, getattr(pem, kind), what)


def _guarded(read, der, what):
    try:
        return read(der)
    except Malformed as problem:
        raise errors.error("bad_certificate", what, str(problem))


class _Certificate:
    """The places of a certificate's parts: readers, nothing copied."""

    def __init__(self, der):
        whole = Reader(der)
        outer = whole.enter(SEQUENCE)
        whole.finish()
        signed = outer.enter(SEQUENCE)
        outer.enter(SEQUENCE)
        outer.enter(BIT_STRING).bits()
        outer.finish()
        signed.skip(explicit(0))  # the version; without it the certificate is one of version 1
        signed.enter(INTEGER)
        signed.enter(SEQUENCE)
        self.issuer = signed.enter(SEQUENCE)
        self.validity = signed.enter(SEQUENCE)
        self.subject = signed.enter(SEQUENCE)
        self.public_key = signed.enter(SEQUENCE)


def _split(data, what):
    """One DER per certificate: stored lists of roots are certificates one behind the other."""
    found = []
    reader = Reader(data)
    while reader.any():
        start = reader.position()
        _guarded(lambda _: reader.enter(SEQUENCE), data, what)
        der = data if not found and not reader.any() else data[start : reader.position()]
        _guarded(_validity, der, what)
        found.append(der)
    return found


def _validity(der):
    """From when until when, in unix seconds."""
    reader = _Certificate(der).validity
    begin, end = _time(reader), _time(reader)
    reader.finish()
    return begin, end


def _names_are_equal(der):
    certificate = _Certificate(der)
    return certificate.subject.same_as(certificate.issuer)


def _time(reader):
    """The next element as unix seconds: YYMMDDhhmmssZ up to 2049, YYYYMMDDhhmmssZ from then on (RFC 5280, 4.1.2.5)."""
    short = reader.next_is(UTC_TIME)
    text = reader.enter(UTC_TIME if short else GENERALIZED_TIME).contents()
    digits = text[:-1]
    if len(text) != (13 if short else 15) or text[-1:] != b"Z" or not digits.isdigit():
        raise Malformed("a date in it is not one")
    if short:
        digits = (b"20" if digits < b"50" else b"19") + digits
    return _unix_seconds(int(digits[:4]), [int(digits[place : place + 2]) for place in range(4, 14, 2)])


def _unix_seconds(year, rest):
    month, day, hour, minute, second = rest
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS_OF_MONTH[month - 1] + (leap and month == 2):
        raise Malformed("a date in it does not exist")
    if year < 1950 or hour > 23 or minute > 59 or second > 59:
        raise Malformed("a date in it does not exist")
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162  # 0001-01-01 to 1970-01-01
    days += _DAYS_BEFORE_MONTH[month - 1] + (1 if leap and month > 2 else 0) + day - 1
    return days * 86400 + hour * 3600 + minute * 60 + second


def _public_key(info):
    algorithm = info.enter(SEQUENCE)
    kind = algorithm.enter(OBJECT).contents()
    bits = info.enter(BIT_STRING).bits()
    if kind == _OID_EC:
        _check_curve(algorithm)
        return EC, _point(bits)
    if kind == _OID_RSA:
        return RSA, _modulus(bits.enter(SEQUENCE))
    raise _unusable(kind)


def _unusable(kind):
    return Malformed("it is of kind %s, which the device cannot use: %s" % (_UNUSABLE.get(kind, "unknown"), _USABLE))


def _check_curve(reader):
    """The next element names P-256."""
    curve = reader.enter(OBJECT).contents()
    if curve != _OID_P256:
        raise _unusable(curve)


def _point(bits):
    point = bits.contents()
    if len(point) != 65 or point[0] != 4:
        raise Malformed("its EC point is not an uncompressed one of P-256")
    return point


def _modulus(numbers):
    """The next number, the modulus of an RSA key."""
    modulus = numbers.enter(INTEGER).unsigned()
    bits = len(modulus) * 8
    if not _RSA_BITS[0] <= bits <= _RSA_BITS[1]:
        raise Malformed("its RSA key has about %d bits: %s" % (bits, _USABLE))
    return modulus


def _read_key(der):
    """`(EC, point or None)` or `(RSA, modulus)` of the private key in DER, of whichever of the three forms it is."""
    whole = Reader(der)
    outer = whole.enter(SEQUENCE)
    whole.finish()
    if outer.next_is(SEQUENCE):
        raise _not_a_key(outer.enter(SEQUENCE))
    version = outer.enter(INTEGER).unsigned()
    if outer.next_is(OCTET_STRING):
        return _read_sec1(outer, False)
    if outer.next_is(SEQUENCE):
        return _read_pkcs8(outer)
    if version:
        raise Malformed("RSA keys with more than two primes cannot be used")
    return _read_pkcs1(outer)


def _not_a_key(first):
    if first.next_is(OBJECT) and first.enter(OBJECT).contents().startswith(_OID_ENCRYPTION):
        import pem

        return Malformed(pem.ENCRYPTED)
    return Malformed("it is not a private key, though it may be a certificate")


def _read_pkcs8(outer):
    algorithm = outer.enter(SEQUENCE)
    kind = algorithm.enter(OBJECT).contents()
    wrapped = outer.enter(OCTET_STRING)
    if kind == _OID_EC:
        _check_curve(algorithm)
        inner = wrapped.enter(SEQUENCE)
        inner.enter(INTEGER)
        return _read_sec1(inner, True)
    if kind == _OID_RSA:
        inner = wrapped.enter(SEQUENCE)
        inner.enter(INTEGER)
        return _read_pkcs1(inner)
    raise _unusable(kind)


def _read_sec1(inner, curve_is_known):
    secret = int.from_bytes(inner.enter(OCTET_STRING).contents(), "big")
    if inner.next_is(explicit(0)):
        _check_curve(inner.enter(explicit(0)))
    elif not curve_is_known:
        raise Malformed("the EC key does not name its curve: convert it with `openssl pkcs8 -topk8 -nocrypt`")
    if not 0 < secret < _P256_ORDER:
        raise Malformed("its secret number is not one of P-256")
    if not inner.next_is(explicit(1)):
        return EC, None
    return EC, _point(inner.enter(explicit(1)).enter(BIT_STRING).bits())


def _read_pkcs1(inner):
    modulus = _modulus(inner)
    for _ in range(7):  # exponents, primes, and what speeds the computation up
        inner.enter(INTEGER)
    inner.finish()
    return RSA, modulus
