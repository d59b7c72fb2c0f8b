"""A whole device in the simulator against the local AWS IoT: what the stories share."""

import itertools
import json
import time
from collections import deque
from pathlib import Path

import pytest

from tests import precompiled
from tests.stories import secrets
from tools import mpy
from tools.desk import Desk

APPLICATIONS = Path(__file__).parent / "applications"

# The shortest times that settings allow, or nearly: long enough for a busy machine.
QUICK = {
    "app": {"every_s": 1},
    "timeouts": {
        "join_s": 5,
        "address_s": 3,
        "dns_s": 1,
        "ntp_s": 1,
        "connect_s": 3,
        "connack_s": 3,
        "ack_s": 2,
        "keepalive_s": 30,
        "stable_s": 5,
        "backoff_s": 1,
        "backoff_cap_s": 10,
        "refused_s": 1,
        "drain_s": 1,
        "start_uptime_s": 10,
        "config_s": 30,
        "watchdog_s": 30,
    },
}


_serials = itertools.count(1)


class Certificates:
    """Counts the certificates that the cloud makes for devices; a log for `LocalCloud`."""

    def __init__(self):
        self.created = 0

    def __call__(self, event, **_):
        if event == "certificate_created":
            self.created += 1


def open_desk(lib=None, **options):
    """A `Desk` whose cloud makes EC keys: RSA keys as AWS makes them take their time, and one story is enough.

    The device runs `lib` instead of the checkout's. `options` are those of `LocalCloud`.
    """
    return Desk(board={"lib": lib, "compiled": precompiled.folders()}, cloud={"fast_keys": True, **options})


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """A folder with lib as `make flash` puts it onto a board: what users write must find the names that it needs."""
    folder = tmp_path_factory.mktemp("compiled")
    mpy.compile_lib(folder)
    return folder


def put_application(desk, name):
    """Let `applications/NAME.py` be the device's main.py."""
    desk.device.image.main = APPLICATIONS / f"{name}.py"


def put_settings(desk, **changes):
    """The factory's settings with short times, and with `changes`."""
    desk.leave_factory(**{**QUICK, **changes})


def write_settings(desk, document):
    """Exactly these settings."""
    desk.device.write_file("/settings.json", json.dumps(document))


def thing_name(desk):
    """What the fleet's template calls this device."""
    return desk.fleet.thing_name(desk.device.unique_id)


def thing_certificates(desk):
    """The ids of the certificates attached to the device's thing."""
    principals = desk.cloud.iot().list_thing_principals(thingName=thing_name(desk))["principals"]
    return [principal.rpartition("/")[2] for principal in principals]


def is_settled(desk):
    """Whether nothing of the enrolment is left to be written."""
    records = {path.split("/")[-1].split(".")[0] for path in desk.device.list_files() if path.startswith("/secure/")}
    return {"thing", "clock"} <= records and "pending" not in records


def calm(device, silence_s=1):
    """The flash writes so far, once there were none for a while: the file that was seen may still be being written."""
    writes, since = device.writes, time.monotonic()
    while time.monotonic() < since + silence_s:
        time.sleep(0.02)
        if device.writes != writes:
            writes, since = device.writes, time.monotonic()
    return writes


def eventually(condition, timeout_s=20):
    """Wait until `condition()` is true; AssertionError when it does not become so."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.02)


@pytest.fixture(autouse=True, scope="session")
def nothing_told_is_secret():
    """Whatever desk a story opens, what its device has told is searched for secrets when it is closed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desk, "__init__", _listening(Desk.__init__))
        patch.setattr(Desk, "__exit__", _searching(Desk.__exit__))
        yield


def _listening(make):
    def __init__(desk, on_line=None, board=None, cloud=None):  # noqa: N807
        cloud = dict(cloud or {})
        desk.cloud_log = deque(maxlen=5000)
        tell = cloud.get("log")

        def log(event, **details):
            desk.cloud_log.append(f"{event} {details}")
            if tell is not None:
                tell(event, **details)

        make(desk, on_line, board, {**cloud, "log": log})

    return __init__


def _searching(leave):
    def __exit__(desk, *exception):  # noqa: N807
        try:
            if not any(exception):
                secrets.search(secrets.told(desk, list(desk.cloud_log)), secrets.secrets_of(desk))
        finally:
            leave(desk, *exception)

    return __exit__


@pytest.fixture
def certificates():
    """Counts the certificates that `desk` makes for devices."""
    return Certificates()


@pytest.fixture
def desk(certificates):
    """A desk with a factory-new device, switched off. A failing story shows the device's console."""
    with open_desk(log=certificates) as desk:
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture(scope="module")
def shared_desk():
    """One desk for the stories of a file whose device is a new one each time: see `new_device`."""
    with open_desk() as desk:
        yield desk


@pytest.fixture
def new_device(shared_desk):
    """The shared desk, with a device on it that nobody has used; it is switched off, and so it is afterwards."""
    device = shared_desk.device
    device.erase()
    device.flash.mac(f"0a{next(_serials):010x}")
    yield shared_desk
    device.power_cut()
    print("\n".join(["", "The device's console:", *device.lines]))


@pytest.fixture
def device(desk):
    """The desk's device with the factory's settings, switched off."""
    desk.leave_factory(**QUICK)
    return desk.device
