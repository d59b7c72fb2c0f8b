"""The connection is reset after every few hundred bytes of an enrolment; the device always goes on from there."""

import re
from concurrent.futures import ThreadPoolExecutor

from tests.stories.conftest import QUICK, Certificates, open_desk, put_application

_DESKS = 4  # work at the same time: most of it is waiting
_STEP = 200  # bytes
_MOST_BYTES = 20000  # an enrolment needs about 7,000
# What a reset connection may be told as. A server that resets it after it has seen our certificate may mean that.
_CODES = {"tls_failed", "connection_lost", "claim_failed", "claim_refused", "cert_refused", "not_authorised"}


def enrol(desk, certificates, count):
    """Enrol a new device, with a reset after `count` bytes; returns how many were left of them."""
    device = desk.device
    device.erase()
    device.flash.mac(f"0a{count:010x}")
    desk.leave_factory(**QUICK)
    certificates.created = 0
    starts, lines = len(device.starts), len(device.lines)
    desk.home.cut_after(count)
    device.power_on()
    device.wait_for(f"application: settled as {desk.fleet.thing_name(device.unique_id)}$", 30)
    device.power_cut()
    assert certificates.created in (1, 2), f"after {count} bytes"
    assert len(device.starts) == starts + 1, f"after {count} bytes"
    assert set(re.findall(r"aws\.disconnected code=(\w+)", "\n".join(device.lines[lines:]))) <= _CODES
    return desk.home.cut_left


def test_the_link_is_cut_after_every_few_hundred_bytes():
    def share(first):
        certificates = Certificates()
        with open_desk(log=certificates) as desk:
            put_application(desk, "quiet")
            for count in range(first * _STEP, _MOST_BYTES, _DESKS * _STEP):
                if enrol(desk, certificates, count) is not None:
                    return count
        raise AssertionError(f"more than {_MOST_BYTES} bytes")

    with ThreadPoolExecutor(_DESKS) as pool:
        shares = [pool.submit(share, first) for first in range(1, _DESKS + 1)]
        assert min(each.result() for each in shares) > 10 * _STEP
