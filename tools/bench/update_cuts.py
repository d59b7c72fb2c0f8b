"""A whole simulated device in the middle of an update of 1.5 MB: its power is cut, and its link, again and again."""

import contextlib
import random
import time

from tools.bench.registry import measurement
from tools.demo.update import TIMES, Releases
from tools.desk import Desk

_SIZE = 1_500_000
_SLOT_BYTES = 0x180000
_CUTS = 8
_LINKED, _LINK_CUTS = 4, 6  # updates, and cuts of the link in each of them
_WAIT_S = 120


@measurement(
    "update.cuts", f"updates of 1.5 MB that came through a power cut, of {_CUTS}", "", at_least=_CUTS, repeat=False
)
def _(_desk):
    with _at_work() as (desk, releases):
        writes = _update(desk, releases, 0)
        return sum(_comes_through(desk, releases, number, writes) for number in range(1, _CUTS + 1))


@measurement(
    "update.links",
    f"updates of 1.5 MB that came through {_LINK_CUTS} cuts of the link at random bytes, of {_LINKED}",
    "",
    at_least=_LINKED,
    repeat=False,
)
def _(_desk):
    with _at_work() as (desk, releases):
        return sum(_comes_through_cuts(desk, releases, number) for number in range(1, _LINKED + 1))


@contextlib.contextmanager
def _at_work():
    """A desk whose device is connected, and its releases."""
    with Desk(board={"image": "ota", "slot_bytes": _SLOT_BYTES}, cloud={"fast_keys": True}) as desk:
        releases = Releases(desk)
        desk.leave_factory(timeouts={**TIMES, "backoff_s": 1, "backoff_cap_s": 10})
        desk.device.power_on()
        desk.device.wait_for(r"aws\.connected", _WAIT_S)
        yield desk, releases


def _comes_through_cuts(desk, releases, seed):
    """Whether the update whose link is cut after bytes that `seed` chooses is at work in the end."""
    device, choose, version = desk.device, random.Random(seed), f"2.{seed}.0"
    slot = device.slot
    try:
        releases.publish(version, desk.fleet.thing_name(device.unique_id), size=_SIZE)
        device.wait_for(r"OTA ota\.started", _WAIT_S)
        for _ in range(_LINK_CUTS):
            desk.home.cut_after(choose.randrange(choose.choice((3000, 2 * _SIZE // _LINK_CUTS))))
            end = time.monotonic() + _WAIT_S
            while desk.home.cut_left is not None and device.slot == slot and time.monotonic() < end:
                time.sleep(0.05)
        desk.home.cut_after(None)
        device.wait_for(rf"ota\.finished version={version}", _WAIT_S)
        return True
    except (TimeoutError, AssertionError):
        return False


def _comes_through(desk, releases, number, writes):
    """Whether the update whose power is cut at this part of its writes is at work in the end."""
    try:
        _update(desk, releases, number, number * writes // (_CUTS + 1))
        return True
    except (TimeoutError, AssertionError):
        return False


def _update(desk, releases, number, cut=None):
    """Release a version and wait until it is confirmed; returns how many flash writes mode OTA made.

    The power is cut at the write `cut`, torn now and then.
    """
    device, version = desk.device, f"2.{number}.0"
    releases.publish(version, desk.fleet.thing_name(device.unique_id), size=_SIZE)
    device.wait_for(r"OTA ota\.started", _WAIT_S)
    before = device.writes
    if cut is not None:
        device.cut_at_write(cut, torn=bool(number & 1))
        device.wait_until_off(_WAIT_S)
        device.cut_at_write(None)
        device.power_on()
    device.wait_for(r"OTA --update_written--> restart", _WAIT_S)
    writes = device.writes - before
    device.wait_for(rf"ota\.finished version={version}", _WAIT_S)
    return writes
