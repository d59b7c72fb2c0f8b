"""The document of an update: what is signed, what is no document, and what a device refuses."""

import json

import errors
from harness import equal, raises
from ota.document import Update, is_older


def vector():
    with open(__file__.rsplit("/", 2)[0] + "/vectors/ota.json") as file:
        return json.load(file)


def document(**changes):
    fields = vector()["document"]
    fields.update(changes)
    return fields


def keys():
    return {"k1": vector()["public_key_uncompressed"], "k2": "04" + "00" * 64}


def refusal(update, running="1.1.0", floor="1.0.0", hardware="esp32", names=("boiler-7", "job-9")):
    try:
        update.check(running, floor, hardware, names)
    except errors.PersonError as error:
        return error.code
    return None


async def code_of(changes):
    return (await raises(errors.PersonError, Update(document(**changes)).authenticate(keys()))).code


def test_the_text_that_is_signed():
    equal(Update(document()).text.decode(), vector()["signed_text"])
    equal(Update(document(force="boiler-7")).text.decode(), vector()["signed_text"][:-1] + "boiler-7")


async def test_a_signed_document_is_authentic():
    await Update(document()).authenticate(keys())
    # The link is not signed, because it is a new one each time; nor is the way that a hash is written.
    await Update(document(url="https://elsewhere/x?y=1", sha256=document()["sha256"].upper())).authenticate(keys())


async def test_every_field_that_counts_is_signed():
    for changes in (
        {"version": "1.2.1"},
        {"hardware": "esp32s3"},
        {"size": 4097},
        {"sha256": "0" * 64},
        {"min_version": "0.9.0"},
        {"force": "boiler-7"},
        {"signature": "AAAA"},
    ):
        equal(await code_of(changes), "bad_signature")


async def test_the_key_is_chosen_by_its_id_and_must_be_trusted():
    equal(await code_of({"kid": "k2"}), "bad_signature")
    equal(await code_of({"kid": "k3"}), "unknown_key")
    equal((await raises(errors.PersonError, Update(document()).authenticate({}))).code, "unknown_key")


def test_a_field_that_cannot_be_used_is_named():
    wrong = {
        "operation": (None, "ota-app", 1),
        "version": (None, "", "1.2", "1.2.0.0", "1.02.0", "1.-2.0", "1.2.x", "v1.2.0", 1.2),
        "min_version": ("1", ["1.0.0"], "1.2.1"),
        "hardware": (None, "", "esp 32", "x" * 129, 7, "esp\n32"),
        "kid": (None, "k/1", {}),
        "force": (None, "", "a b"),
        "size": (None, 0, -1, "4096", True, 1.5, 1 << 31),
        "sha256": (None, "", "0" * 63, "g" * 64, 0),
        "signature": (None, 1, "A" * 200, "A"),
        "url": (None, "http://x/y", "https://x/y z", "https://x/\r\nHost: y", "https://x/" + "y" * 4096, "https://ü"),
    }
    for field, values in wrong.items():
        for value in values:
            error = raises(errors.PersonError, lambda: Update(document(**{field: value})))
            equal(error.code, "bad_document")
            equal(error.message.split("used: ")[1].split(" ")[0], field)
    for what in (None, [], "ota", 1):
        equal(raises(errors.PersonError, lambda: Update(what)).code, "bad_document")


def test_versions_are_compared_as_numbers():
    equal(is_older("1.9.0", "1.10.0"), True)
    equal(is_older("1.10.0", "1.9.0"), False)
    equal(is_older("1.2.3", "1.2.3"), False)
    equal(is_older("0.99.99", "1.0.0"), True)


def test_the_right_update_is_taken():
    equal(refusal(Update(document())), None)


def test_an_update_for_other_hardware_is_refused():
    equal(refusal(Update(document()), hardware="esp32s3"), "wrong_hardware")


def test_an_update_that_is_not_newer_is_refused():
    equal(refusal(Update(document()), running="1.2.0"), "not_newer")
    equal(refusal(Update(document()), running="1.10.0"), "not_newer")


def test_a_force_for_this_device_goes_back():
    for name in ("boiler-7", "job-9"):
        equal(refusal(Update(document(force=name)), running="2.0.0"), None)
    for name in ("0", "boiler-8"):
        equal(refusal(Update(document(force=name)), running="2.0.0"), "not_newer")


def test_without_a_force_no_name_is_meant():
    equal(refusal(Update(document()), running="2.0.0", names=("boiler-7", "0")), "not_newer")


def test_nothing_goes_back_below_the_floor():
    equal(refusal(Update(document()), floor="1.2.0"), None)
    equal(refusal(Update(document(force="boiler-7")), running="2.0.0", floor="1.2.1"), "below_floor")
