"""`configure`'s conversation with a chosen device, and its radio, without one: bleak's part is played here."""

import asyncio
import json

import pytest

from tests.host.phone_device import CODE, ReferenceDevice
from tools.configure import link, radio
from tools.configure.trouble import Trouble

SEEN = radio.Seen("esp-0a1b2c", "F0:F1:F2:F3:F4:F5", -50, None)
HOME, GUESTS = {"ssid": "home", "password": "long enough"}, {"ssid": "guests", "password": None}


class Air:
    """`radio.Connection` to a `ReferenceDevice`."""

    def __init__(self, device):
        self.on_data = self.on_state = self.on_lost = lambda *_: None
        self.is_open = False
        self.device = device

    async def open(self):
        self.device.connect()
        self.is_open = True

    async def write(self, data):
        self.device.sizes.append(len(data))
        for piece in self.device.write(data):
            self.on_data(piece)

    async def read(self, uuid):
        return self.device.info() if uuid == radio.INFO else self.device.read_state()

    async def close(self):
        self.is_open = False


@pytest.fixture
def device(monkeypatch):
    made = ReferenceDevice()
    made.connections, made.sizes = 0, []
    monkeypatch.setattr(link, "Connection", lambda _: Air(made))
    return made


def trouble_of(coroutine):
    with pytest.raises(Trouble) as caught:
        asyncio.run(coroutine)
    return caught.value


@pytest.mark.parametrize(
    ("said", "most"), [(20, 20), (180, 180), (5, 20), (100_000, 509), (None, 20), ("180", 20), (True, 20)]
)
def test_pieces_are_as_large_as_the_device_says_within_reason(device, said, most):
    device.chunk = 509
    whole = json.loads(device.info())
    device.info = lambda: json.dumps({**whole, "chunk": said}).encode()
    asyncio.run(link.Link(SEEN, CODE).ask("CFG", {"app": {"text": "x" * 600}}))
    assert max(device.sizes) == most


def test_a_larger_piece_that_was_agreed_on_meanwhile_is_used(device):
    device.chunk, hello = 20, device._hello

    def agreed(message):
        device.chunk = 180
        return hello(message)

    device._hello = agreed
    asyncio.run(link.Link(SEEN, CODE).ask("CFG", {"app": {"text": "x" * 600}}))
    assert max(device.sizes) == 180


@pytest.mark.parametrize("changes", [{"proto": 2}, {"proto": None}, {"name": None}])
def test_another_protocol_is_told_and_hung_up_on(device, changes):
    whole = json.loads(device.info())
    device.info = lambda: json.dumps({**whole, **changes}).encode()
    one = link.Link(SEEN, CODE)
    assert trouble_of(one.ask("STS")).kind == "not_ours"
    assert (one.is_ready, device.heard) == (False, b"")


def test_what_was_staged_is_not_asked_for_in_a_session_that_knows_nothing_of_it(device):
    assert trouble_of(link.Link(SEEN, CODE).ask("APPLY", anew=False)).kind == "link_lost"
    assert device.heard == b""


def test_networks_that_are_not_meant_any_more_are_forgotten_by_hanging_up(device):
    async def story():
        one = link.Link(SEEN, CODE)
        await one.ask("CFG", {"networks": [HOME, GUESTS]})
        await one.forget_others(["home", "guests", "third"])
        kept = one.is_ready
        await one.forget_others(["home"])
        hung_up = not one.is_ready
        await one.ask("CFG", {"networks": [HOME]})
        await one.forget_others(["home"])  # of the others it was told in the connection before
        return kept, hung_up, one.is_ready

    assert asyncio.run(story()) == (True, True, True)
    assert device.connections == 2


class Bleak:
    """`BleakClient`: `start_notify` waits for ever when it `hangs`."""

    hangs = False
    is_connected = False

    def __init__(self, *_, **__):
        self.heard = {}
        Bleak.last = self

    async def connect(self):
        self.is_connected = True

    async def disconnect(self):
        self.is_connected = False

    async def start_notify(self, uuid, callback):
        if self.hangs:
            await asyncio.sleep(60)
        self.heard[uuid] = callback


def test_a_device_that_connects_and_says_no_more_is_no_answer(monkeypatch):
    monkeypatch.setattr(radio, "BleakClient", Bleak)
    monkeypatch.setattr(Bleak, "hangs", True)
    monkeypatch.setattr(radio, "_OPEN_S", 0.05)
    monkeypatch.setattr(radio, "_CALL_S", 0.05)
    assert trouble_of(radio.Connection(SEEN).open()).kind == "no_answer"


def test_a_value_of_state_that_was_read_is_no_news_of_it(monkeypatch):
    monkeypatch.setattr(radio, "BleakClient", Bleak)
    news = []
    connection = radio.Connection(SEEN)
    connection.on_state = lambda: news.append(1)
    asyncio.run(connection.open())
    Bleak.last.heard[radio.STATE](None, b'{"mode":"CONFIG"}')
    assert news == []
    Bleak.last.heard[radio.STATE](None, b"\x01\x00")
    assert news == [1]


class Scanner:
    """`BleakScanner`: everything that is on the air, whatever it was asked for."""

    def __init__(self, detected, **_):
        self.detected = detected

    async def __aenter__(self):
        for name, service in (("lamp", "0000fe0f-0000-1000-8000-00805f9b34fb"), ("esp-0a1b2c", radio.SERVICE)):
            self.detected(On(name), On(name, service))

    async def __aexit__(self, *_):
        pass


class On:
    """bleak's BLEDevice and AdvertisementData in one."""

    rssi = -50

    def __init__(self, name, *services):
        self.name = self.local_name = self.address = name
        self.service_uuids = services


def test_other_things_on_the_air_are_no_devices(monkeypatch):
    monkeypatch.setattr(radio, "BleakScanner", Scanner)
    assert [seen.name for seen in asyncio.run(radio.scan(0.01))] == ["esp-0a1b2c"]
