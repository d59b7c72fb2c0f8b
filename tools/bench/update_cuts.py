"""A whole simulated device whose power is cut in the middle of an update of 1.5 MB, again and again."""

from tools.bench.registry import measurement
from tools.demo.update import TIMES, Releases
from tools.desk import Desk

_SIZE = 1_500_000
_SLOT_BYTES = 0x180000
_CUTS = 8
_WAIT_S = 120


@measurement(
    "update.cuts", f"updates of 1.5 MB that came through a power cut, of {_CUTS}", "", at_least=_CUTS, repeat=False
)
def _(_desk):
    with Desk(board={"image": "ota", "slot_bytes": _SLOT_BYTES}, cloud={"fast_keys": True}) as desk:
        releases, device = Releases(desk), desk.device
        desk.leave_factory(timeouts=TIMES)
        device.power_on()
        device.wait_for(r"aws\.connected", _WAIT_S)
        writes = _update(desk, releases, 0)
        return sum(_comes_through(desk, releases, number, writes) for number in range(1, _CUTS + 1))


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
