"""Whole conversations of the phone page's protocol with the second implementation, and what goes wrong in them."""

import json

import pytest

from ble import code_table, codes
from tests import ble_reference as reference
from tests.host.phone_device import APS, CODE, Radio, ReferenceDevice
from tests.host.phone_node import JsError

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


@pytest.mark.parametrize("chunk", [20, 180, 509])
def test_a_whole_conversation(node, device, chunk):
    device.chunk = chunk
    cfg = {"networks": [{"ssid": "Café", "password": "correct horse"}]}
    scan, configured, applied = node.script(TALK, CODE, TIMING, [["SCAN", {}], ["CFG", cfg], ["APPLY", {}]])
    assert scan["details"]["aps"] == APS
    assert (configured["code"], applied["code"], applied["working"]) == (0, 2, 1)
    assert device.done == [("SCAN", {}), ("CFG", cfg), ("APPLY", {})]


AT_ONCE = """async (load, transport, code, timing, requests) => {
  const { Client } = await load("client");
  const client = new Client(transport, timing);
  await client.connect();
  await client.authenticate(code);
  const answers = await Promise.all(requests.map(([typ, dat]) => client.request(typ, dat)));
  return answers.map(({ code, details }) => ({ code, details }));
}"""


def test_messages_go_one_after_the_other_though_they_are_asked_for_at_once(node, device):
    """A person looks for networks once more, and does not wait for them before going on."""
    device.chunk = 20
    cfg = {"networks": [{"ssid": "Café", "password": "correct horse"}]}
    scan, configured = node.script(AT_ONCE, CODE, TIMING, [["SCAN", {}], ["CFG", cfg]])
    assert (scan["details"]["aps"], configured["code"]) == (APS, 0)
    assert device.done == [("SCAN", {}), ("CFG", cfg)]


def test_an_answer_to_a_hello_before_the_last_one_makes_no_session(node, device):
    """The device makes new keys for each HELLO: with those of the first, all that follows would be a wrong code."""
    hello, late = device._hello, []

    def too_late(message):
        if not late:
            late.append(hello(message))
            return b""
        return late[0] + hello(message)

    device._hello = too_late
    (status,) = node.script(TALK, CODE, TIMING, [["STS", {}]])
    assert status["code"] == 0


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
    patient = {**TIMING, "answer": 2000, "reminder": 1000}  # a busy desk answers late, and would be asked twice
    assert node.script(TALK, CODE, patient, [["APPLY", {}]])[0]["code"] == 2
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


@pytest.mark.parametrize("code", [number for number in code_table.numbers() if number not in (0, 1, 2, 4, 10, 11)])
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


TOLD_LATE = """async (load, transport, code, timing) => {
  const { Client } = await load("client");
  const first = new Client(transport, timing);
  await first.connect();
  first.close();
  const second = new Client(transport, timing);
  const connecting = second.connect();
  transport.onClosed();
  await connecting;
  await second.authenticate(code);
  return (await second.request("STS")).code;
}"""


def test_the_end_of_the_connection_before_is_not_the_end_of_this_one(node, device):
    """Some browsers say a moment later that they have hung up."""
    assert node.script(TOLD_LATE, CODE, TIMING) == 0


HUNG_UP = """async (load, transport, code, timing) => {
  const { Client } = await load("client");
  const client = new Client(transport, timing);
  await client.connect();
  await client.authenticate(code);
  const begin = Date.now();
  const asked = client.request("CFG", {}).catch(({ kind }) => [kind, Date.now() - begin < timing.answer]);
  setTimeout(() => client.close(), 50);
  return asked;
}"""


def test_who_hangs_up_waits_for_no_answer(node, device):
    device.faults["CFG"] = ["silence"] * 9
    assert node.script(HUNG_UP, CODE, {**TIMING, "answer": 2000}) == ["link_lost", True]


ASLEEP = """async (load, transport, code, timing) => {
  const { Client } = await load("client");
  const client = new Client(transport, timing);
  await client.connect();
  await client.authenticate(code);
  const awake = Date.now;
  const sign = crypto.subtle.sign.bind(crypto.subtle);
  const asked = client.request("APPLY", {}, () => {
    Date.now = () => awake() + 3600_000;
    // Opening what has come takes a moment.
    crypto.subtle.sign = (...all) => new Promise((done) => setTimeout(() => done(sign(...all)), 50));
  });
  try { return (await asked).code; } finally { Date.now = awake; crypto.subtle.sign = sign; }
}"""


def test_an_answer_that_came_while_the_phone_slept_counts(node, device):
    assert node.script(ASLEEP, CODE, TIMING) == 2


def test_a_device_that_was_busy_for_long_may_still_lose_a_message(node, device):
    device.faults["CFG"] = [11, 11, 11, 11, "silence"]
    answers = node.script(TALK, CODE, TIMING, [["CFG", {}]])
    assert answers[0]["code"] == 0


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


OF_A_DEVICE = """async (load) => {
  const { choose } = await load("transport/web-bluetooth");
  const device = Object.assign(new EventTarget(), { gatt: { connected: true } });
  const { transport } = await choose({ requestDevice: async () => device });
  const told = [];
  transport.onClosed = () => told.push(device.gatt.connected);
  for (const connected of [true, false]) {
    device.gatt.connected = connected;
    device.dispatchEvent(new Event("gattserverdisconnected"));
  }
  return told;
}"""


def test_what_a_browser_says_late_of_a_device_that_is_connected_again_is_not_heard(node):
    assert node.script(OF_A_DEVICE) == [False]
