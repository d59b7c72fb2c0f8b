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

RSA = "RSA"

_RSA_BITS = (2048, 4096)
_OID_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"
_OID_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
# Name, bits, and what the order of the group lacks of 2 ** bits (FIPS 186-4, D.1.2).
_CURVES = (
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", 256, 0xFFFFFFFF00000000000000004319055258E8617B0C46353D039CDAAF),
    (b"\x2b\x81\x04\x00\x22", 384, 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D),
    (b"\x2b\x81\x04\x00\x23", 521, 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7),
)
_UNUSABLE = {
    b"\x2b\x65\x70": "Ed25519",
    b"\x2b\x65\x71": "Ed448",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a": "RSA-PSS",
    b"\x2a\x86\x48\xce\x38\x04\x01": "DSA",
    b"\x2b\x81\x04\x00\x0a": "EC secp256k1",
}
_STORE = b"\3"  # the version that every PKCS#12 begins with (RFC 7292, section 4)
_PKCS12 = "it is PKCS#12: take certificate and key out of it by `openssl pkcs12 -nodes -in FILE`"
_USABLE = "use EC P-256, P-384 or P-521, or RSA of 2048 to 4096 bits"
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
    unusable, strangers = None, 0
    for der in certificates(cert, name):
        try:
            if key_fits(der, key_der, name) is not False:
                return der, key_der
            strangers += 1
        except errors.PersonError as problem:  # who issues certificates may have a key of any kind
            unusable = unusable or problem
    raise unusable if not strangers else errors.error("key_mismatch")


def validity(der, what="the certificate"):
    """From when until when the certificate in DER is valid, in unix seconds."""
    return _guarded(_validity, der, what)


def is_self_signed(der, what="the certificate"):
    """True when subject and issuer of the certificate in DER are the same: a root."""
    certificate = _guarded(_Certificate, der, what)
    return certificate.subject.same_as(certificate.issuer)


def public_key(der, what="the certificate"):
    """`("P-256", "P-384" or "P-521", point)` or `(RSA, modulus)` of the certificate in DER."""
    return _guarded(lambda data: _public_key(_Certificate(data).public_key), der, what)


def key_fits(cert_der, key_der, what="the certificate"):
    """Whether the private key belongs to the certificate: True, False, or None when it does not say.

    An RSA key holds its modulus. An EC key holds its public point only optionally; computing it takes a microcontroller
    the better part of a second, and TLS finds out anyway.
    """
    kind, public = public_key(cert_der, what)
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
        if outer.next_is(INTEGER) and outer.enter(INTEGER).unsigned() == _STORE and outer.next_is(SEQUENCE):
            raise Malformed(_PKCS12)
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
    reader = _Certificate(der).validity
    begin, end = _time(reader), _time(reader)
    reader.finish()
    return begin, end


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
    is_day = 1 <= month <= 12 and 1 <= day <= _DAYS_OF_MONTH[month - 1] + (leap and month == 2)
    if not is_day or year < 1950 or hour > 23 or minute > 59 or second > 59:
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
        return _point(bits, _curve(algorithm)[1])
    if kind == _OID_RSA:
        return RSA, _modulus(bits.enter(SEQUENCE))
    raise _unusable(kind)


def _unusable(kind):
    return Malformed("it is of kind %s, which the device cannot use: %s" % (_UNUSABLE.get(kind, "unknown"), _USABLE))


def _curve(reader):
    """The entry of `_CURVES` that the next element names."""
    if reader.next_is(SEQUENCE):
        raise Malformed("its curve is written out: name it, by `openssl ec -param_enc named_curve`")
    name = reader.enter(OBJECT).contents()
    for curve in _CURVES:
        if curve[0] == name:
            return curve
    raise _unusable(name)


def _point(bits, size):
    point = bits.contents()
    if len(point) != (size + 7) // 8 * 2 + 1 or point[0] != 4:
        raise Malformed("its point is not one of P-%d, or compressed: `openssl ec -conv_form uncompressed`" % size)
    return "P-%d" % size, point


def _modulus(numbers):
    """The next number, the modulus of an RSA key."""
    modulus = numbers.enter(INTEGER).unsigned()
    bits = len(modulus) * 8
    if not _RSA_BITS[0] <= bits <= _RSA_BITS[1]:
        raise Malformed("its RSA key has about %d bits: %s" % (bits, _USABLE))
    return modulus


def _read_key(der):
    """`(name of the curve, point or None)` or `(RSA, modulus)` of the private key in DER, of whichever form it is."""
    whole = Reader(der)
    outer = whole.enter(SEQUENCE)
    whole.finish()
    if outer.next_is(SEQUENCE):
        raise _not_a_key(outer)
    version = outer.enter(INTEGER).unsigned()
    if outer.next_is(OCTET_STRING):
        return _read_sec1(outer, None)
    if version:  # RFC 7292, a store; RFC 5958 has one more of PKCS#8, RFC 8017 of PKCS#1: TLS reads none
        newer = "it is of a newer version of PKCS#8, or an RSA key with more than two primes"
        raise Malformed(_PKCS12 if version == _STORE and outer.next_is(SEQUENCE) else newer)
    return _read_pkcs8(outer) if outer.next_is(SEQUENCE) else _read_pkcs1(outer)


def _not_a_key(outer):
    # Encrypted by PKCS#5 or PKCS#12: an algorithm, and bytes.
    if outer.enter(SEQUENCE).next_is(OBJECT) and outer.next_is(OCTET_STRING):
        import pem

        return Malformed(pem.ENCRYPTED)
    return Malformed("it is not a private key, though it may be a certificate")


def _read_pkcs8(outer):
    algorithm = outer.enter(SEQUENCE)
    kind = algorithm.enter(OBJECT).contents()
    if kind not in (_OID_EC, _OID_RSA):
        raise _unusable(kind)
    curve = _curve(algorithm) if kind == _OID_EC else None
    inner = outer.enter(OCTET_STRING).enter(SEQUENCE)
    inner.enter(INTEGER)
    return _read_sec1(inner, curve) if curve else _read_pkcs1(inner)


def _read_sec1(inner, curve):
    """`curve`: that of the form around it, or None."""
    secret = int.from_bytes(inner.enter(OCTET_STRING).contents(), "big")
    if inner.next_is(explicit(0)):
        own = _curve(inner.enter(explicit(0)))
        if curve not in (None, own):
            raise Malformed("it names two curves")
        curve = own
    elif curve is None:
        raise Malformed("the EC key does not name its curve: convert it with `openssl pkcs8 -topk8 -nocrypt`")
    _, size, lack = curve
    if not 0 < secret < (1 << size) - lack:
        raise Malformed("its secret number is not one of P-%d" % size)
    if not inner.next_is(explicit(1)):
        return "P-%d" % size, None
    return _point(inner.enter(explicit(1)).enter(BIT_STRING).bits(), size)


def _read_pkcs1(inner):
    modulus = _modulus(inner)
    for _ in range(7):  # exponents, primes, and what speeds the computation up
        inner.enter(INTEGER)
    inner.finish()
    return RSA, modulus
