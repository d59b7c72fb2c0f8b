"""The conversation of `configure`, without radio and clock, against the second implementation of the protocol."""

import ast
import asyncio
import json
import os
from pathlib import Path

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ble import code_table, codes
from tests import ble_reference as reference
from tests.host.phone_device import CODE, ReferenceDevice
from tools.configure import radio
from tools.configure.session import Forged, Handshake, Session, UnsafeKey, WrongCode
from tools.configure.talk import Talk
from tools.configure.trouble import CODES, EXITS, KINDS, Trouble
from tools.interpreter import ROOT

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ble.json").read_text())
SESSION = VECTORS["session"]


class Person:
    """Pumps bytes between a `Talk` and a `ReferenceDevice`; the clock goes on only when nothing comes."""

    def __init__(self, device, setup_code=CODE):
        self.device, self.talk, self.now_s, self.writes = device, Talk(), 1000.0, 0
        if setup_code:
            handshake = Handshake(setup_code, device.name)
            self.talk.secure(handshake.finish(self.ask("HELLO", handshake.dat).details))

    def ask(self, typ, dat=None):
        self.talk.ask(typ, dat or {}, self.now_s)
        while self.talk.answer is None:
            notified = []
            data = self.talk.due(self.now_s)
            if data:
                self.writes += 1
                chunk = self.device.chunk
                for start in range(0, len(data), chunk):
                    notified += self.device.write(data[start : start + chunk])
            for piece in notified:
                self.talk.hear(piece, self.now_s)
            if not notified:
                self.now_s += self.talk.wait_s(self.now_s)
                self.talk.hear(b"", self.now_s)
        return self.talk.answer


def trouble_of(call):
    with pytest.raises(Trouble) as caught:
        call()
    return caught.value


def test_an_answer_to_a_hello_before_the_last_one_makes_no_session():
    """The device makes new keys for each HELLO: with those of the first, all that follows would be a wrong code."""
    person = Person(ReferenceDevice(), setup_code=None)
    handshake = Handshake(CODE, person.device.name)
    person.talk.ask("HELLO", handshake.dat, person.now_s)
    late = person.device.write(person.talk.due(person.now_s))
    person.now_s += 8
    in_time = person.device.write(person.talk.due(person.now_s))
    for piece in late:
        person.talk.hear(piece, person.now_s)
    assert person.talk.answer is None
    for piece in in_time:
        person.talk.hear(piece, person.now_s)
    person.talk.secure(handshake.finish(person.talk.answer.details))
    assert person.ask("STS").code == 0


def test_a_whole_conversation():
    person = Person(device := ReferenceDevice())
    assert person.ask("SCAN").details["aps"][0]["ssid"] == "Café Müller"
    assert person.ask("CFG", {"app": {"ä": 1}}).code == 0
    assert person.ask("APPLY").code == 2
    assert device.done == [("SCAN", {}), ("CFG", {"app": {"ä": 1}}), ("APPLY", {})]
    assert person.writes == 4


@pytest.mark.parametrize("fault", ["silence", "damage", 4, 10, 11])
def test_what_got_lost_is_asked_for_again_and_done_once(monkeypatch, fault):
    # No random keys: one sealed answer in 5,000 holds what looks like another one's beginning, and is, when damaged,
    # asked for once more.
    keys = map(X25519PrivateKey.from_private_bytes, (bytes([number]) * 32 for number in range(1, 100)))
    monkeypatch.setattr(X25519PrivateKey, "generate", lambda: next(keys))
    person = Person(device := ReferenceDevice())
    device.faults["CFG"] = [fault, fault]
    assert person.ask("CFG", {"app": None}).code == 0
    assert [typ for typ, _ in device.done] == ["CFG"]
    assert person.writes == 4


@pytest.mark.parametrize(
    ("fault", "kind", "code"), [("silence", "no_answer", None), (10, "refused", 10), (11, "refused", 11)]
)
def test_what_stays_lost_is_given_up(fault, kind, code):
    person = Person(device := ReferenceDevice())
    device.faults["CFG"] = [fault] * 99
    trouble = trouble_of(lambda: person.ask("CFG"))
    assert (trouble.kind, trouble.code) == (kind, code)
    assert person.now_s < 1000 + 61


def test_slow_work_is_waited_for_and_asked_about():
    person = Person(device := ReferenceDevice())
    device.hold, device.patience = {"APPLY"}, 5
    assert person.ask("APPLY").code == 2
    assert [typ for typ, _ in device.done] == ["APPLY"]
    assert person.now_s > 1060
    device.patience = float("inf")
    assert trouble_of(lambda: person.ask("APPLY")).kind == "no_answer"


def test_a_refusal_is_the_device_s_own_sentence():
    person = Person(device := ReferenceDevice())
    device.answers["CFG"] = [(8, {"msg": "aws.endpoint: ..."})]
    trouble = trouble_of(lambda: person.ask("CFG"))
    assert (trouble.kind, trouble.code, trouble.sentence) == ("refused", 8, "aws.endpoint: ...")


def test_a_device_that_takes_a_rest_says_for_how_long():
    device = ReferenceDevice()
    device.locked_s = 43
    trouble = trouble_of(lambda: Person(device))
    assert (trouble.kind, trouble.retry_s) == ("locked", 43)


def test_wrong_codes_and_dishonest_keys_make_no_session():
    with pytest.raises(WrongCode):
        Person(ReferenceDevice(), bytes(10))
    for public in VECTORS["low_order"]:
        with pytest.raises(UnsafeKey):
            Handshake(CODE, "esp").finish({"pub": public, "confirm": "00" * 16})
    for nonsense in ({}, {"pub": None}, {"pub": "zz"}, {"pub": "00", "confirm": 5}):
        with pytest.raises(UnsafeKey):
            Handshake(CODE, "esp").finish(nonsense)


def test_in_a_session_nothing_else_is_believed_in_clear():
    person = Person(ReferenceDevice())
    person.talk.ask("CFG", {}, 0)
    for code in (0, 2, 6, 8):
        ack = {"typ": "ACK", "id": 2, "dat": {"pkt": "CFG", "code": code, "msg": "believe me"}}
        person.talk.hear(reference.frame(reference.CLEAR, json.dumps(ack).encode()), 0)
    assert person.talk.answer is None


def test_what_is_too_long_is_not_sent():
    person = Person(device := ReferenceDevice())
    trouble = trouble_of(lambda: person.ask("CFG", {"app": {"text": "x" * 6100}}))
    assert (trouble.code, device.done) == (codes.TOO_LARGE, [])
    assert person.ask("CFG", {"app": {"text": "x" * 6000}}).code == 0


def test_what_just_fits_into_a_sealed_message_is_sent():
    talk = Talk()
    talk.secure(Session(*[bytes(32)] * 4))
    room = 6124 - len('{"typ":"CFG","id":1,"dat":{"":""}}')
    talk.ask("CFG", {"": "x" * room}, 0)
    assert len(talk.due(0)) == 6 + 6144
    assert trouble_of(lambda: talk.ask("CFG", {"": "x" * (room + 1)}, 0)).code == codes.TOO_LARGE


def ack(code, **more):
    """In clear."""
    document = {"typ": "ACK", "id": 1, "dat": {"pkt": "STS", "code": code, **more}}
    return reference.frame(reference.CLEAR, json.dumps(document).encode())


def asked():
    talk = Talk()
    talk.ask("STS", {}, 0)
    talk.due(0)
    return talk


def test_the_final_answer_is_final():
    talk = asked()
    talk.hear(ack(0) + ack(8), 0)
    assert talk.answer.code == 0


def test_a_message_of_the_device_that_stops_in_the_middle_is_asked_for_again():
    talk = asked()
    talk.hear(bytes.fromhex("a50117ff0000") + b"{", 1)
    talk.hear(b"", 7)
    assert talk.due(7)
    talk.hear(ack(0), 7)
    assert talk.answer.code == 0


@pytest.mark.parametrize(("retry_s", "kind"), [(43, "locked"), (0, "refused"), (-1, "refused"), ("soon", "refused")])
def test_only_a_time_is_waited_for(retry_s, kind):
    assert trouble_of(lambda: asked().hear(ack(3, retry_s=retry_s), 0)).kind == kind


def test_a_proof_is_right_to_its_last_byte():
    person = Person(device := ReferenceDevice(), setup_code=None)
    handshake = Handshake(CODE, device.name)
    details = person.ask("HELLO", handshake.dat).details
    for place in (0, 15):
        wrong = bytearray.fromhex(details["confirm"])
        wrong[place] ^= 1
        with pytest.raises(WrongCode):
            handshake.finish({**details, "confirm": wrong.hex()})
    handshake.finish(details)


def test_the_published_session():
    keys = (bytes.fromhex(SESSION[name]) for name in ("enc_p", "mac_p", "enc_d", "mac_d"))
    assert Session(*keys).seal(SESSION["clear"].encode()).hex() == SESSION["sealed_by_phone"]


@given(
    st.lists(
        st.binary(max_size=80) | st.builds(reference.frame, st.sampled_from((1, 2)), st.binary(max_size=60)), max_size=6
    )
)
def test_noise_is_neither_an_answer_nor_a_crash(pieces):
    talk = Talk()
    talk.secure(Session(*[bytes([number]) * 32 for number in range(4)]))
    talk.ask("SCAN", {}, 0)
    for piece in pieces:
        talk.hear(piece, 0)
    assert talk.answer is None


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(0, 25), st.integers(1, 255))
def test_answers_are_opened_once_and_only_upwards(order, where, change):
    keys = [os.urandom(32) for _ in range(4)]
    mine, device = Session(*keys), reference.End(keys[2], keys[3], keys[0], keys[1])
    sealed = [device.seal(b"%d" % number) for number in range(6)]
    highest = -1
    for number in order:
        expected = b"%d" % number if number > highest else None
        assert mine.open(sealed[number]) == expected
        highest = max(highest, number)
    short = b"abc" + reference.hmac.digest(keys[3], b"abc", "sha256")[:16]
    forged = bytearray(device.seal(b"forged"))
    forged[where % len(forged)] ^= change
    for message in (bytes(forged), short):
        with pytest.raises(Forged):
            mine.open(message)


REASONS = BleakBluetoothNotAvailableReason


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BleakBluetoothNotAvailableError("none", REASONS.NO_BLUETOOTH), "no_adapter"),
        (BleakBluetoothNotAvailableError("off", REASONS.POWERED_OFF), "bluetooth_off"),
        (BleakBluetoothNotAvailableError("no", REASONS.DENIED_BY_USER), "not_allowed"),
        (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["rejected"]), "not_allowed"),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["org.bluez"]), "no_adapter"),
        (BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"]), "bluetooth_off"),
        (BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"]), "link_lost"),
        (BleakError("Not connected"), "link_lost"),
        (FileNotFoundError(2, "No such file"), "no_adapter"),
        (asyncio.TimeoutError(), "no_answer"),
        (EOFError(), "link_lost"),
    ],
)
def test_what_a_system_says_becomes_words(error, kind):
    with pytest.raises(Trouble) as caught, radio._told():
        raise error
    assert caught.value.kind == kind
    assert caught.value.title and caught.value.way_on


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("session", {"asyncio", "time", "bleak", "socket", "rich", "tools.configure.radio"}),
        ("talk", {"asyncio", "time", "bleak", "socket", "rich", "tools.configure.radio"}),
        (
            "radio",
            {"json", "cryptography", "tools.configure.firmware", "tools.configure.session", "tools.configure.talk"},
        ),
    ],
)
def test_protocol_and_radio_know_nothing_of_each_other(module, foreign):
    tree = ast.parse((ROOT / "tools" / "configure" / f"{module}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not {name for name in imported for one in foreign if name == one or name.startswith(one + ".")}


def test_every_code_has_words_and_every_end_a_sentence():
    assert sorted(CODES) == code_table.numbers()
    assert {end for end, *_ in [*CODES.values(), *KINDS.values()]} <= EXITS.keys()
