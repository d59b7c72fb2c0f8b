"""The power goes at every single flash write of an enrolment and of a save; the device always goes on from there."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stories.conftest import Certificates, open_desk, put_application, put_settings

_DESKS = 8  # work at the same time, each at every eighth write: most of a start is waiting
_MOST_WRITES = 400  # none of these takes half as many


def at_every_write(prepare, attempt):
    """{n: attempt(desk, state, n)} for n = 1, 2, ... until n is more writes than there are: then it returns None.

    `prepare(desk)` makes the state of a desk.
    """

    def share(first):
        certificates = Certificates()
        results = {}
        with open_desk(log=certificates) as desk:
            state = prepare(desk, certificates)
            for n in range(first, _MOST_WRITES, _DESKS):
                try:
                    result = attempt(desk, state, n)
                except TimeoutError as error:
                    raise AssertionError(f"after a power cut at write {n}: {error}") from error
                if result is None:
                    return results
                results[n] = result
        raise AssertionError(f"more than {_MOST_WRITES} writes")

    with ThreadPoolExecutor(_DESKS) as pool:
        shares = [pool.submit(share, first) for first in range(1, _DESKS + 1)]
        return {n: result for each in shares for n, result in each.result().items()}


def cut_at(device, n, torn, done):
    """Switch on and cut the power at the n-th write; False when the line `done` comes first."""
    device.cut_at_write(n, torn)
    device.forget_lines()  # the last start may have come to it, too
    device.power_on()
    was_cut = "power cut at write" in device.wait_for(rf"{done}|^sim: off: power cut at write", 30)
    if was_cut:
        device.wait_until_off()
    device.cut_at_write(None)
    return was_cut


def keep(device, folder):
    """A copy of the device's flash."""
    return shutil.copytree(device.flash.folder, folder / device.unique_id)


def bring_back(device, copy):
    """The flash is as it was."""
    shutil.copytree(copy, device.flash.folder, dirs_exist_ok=True)


def spans(numbers):
    """How many runs of consecutive numbers there are."""
    return sum(1 for n in numbers if n - 1 not in numbers)


@pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])
def test_at_every_write_of_an_enrolment(torn, tmp_path):
    def prepare(desk, certificates):
        put_application(desk, "quiet")
        put_settings(desk)
        return certificates, desk.cloud.iot(), keep(desk.device, tmp_path)

    def attempt(desk, state, n):
        certificates, iot, factory_new = state
        device = desk.device
        device.erase()
        bring_back(device, factory_new)
        device.flash.mac(f"0a{n:010x}")
        certificates.created = 0
        if not cut_at(device, n, torn, "application: settled"):
            return None
        device.power_on()
        device.wait_for(f"application: settled as {desk.fleet.thing_name(device.unique_id)}$", 30)
        device.power_cut()
        things = iot.list_things(attributeName="serial", attributeValue=device.unique_id)["things"]
        assert len(things) == 1, f"after a power cut at write {n}"
        return certificates.created - 1

    wasted = at_every_write(prepare, attempt)
    assert len(wasted) > 50
    assert set(wasted.values()) <= {0, 1}
    # Once while what the cloud made is on its way to flash, and once while the name is: the token opens only once.
    # Between the two what was kept is used.
    assert spans([n for n in wasted if wasted[n]]) == 2


@pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])
def test_at_every_write_of_a_save(torn, tmp_path):
    """Settings, credentials and the user's data are each the old or the new ones, in the order they were saved."""

    def prepare(desk, _):
        put_application(desk, "generations")
        put_settings(desk)
        desk.device.power_on()
        desk.device.wait_for("application: saved")
        desk.device.power_cut()
        return keep(desk.device, tmp_path)

    def attempt(desk, before, n):
        device = desk.device
        bring_back(device, before)
        was_cut = cut_at(device, n, torn, "application: saved")
        if not was_cut:
            device.power_cut()
        found = start_and_find(device)
        assert was_cut or found == [2, 2, 2]
        assert found in ([1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]), f"after a power cut at write {n}: {found}"
        return found if was_cut else None

    found = at_every_write(prepare, attempt)
    assert len(found) > 20
    assert found[1] == [1, 1, 1]
    assert found[max(found)] == [2, 2, 2]


def start_and_find(device):
    """[generation of settings, of credentials, of the user's data] that the application finds."""
    device.power_on()
    line = device.wait_for("application: found")
    device.power_cut()
    assert "torn" not in line
    return [int(number) for number in re.findall(r" (?:thing-)?(\d+)", line)]
