"""How much heap a whole visit of a phone needs in CONFIG: a scan, a network, a set of certificates, APPLY.

Counted as in `heap`: the fakes are not, and `rom` has firmware and aioble where they lie in a frozen image.
"""

import re
import shutil
import tempfile
from pathlib import Path

from tools.bench.heap import FAILED, STEP
from tools.bench.registry import measurement
from tools.demo.phone import demo_phone
from tools.desk import PASSWORD, SSID, Desk
from tools.sim.radio.central import LinkLost

_WAIT_S = 20


@measurement(
    "config.heap.rom",
    "smallest heap for a phone's visit in CONFIG, code in ROM",
    "KB",
    less_is_better=True,
    repeat=False,
)
def _(_desk):
    with tempfile.TemporaryDirectory(prefix="awsesp-config-") as folder, Desk() as desk:
        return _smallest(desk, Path(folder)) / 1024


def _smallest(desk, folder):
    device = desk.device
    device.image.run_in_place(folder / "rom", with_lib=True)
    desk.leave_factory(networks=[])
    for _ in range(2):  # the second start shows what the fakes hold of a flash that is in use
        device.power_on()
        device.wait_for("CONFIG: setup code", _WAIT_S)
        device.power_cut()
    shutil.copytree(device.flash.folder, folder / "new")
    too_small, enough = 64 * 1024, 512 * 1024
    while enough - too_small > STEP:
        middle = (too_small + enough) // 2
        for path in (folder / "new").iterdir():
            shutil.copy(path, device.flash.folder)
        if _works(desk, middle):
            enough = middle
        else:
            too_small = middle
    return enough


def _works(desk, heap_bytes):
    device = desk.device
    device.image.heap_bytes = heap_bytes
    device.power_on()
    try:
        device.wait_for("^boot: start", _WAIT_S)
        line = device.wait_for(rf"setup code|{FAILED}", _WAIT_S)
        code = re.search(r"setup code ([A-Z2-7-]+)", line)
        return code is not None and _visit(desk, code[1])
    except (LinkLost, TimeoutError):  # it has no memory for the phone
        return False
    finally:
        device.power_cut()


def _visit(desk, code):
    root = Path(desk.cloud.ca_file).read_text(encoding="ascii")
    claim = {"role": "claim", "cert": desk.fleet.claim_cert_pem, "key": desk.fleet.claim_key_pem}
    with demo_phone(desk.world.radio) as phone:
        phone.find()
        phone.connect()
        phone.secure(code)
        messages = [
            ("SCAN", {}),
            ("CFG", {"networks": [{"ssid": SSID, "password": PASSWORD}]}),
            ("CERT", {"role": "ca", "cert": root * 2}),
            ("CERT", claim),
            ("APPLY", {}),
        ]
        return all(phone.ask(*message)["code"] in (0, 2) for message in messages)
