"""The JSON layer on the device: what a phone may say, how it is answered, and that nothing makes it fall over."""

import json
import random

import error_table
import errors
from ble import answers, code_table, codes, hello, messages
from harness import equal, raises


def refused(document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return raises(codes.Refusal, lambda: messages.parse(memoryview(data)))


HOME = {"ssid": "home", "password": None}


def cfg(dat):
    return {"typ": "CFG", "id": 4, "dat": dat}


def test_every_message_of_the_specification_is_taken():
    for typ, dat in (
        ("HELLO", {"pub": "00" * 32}),
        ("CFG", {"networks": [{"ssid": "home", "password": "secret"}], "aws": {"endpoint": "e"}, "app": {"a": 1}}),
        ("CFG", {"networks": None, "aws": None, "app": None}),
        ("CERT", {"role": "thing", "cert": "pem", "key": "pem"}),
        ("CERT", {"role": "claim", "cert": "pem", "key": "pem"}),
        ("CERT", {"role": "ca", "cert": "pem"}),
        ("CERT", {"role": "ca", "cert": "pem", "key": None}),
        ("SCAN", {}),
        ("STS", {}),
        ("TIME", {"time": 1793491200}),
        ("APPLY", {}),
        ("RESET", {"what": "settings"}),
        ("RESET", {"what": "all"}),
        ("RST", {}),
        ("APP", {"anything": [1, {"b": None}]}),
    ):
        data = json.dumps({"typ": typ, "id": 4294967295, "dat": dat}).encode()
        message = messages.parse(memoryview(data))
        equal((message.typ, message.id, message.dat), (typ, 4294967295, dat))
        equal(messages.parse(b"\n" + data + b"\r\n ").dat, dat)


def test_what_is_not_json_is_said_so():
    unfinished = (b"", b"{", b'{"typ":"SCAN" \n')
    broken = (b"hello", b"\xff\xfe", b'{"typ":"SCAN\xff"}', b"{[1]:2}")
    other = (b"[1,2]", b'"text"', b"null", b"12")
    for data in unfinished + broken + other:
        refusal = refused(data)
        equal((refusal.number, refusal.pkt, refusal.id), (codes.NOT_JSON, None, None))


def test_missing_field_is_named_with_what_is_known():
    for document, field, pkt, message_id in (
        ({"id": 1, "dat": {}}, "typ", None, 1),
        ({"typ": "SCAN", "dat": {}}, "id", "SCAN", None),
        ({"typ": "SCAN", "id": 1}, "dat", "SCAN", 1),
        ({"typ": "HELLO", "id": 1, "dat": {}}, "pub", "HELLO", 1),
        ({"typ": "CERT", "id": 1, "dat": {"cert": "pem", "key": "pem"}}, "role", "CERT", 1),
        ({"typ": "CERT", "id": 1, "dat": {"role": "thing", "cert": "pem"}}, "key", "CERT", 1),
        ({"typ": "TIME", "id": 1, "dat": {"time": None}}, "time", "TIME", 1),
        ({"typ": "CFG", "id": 1, "dat": {"networks": [HOME, {"password": None}]}}, "networks[1].ssid", "CFG", 1),
    ):
        refusal = refused(document)
        equal((refusal.number, refusal.pkt, refusal.id), (codes.MISSING_FIELD, pkt, message_id))
        equal(("(%s)" % field) in refusal.message, True)


def test_invalid_requests_say_what_is_allowed():
    for document, words in (
        ({"typ": "SCAN", "id": -1, "dat": {}}, "0 to 4294967295"),
        ({"typ": "SCAN", "id": 4294967296, "dat": {}}, "0 to 4294967295"),
        ({"typ": "SCAN", "id": "1", "dat": {}}, "0 to 4294967295"),
        ({"typ": "SCAN", "id": True, "dat": {}}, "0 to 4294967295"),
        ({"typ": "SCAN", "id": 1.0, "dat": {}}, "0 to 4294967295"),
        ({"typ": "FLY", "id": 1, "dat": {}}, "APPLY"),
        ({"typ": ["SCAN"], "id": 1, "dat": {}}, "APPLY"),
        ({"typ": "SCAN", "id": 1, "dat": []}, "object"),
        ({"typ": "SCAN", "id": 1, "dat": None}, "object"),
        ({"typ": "TIME", "id": 1, "dat": {"time": "now"}}, "a whole number"),
        ({"typ": "TIME", "id": 1, "dat": {"time": True}}, "a whole number"),
        ({"typ": "RESET", "id": 1, "dat": {"what": "everything"}}, "settings, all"),
        ({"typ": "CERT", "id": 1, "dat": {"role": "root", "cert": "pem"}}, "thing, claim, ca"),
        ({"typ": "CERT", "id": 1, "dat": {"role": "ca", "cert": "pem", "key": "pem"}}, "no key"),
        ({"typ": "CERT", "id": 1, "dat": {"role": "ca", "cert": 5}}, "a text"),
        (cfg({"network": []}), "networks"),
        (cfg({"networks": {}}), "a list"),
        (cfg({"aws": []}), "an object"),
    ):
        refusal = refused(document)
        equal((refusal.number, words in refusal.message), (codes.INVALID, True))


def test_public_key_is_64_hexadecimal_digits():
    def said(pub):
        return messages.parse(json.dumps({"typ": "HELLO", "id": 9, "dat": {"pub": pub}}).encode())

    equal(hello.public_key(said("Ab" * 32)), b"\xab" * 32)
    for pub in ("", "ab", "ab" * 31, "ab" * 33, "zz" * 32, "a" * 63, "\u00e9" * 64):
        refusal = raises(codes.Refusal, lambda: hello.public_key(said(pub)))
        equal((refusal.number, refusal.pkt, refusal.id), (codes.INVALID, "HELLO", 9))


def test_ack_is_compact_json_in_the_shape_of_the_specification():
    ack = messages.ack("SCAN", 7, codes.OK, None, {"aps": [{"ssid": "caf\u00e9", "rssi": -50, "secure": True}]})
    equal(b" :" in ack or b": " in ack, False)
    equal(
        json.loads(ack),
        {
            "typ": "ACK",
            "id": 7,
            "dat": {
                "pkt": "SCAN",
                "code": 0,
                "msg": "Done.",
                "aps": [{"ssid": "caf\u00e9", "rssi": -50, "secure": True}],
            },
        },
    )


def test_ack_of_a_broken_message_has_null_for_what_is_not_known():
    ack = json.loads(messages.ack_of_error(refused(b"{")))
    equal((ack["typ"], ack["id"], ack["dat"]["pkt"], ack["dat"]["code"]), ("ACK", None, None, 99))
    ack = json.loads(messages.ack_of_error(refused({"typ": "x" * 5000, "id": 3, "dat": {}})))
    equal((ack["id"], ack["dat"]["pkt"], ack["dat"]["code"]), (3, None, 8))


def test_errors_of_the_device_reach_the_phone_as_codes_with_their_sentence():
    for error, number in (
        (errors.error("wrong_password", "home"), 6),
        (errors.error("no_network", "home"), 7),
        (errors.error("no_address", "home"), 9),
        (errors.error("wifi_failed", "home", 5), 12),
        (errors.error("flash_full", "settings"), 12),
        (errors.error("port_blocked", "e", 8883), 14),
        (errors.error("no_dns", "e"), 14),
        (errors.error("server_cert_expired"), 14),
        (errors.error("cert_refused"), 15),
        (errors.error("claim_refused", "403"), 15),
        (errors.error("invalid_setting", "aws.port", "0", "1 to 65535"), 8),
        (errors.error("key_mismatch"), 8),
        (errors.error("settings_missing", "no Wi-Fi"), 5),
        (errors.DeviceError("of_tomorrow", "New."), 12),
    ):
        dat = json.loads(messages.ack_of_error(error, "APPLY", 5))["dat"]
        equal((dat["code"], dat["msg"]), (number, error.message))


def test_codes_are_those_of_the_specification():
    equal(code_table.numbers(), list(range(16)) + [99])
    for number in code_table.numbers():
        name, sentence = code_table.find(number)
        equal((len(sentence) < 90, name == name.lower()), (True, True))


def test_mapped_errors_exist():
    known = error_table.codes()
    for line in code_table._ERRORS.strip().split("\n"):
        for name in line.split()[1:]:
            equal((name, name in known), (name, True))


def message(message_id, typ="SCAN"):
    return messages.Message(typ, message_id, {})


def code_of(ack):
    return json.loads(ack)["dat"]["code"]


def test_message_sent_again_gets_the_same_answer_and_is_not_done_twice():
    memory = answers.Answers()
    first = message(7)
    equal(memory.ready(first), None)
    equal(memory.finish(first, b"answer"), True)
    equal(memory.ready(message(7)), b"answer")
    equal(memory.ready(message(8)), None)


def test_message_still_at_work_is_answered_in_progress_and_another_busy():
    memory = answers.Answers()
    first = message(7, "APPLY")
    memory.ready(first)
    equal(json.loads(memory.ready(message(7, "APPLY")))["dat"]["code"], codes.IN_PROGRESS)
    busy = json.loads(memory.ready(message(8)))
    equal((busy["id"], busy["dat"]["pkt"], busy["dat"]["code"]), (8, "SCAN", codes.BUSY))
    equal(memory.finish(first, b"answer"), True)
    equal(memory.ready(message(8)), None)


def test_new_session_forgets_answers_and_work():
    memory = answers.Answers()
    first = message(7)
    memory.ready(first)
    memory.forget()
    again = message(7)
    equal(memory.ready(again), None)
    equal(memory.finish(first, b"of the old session"), False)
    equal(code_of(memory.ready(message(7))), codes.IN_PROGRESS)
    memory.finish(again, b"of the new one")
    equal(memory.ready(message(7)), b"of the new one")


def test_nesting_without_end_is_no_end_of_the_device():
    for data in (b"[" * 6000, b'{"a":' * 1200, b'{"typ":"APP","id":1,"dat":{"a":' + b"[" * 3000 + b"]" * 3000 + b"}}"):
        try:
            messages.parse(data)
        except codes.Refusal as refusal:
            equal(refusal.number in (codes.NOT_JSON, codes.TOO_LARGE), True)


def test_damaged_messages_are_refused_in_words():
    random.seed(3)
    text = json.dumps(cfg({"networks": [{"ssid": "home", "password": None}], "aws": {"port": 8883}})).encode()
    for _ in range(2000):
        data = bytearray(text)
        for _ in range(random.randint(1, 4)):
            data[random.randint(0, len(data) - 1)] = random.choice(b'{}[]",:019-.eE\\u truefalsn\x00\xff')
        try:
            messages.parse(data[: random.randint(0, len(data))])
        except codes.Refusal as refusal:
            equal(refusal.number in (codes.NOT_JSON, codes.MISSING_FIELD, codes.INVALID), True)
