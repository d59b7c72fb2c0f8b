"""The dates of a certificate, and nothing else."""


def validity(certificate):
    """((year, month, day, hour, minute, second) not before, the same not after) of a DER certificate."""
    at, _ = _enter(certificate, 0)  # Certificate
    at, _ = _enter(certificate, at)  # TBSCertificate
    if certificate[at] == 0xA0:  # version
        at = _skip(certificate, at)
    for _ in range(3):  # serial number, signature algorithm, issuer
        at = _skip(certificate, at)
    at, _ = _enter(certificate, at)
    return _moment(certificate, at), _moment(certificate, _skip(certificate, at))


def _enter(data, at):
    """(begin, end) of what the element at `at` holds."""
    size = data[at + 1]
    begin = at + 2
    if size & 0x80:
        count = size & 0x7F
        size = 0
        for i in range(begin, begin + count):
            size = size << 8 | data[i]
        begin += count
    return begin, begin + size


def _skip(data, at):
    return _enter(data, at)[1]


def _moment(data, at):
    begin, end = _enter(data, at)
    text = bytes(data[begin:end]).decode()
    if len(text) == 13:  # UTCTime: two digits of the year
        text = ("20" if text < "50" else "19") + text
    return (int(text[:4]),) + tuple([int(text[i : i + 2]) for i in range(4, 14, 2)])
