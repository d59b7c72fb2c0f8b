"""A phone at the device of a story: it has read the setup code from the console, and speaks the protocol."""

import base64
import contextlib
import re
from pathlib import Path

from tests.host.ble_desk import Visitor
from tools.desk import PASSWORD, SSID

NETWORK = {"ssid": SSID, "password": PASSWORD}


def setup_code(device, timeout_s=20):
    """The code that the console shows next, 10 bytes."""
    line = device.wait_for(r"^CONFIG: setup code ", timeout_s)
    return base64.b32decode(re.search(r"code ([A-Z2-7-]{19}),", line)[1].replace("-", ""))


@contextlib.contextmanager
def visit(desk, code):
    """A `Visitor` with a session."""
    desk.world.radio.supervision_s, desk.world.radio.interval_ms = 0.2, 2
    with desk.world.radio.phone() as phone:
        visitor = Visitor(phone)
        assert visitor.hello(code)["code"] == 0
        assert visitor.confirmed
        yield visitor


def tell(visitor, *messages):
    """Send (typ, dat) one after the other; all but the last must be taken. The dat of the last ACK."""
    *first, last = messages
    for typ, dat in first:
        answer = visitor.ask(typ, dat)
        assert answer["code"] == 0, answer
    return visitor.ask(*last)


def apply(desk, code, *messages):
    """The dat of APPLY's ACK, after these messages; then the phone goes."""
    with visit(desk, code) as visitor:
        return tell(visitor, *messages, ("APPLY", {}))


def networks(*wanted):
    """The message that gives these networks."""
    return "CFG", {"networks": list(wanted)}


def fleet_messages(desk, endpoint):
    """All that a device with nothing needs but a network."""
    root = Path(desk.cloud.ca_file).read_text(encoding="ascii")
    claim = {"role": "claim", "cert": desk.fleet.claim_cert_pem, "key": desk.fleet.claim_key_pem}
    return [
        ("CFG", {"aws": {"endpoint": endpoint, "template": desk.fleet.template}}),
        ("CERT", {"role": "ca", "cert": root}),
        ("CERT", claim),
    ]


def records(device):
    """The names of the records in the device's flash."""
    return {path.split("/")[-1].split(".")[0] for path in device.list_files() if path.startswith("/secure/")}
