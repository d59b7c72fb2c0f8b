"""The phone page's client at its bounds: sizes, proofs, late answers, what is left of a broken conversation."""

import json

import pytest

from tests import ble_reference as reference
from tests.host.phone_device import CODE, Radio, ReferenceDevice
from tests.host.phone_node import JsError
from tests.host.test_phone_conversation import TALK, TIMING


@pytest.fixture
def device(node):
    made = ReferenceDevice()
    node.radio = made.radio = Radio(made)
    made.sizes, write = [], made.write

    def measured(data):
        made.sizes.append(len(data))
        return write(data)

    made.write = measured
    return made


LONG = ["CFG", {"app": {"text": "x" * 600}}]


@pytest.mark.parametrize(("said", "most"), [(20, 20), (180, 180), (5, 20), (100_000, 509), (None, 20), ("180", 20)])
def test_pieces_are_as_large_as_the_device_says_within_reason(node, device, said, most):
    device.chunk = 509
    whole = json.loads(device.info())
    device.info = lambda: json.dumps({**whole, "chunk": said}).encode()
    node.script(TALK, CODE, TIMING, [LONG])
    assert max(device.sizes) == most


def test_a_larger_piece_that_was_agreed_on_meanwhile_is_used(node, device):
    device.chunk, hello = 20, device._hello

    def agreed(message):
        device.chunk = 180
        return hello(message)

    device._hello = agreed
    node.script(TALK, CODE, TIMING, [LONG])
    assert max(device.sizes) == 180


def test_what_just_fits_is_sent(node, device):
    room = 6124 - len('{"typ":"CFG","id":2,"dat":{"":""}}')
    node.script(TALK, CODE, TIMING, [["CFG", {"": "x" * room}]])
    with pytest.raises(JsError, match="at most 6124"):
        node.script(TALK, CODE, TIMING, [["CFG", {"": "x" * (room + 1)}]])


def test_a_device_without_a_name_is_another_kind(node, device):
    device.name = None
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [])
    assert trouble.value.kind == "not_ours"


@pytest.mark.parametrize("change", [lambda dat: dat["confirm"][:-1] + "g", lambda dat: dat["confirm"][:-2]])
def test_a_proof_is_right_to_its_last_byte(node, device, change):
    clear = device._clear
    device._clear = lambda dat, number: clear({**dat, "confirm": change(dat)} if "confirm" in dat else dat, number)
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [])
    assert trouble.value.kind == "wrong_code"


def test_a_forged_message_is_passed_over(node, device):
    write, end = device.write, reference.End(*[bytes(32)] * 4)

    def first_a_lie(data):
        lie = reference.frame(reference.SEALED, end.seal(b'{"typ":"ACK","id":2,"dat":{"code":2}}'))
        return [lie, *write(data)] if data[1] == reference.SEALED else write(data)

    device.write = first_a_lie
    assert node.script(TALK, CODE, TIMING, [["STS", {}]])[0]["code"] == 0


def test_only_a_refusal_of_who_we_are_is_a_lock(node, device):
    device.answers["CFG"] = [(8, {"retry_s": 9})]
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["CFG", {}]])
    assert (trouble.value.kind, trouble.value.code) == ("refused", 8)


def test_an_answer_that_came_before_the_connection_ended_counts(node):
    script = """async (load) => {
      const { Mailbox } = await load("mailbox");
      const box = new Mailbox();
      box.put("answer");
      box.fail(new Error("lost"));
      return [await box.take(10), await box.take(10).catch(({ message }) => message)];
    }"""
    assert node.script(script) == ["answer", "lost"]


def test_what_is_kept_is_not_sent(node):
    script = """async (load) => {
      const { messages, emptyDraft } = await load("configuration");
      const draft = { ...emptyDraft(), identity: "keep" };
      return messages(draft, { identity: { cert: {}, key: {} }, roots: [] }).map(({ typ }) => typ);
    }"""
    assert node.script(script) == ["APPLY"]


def test_the_network_that_a_sentence_is_about_is_the_one_with_the_longest_name_in_it(node):
    networks = [{"ssid": "home"}, {"ssid": "home 2"}, {"ssid": "work"}]
    script = "async (load, _, networks, said) => (await load('flow/delivery')).named(networks, said)"
    assert node.script(script, networks, "the password of home 2 is wrong") == "home 2"
    assert node.script(script, networks, "the password of home is wrong") == "home"
    assert node.script(script, networks, "the password is wrong") is None
    assert node.script(script, networks[:1], "the password is wrong") == "home"


def test_nothing_is_asked_without_a_session(node, device):
    script = """async (load, transport, timing) => {
      const client = new (await load("client")).Client(transport, timing);
      await client.connect();
      await client.request("STS");
    }"""
    with pytest.raises(JsError) as trouble:
        node.script(script, TIMING)
    assert (trouble.value.kind, device.heard) == ("link_lost", b"")


def test_a_public_key_that_is_too_short_is_none(node, device):
    clear = device._clear
    device._clear = lambda dat, number: clear({**dat, "pub": dat["pub"][2:]} if "pub" in dat else dat, number)
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [])
    assert trouble.value.kind == "wrong_code"


def test_a_header_of_what_is_too_long_is_none(node):
    script = """async (load, _, bytes) => {
      const parser = new (await load("framing")).Parser();
      return parser.push(bytes, 0).map(({ payload }) => payload);
    }"""
    whole = reference.frame(reference.CLEAR, b"{}")
    assert node.script(script, bytes.fromhex("a50118010000") + whole) == [b"{}"]
    assert node.script(script, bytes.fromhex("a50118000000") + whole) == [], "that long it may be"
