"""The phone page's protocol in JavaScript against the published vectors and the second implementation."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ble import codes
from tests import ble_reference as reference
from tests.host.phone_device import APS, CODE, Radio, ReferenceDevice
from tests.host.phone_node import JsError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ble.json").read_text())
SESSION = VECTORS["session"]
KEYS = {js: bytes.fromhex(SESSION[name]) for js, name in
        (("encP", "enc_p"), ("macP", "mac_p"), ("encD", "enc_d"), ("macD", "mac_d"))}  # fmt: skip
# Short times: a test must not wait as long as a person would.
TIMING = {
    "open": 2000,
    "write": 2000,
    "answer": 250,
    "reminder": 150,
    "work": 4000,
    "busy": 5,
    "tries": 4,
    "busyTries": 5,
}

TALK = """async (load, transport, code, timing, requests) => {
  const { Client } = await load("client");
  const client = new Client(transport, timing);
  await client.connect();
  if (code) await client.authenticate(code); else client.goOpen();
  const answers = [];
  for (const [typ, dat] of requests) {
    let working = 0;
    const { code, details } = await client.request(typ, dat, () => working++);
    answers.push({ code, details, working });
  }
  return answers;
}"""


@pytest.fixture
def device(node):
    made = ReferenceDevice()
    node.radio = made.radio = Radio(made)
    return made


def unhex(text):
    return bytes.fromhex(text)


# vectors


def test_crc(node):
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


def test_session_keys(node):
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


def test_the_largest_message(node):
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


# conversations


@pytest.mark.parametrize("chunk", [20, 180, 509])
def test_a_whole_conversation(node, device, chunk):
    device.chunk = chunk
    cfg = {"networks": [{"ssid": "Café", "password": "correct horse"}]}
    scan, configured, applied = node.script(TALK, CODE, TIMING, [["SCAN", {}], ["CFG", cfg], ["APPLY", {}]])
    assert scan["details"]["aps"] == APS
    assert (configured["code"], applied["code"], applied["working"]) == (0, 2, 1)
    assert device.done == [("SCAN", {}), ("CFG", cfg), ("APPLY", {})]


def test_nothing_secret_is_said_in_clear(node, device):
    node.script(TALK, CODE, TIMING, [["CFG", {"networks": [{"ssid": "home", "password": "correct horse"}]}]])
    assert b"HELLO" in device.heard
    assert b"correct" not in device.heard
    assert b"CFG" not in device.heard


def test_a_wrong_setup_code_is_noticed_before_anything_is_sent(node, device):
    device.setup_code = bytes(10)
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["CFG", {"networks": []}]])
    assert trouble.value.kind == "wrong_code"
    assert [kind for kind, _ in reference.find_frames(device.heard)] == [reference.CLEAR]


def test_another_device_with_the_same_code_is_noticed(node, device):
    real_name = device.name
    device.info = lambda: ReferenceDevice(name="esp-ffffff").info()
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [])
    assert (trouble.value.kind, device.name) == ("wrong_code", real_name)


def test_a_locked_device_says_for_how_long(node, device):
    device.locked_s = 43
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [])
    assert (trouble.value.kind, trouble.value.details) == ("locked", {"retry_s": 43})


@pytest.mark.parametrize("fault", ["silence", "damage", 4, 10, 11])
def test_what_got_lost_is_sent_again_and_done_once(node, device, fault):
    device.faults["CFG"] = [fault, fault]
    answers = node.script(TALK, CODE, TIMING, [["CFG", {"app": {"every_s": 3}}], ["SCAN", {}]])
    assert [answer["code"] for answer in answers] == [0, 0]
    assert [typ for typ, _ in device.done] == ["CFG", "SCAN"]


def test_a_lost_final_answer_is_asked_for_again(node, device):
    device.faults["APPLY"] = ["silence"]  # code 1 arrives, code 2 does not
    assert node.script(TALK, CODE, TIMING, [["APPLY", {}]])[0]["code"] == 2
    assert (device.repeated, [typ for typ, _ in device.done]) == (1, ["APPLY"])


@pytest.mark.parametrize(
    "fault, kind, code", [("silence", "no_answer", None), (10, "refused", 10), (11, "refused", 11)]
)
def test_it_ends_when_nothing_gets_better(node, device, fault, kind, code):
    device.faults["CFG"] = [fault] * 50
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["CFG", {}]])
    assert (trouble.value.kind, trouble.value.code) == (kind, code)


def test_work_without_end_ends(node, device):
    device.answers["SCAN"] = [(1, {})]
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, {**TIMING, "SCAN": 600}, [["SCAN", {}]])
    assert trouble.value.kind == "no_answer"


@pytest.mark.parametrize("code", [number for number in codes.numbers() if number not in (0, 1, 2, 4, 10, 11)])
def test_every_refusal_comes_with_its_code(node, device, code):
    device.answers["APPLY"] = [(1, {}), (code, {})]
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["APPLY", {}]])
    assert (trouble.value.kind, trouble.value.code) == ("refused", code)


@pytest.mark.parametrize("write", range(1, 12))
def test_a_connection_that_ends_at_any_write_is_told(node, device, write):
    device.chunk = 60
    device.radio.cut_at = write
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["CFG", {"app": {"text": "x" * 600}}]])
    assert trouble.value.kind == "link_lost"


def test_an_answer_in_clear_is_not_believed(node, device):
    document = {"typ": "ACK", "id": 2, "dat": {"pkt": "APPLY", "code": 2, "msg": "all is well"}}
    lie = reference.frame(reference.CLEAR, json.dumps(document).encode())
    device.answers["APPLY"] = [(6, {})]
    write = device.write
    device.write = lambda data: ([lie] if data[1] == reference.SEALED else []) + write(data)
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["APPLY", {}]])
    assert trouble.value.code == 6


def test_a_device_that_wants_a_code_is_never_talked_to_in_clear(node, device):
    with pytest.raises(JsError) as trouble:
        node.script(TALK, None, TIMING, [["CFG", {}]])
    assert trouble.value.kind == "unsafe"
    assert device.heard == b""


def test_an_open_device_is_talked_to_in_clear(node, device):
    device.security = "open"
    assert node.script(TALK, None, TIMING, [["SCAN", {}]])[0]["details"]["aps"] == APS


def test_another_version_of_the_protocol_is_told(node, device):
    device.proto = 2
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [])
    assert trouble.value.kind == "not_ours"


def test_what_is_too_large_is_not_sent(node, device):
    with pytest.raises(JsError) as trouble:
        node.script(TALK, CODE, TIMING, [["CFG", {"app": {"text": "x" * 6200}}]])
    assert trouble.value.code == codes.TOO_LARGE
    assert device.done == []
