"""What others write leaves nothing behind: each character taken out of a str stays in MicroPython's heap for ever."""

import gc

import console
import errors
import events
import settings_checks
from aws import job_words, topics
from harness import equal
from operations import download
from ota import document, head

CHARACTERS = 1000
AT_ONCE = 20
KEPT = 4000  # bytes of heap; names of so many characters take 16,000

_next = 0x4000  # from here on characters are Chinese, of three bytes in UTF-8; each one comes once


def test_console():
    looked_through(lambda text: console.line(0, "NORMAL", events.Event(events.TASK_FAILED, {"message": "\n" + text})))


def test_settings():
    looked_through(lambda text: settings_checks.text("app.text", text + "\ud83d", 64))
    looked_through(lambda text: settings_checks.ssid("networks[0].ssid", text))
    looked_through(lambda text: settings_checks.password("networks[0].password", text))
    looked_through(lambda text: settings_checks.host("ntp[0]", text))
    looked_through(lambda text: settings_checks.status_topic("aws.status", text))
    looked_through(lambda text: settings_checks.word("aws.thing", text, 128, "_-"))


def test_cloud():
    looked_through(lambda text: job_words.details({text: text}))
    looked_through(topics.shadow_base)
    looked_through(lambda text: document.Update({"operation": "ota", "version": text}))
    looked_through(lambda text: document.link("https://" + text))
    looked_through(lambda text: head.join("https://updates", "https://" + text))
    looked_through(lambda text: download._wanted({"url": "https://updates", "path": text}))


def test_details_of_a_job_have_the_characters_that_aws_takes():
    given = {"r\u00e9ason 1": "a\tb\x7fc\u0085d \u00e9\u00a0\u4e2d", "empty": "", "none": None}
    equal(job_words.details(given), {"r_ason_1": "a b c  d \u00e9\u00a0\u4e2d", "empty": "-"})


def looked_through(look):
    """`look` is given texts of many characters, each of which it may refuse."""
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(0, CHARACTERS, AT_ONCE):
        try:
            look(new_text())
        except errors.DeviceError:
            pass
    gc.collect()
    equal(gc.mem_alloc() - before < KEPT, True)


def new_text():
    global _next
    codes = range(_next, _next + AT_ONCE)
    _next += AT_ONCE
    characters = [(0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F) for code in codes]
    return b"".join([bytes(character) for character in characters]).decode()
