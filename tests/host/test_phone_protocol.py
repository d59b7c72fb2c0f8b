"""The phone page's protocol in JavaScript against the published vectors and the second implementation."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import ble_reference as reference
from tests.host.phone_node import JsError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ble.json").read_text())
SESSION = VECTORS["session"]
KEYS = {js: bytes.fromhex(SESSION[name]) for js, name in
        (("encP", "enc_p"), ("macP", "mac_p"), ("encD", "enc_d"), ("macD", "mac_d"))}  # fmt: skip


def unhex(text):
    return bytes.fromhex(text)


# vectors


def test_the_crc_is_the_published_one(node):
    assert node.call("framing.crc16", b"123456789") == int(SESSION["crc16_of_123456789"], 16)


def test_frames_of_both_types(node):
    hello = node.call("messages.message", "HELLO", 1, {"pub": SESSION["phone_public"]})
    assert node.call("framing.frame", 1, hello.encode()).hex() == SESSION["frame_type_1"]
    assert node.call("framing.frame", 2, unhex(SESSION["sealed_by_phone"])).hex() == SESSION["frame_type_2"]


@pytest.mark.parametrize("vector", VECTORS["rfc7748_x25519"], ids=lambda vector: vector["scalar"][:8])
def test_x25519_without_webcrypto(node, vector):
    assert node.call("x25519.multiply", unhex(vector["scalar"]), unhex(vector["u"])).hex() == vector["result"]


def test_x25519_of_webcrypto_and_our_own_agree(node):
    script = """async (load) => {
      const { keyPair } = await load("x25519");
      const old = { getRandomValues: (bytes) => crypto.getRandomValues(bytes),
                    subtle: { generateKey: async () => { throw new DOMException("no", "NotSupportedError"); } } };
      const [native, own] = [await keyPair(), await keyPair(old)];
      return [await native.agree(own.publicKey), await own.agree(native.publicKey)];
    }"""
    ours, theirs = node.script(script)
    assert ours == theirs
    assert len(ours) == 32


@pytest.mark.parametrize("public", VECTORS["low_order"], ids=lambda public: public[:8])
@pytest.mark.parametrize("crypto", ["crypto", "{ getRandomValues: (bytes) => crypto.getRandomValues(bytes) }"])
def test_keys_of_low_order_are_refused(node, public, crypto):
    script = f"async (load, _, peer) => (await (await load('x25519')).keyPair({crypto})).agree(peer)"
    with pytest.raises(JsError) as refusal:
        node.script(script, unhex(public))
    assert refusal.value.name == "UnsafeKey"


def test_session_keys_are_the_published_ones(node):
    derived = node.call(
        "session.derive", unhex(SESSION["shared_secret"]), unhex(SESSION["setup_code_bytes"]), unhex(SESSION["th"])
    )
    assert derived == b"".join(KEYS.values())


def test_whole_handshake_gives_the_published_session(node):
    script = """async (load, _, secret, code, name, ack, clear) => {
      const [{ Handshake }, { ownPair }] = [await load("session"), await load("x25519")];
      const handshake = new Handshake(ownPair(secret), code, name);
      const session = await handshake.finish(ack);
      return [handshake.dat.pub, await session.seal(clear)];
    }"""
    ack = {"pub": SESSION["device_public"], "confirm": SESSION["confirm"]}
    code = unhex(SESSION["setup_code_bytes"])
    secret = unhex(SESSION["phone_private"])
    public, sealed = node.script(script, secret, code, SESSION["name"], ack, SESSION["clear"])
    assert public == SESSION["phone_public"]
    assert sealed.hex() == SESSION["sealed_by_phone"]


SEAL = """async (load, _, keys, text, counter) => {
  const { Session } = await load("session");
  return (await Session.of(keys)).seal(text, counter);
}"""


def test_the_largest_message_is_sealed_as_the_reference_does(node):
    text = "".join(chr(32 + 7 * index % 95) for index in range(6124))
    end = reference.End(KEYS["encP"], KEYS["macP"], KEYS["encD"], KEYS["macD"])
    end.sent = 0x01020303
    assert node.script(SEAL, KEYS, text, 0x01020304) == end.seal(text.encode())


OPEN = """async (load, _, keys, payloads) => {
  const session = await (await load("session")).Session.of(keys);
  const texts = [];
  for (const payload of payloads) texts.push(await session.open(payload).catch((error) => error.constructor.name));
  return texts;
}"""


def test_replays_are_dropped_and_forgeries_told(node):
    end = reference.End(KEYS["encD"], KEYS["macD"], KEYS["encP"], KEYS["macP"])
    first, second = end.seal(b"first"), end.seal(b"second")
    forged = second[:-1] + bytes([second[-1] ^ 1])
    changed = second[:5] + bytes([second[5] ^ 1]) + second[6:]
    opened = node.script(OPEN, KEYS, [first, first, forged, changed, b"short", second, first])
    assert opened == ["first", None, "Forged", "Forged", "Forged", "second", None]


# streams

PARSE = """async (load, _, pieces) => {
  const parser = new (await load("framing")).Parser();
  return pieces.flatMap((piece) => parser.push(piece, 0));
}"""


@settings(max_examples=60)
@given(st.data())
def test_streams_are_read_as_the_second_implementation_reads_them(node, data):
    rubbish = st.binary(max_size=12) | st.sampled_from([b"\xa5", b"\xa5\x01\x00\x04ab", b"\xa5\x02\xff\xff"])
    frames = st.builds(reference.frame, st.sampled_from((1, 2)), st.binary(max_size=40))
    stream = b"".join(data.draw(st.lists(rubbish | frames, max_size=6)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = [(one["type"], one["payload"]) for one in node.script(PARSE, pieces) if "type" in one]
    assert found == reference.find_frames(stream)


def test_a_damaged_message_is_told_once_and_the_next_one_found(node):
    damaged = bytearray(reference.frame(1, reference.frame(2, b"false header inside") + b"x"))
    damaged[-1] ^= 1
    damaged[20] ^= 1
    found = node.script(PARSE, [bytes(damaged), reference.frame(1, b"next")])
    assert [one.get("damaged") for one in found] == [True, None]
    assert found[-1]["payload"] == b"next"


def test_a_message_that_stops_is_dropped_after_5_s(node):
    script = """async (load, _, half, whole) => {
      const parser = new (await load("framing")).Parser();
      return [parser.push(half, 0), parser.push(half, 4999), parser.push(whole, 9999)];
    }"""
    whole = reference.frame(1, bytes(50))
    early, still, late = node.script(script, whole[:10], whole)
    assert (early, still) == ([], [])
    assert late == [{"late": True}, {"type": 1, "payload": bytes(50)}]
