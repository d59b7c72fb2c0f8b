"""JSON that is nested without end is refused wherever it comes from: the chip's stack has no room for it."""

import json

import errors
import settings
from ble import codes, messages
from harness import equal, raises
from nesting import DEEPEST, too_deep

DEEP = 10000


def lists(depth):
    return "[" * depth + "]" * depth


def objects(depth):
    return '{"a":' * depth + "1" + "}" * depth


def test_the_limit_counts_lists_and_objects_one_within_the_other():
    for build in (lists, objects):
        equal([too_deep(json.loads(build(n))) for n in (1, DEEPEST, DEEPEST + 1, DEEP)], [False, False, True, True])
    equal(too_deep(json.loads("[%s]" % ",".join(["{}"] * 500))), False)
    equal([too_deep(value) for value in (None, 1, "[[[[", [], {})], [False] * 5)


def test_a_phone_cannot_send_it():
    for build in (lists, objects):
        text = '{"typ":"CFG","id":7,"dat":{"app":{"a":%s}}}'
        deep = (text % build(DEEP)).encode()
        failure = raises(codes.Refusal, lambda deep=deep: messages.parse(deep))
        equal((failure.number, "20 deep" in failure.message), (codes.TOO_LARGE, True))
        equal(messages.parse((text % build(10)).encode()).id, 7)


def test_a_settings_file_cannot_hold_it():
    for build in (lists, objects):
        text = '{"networks":[],"app":{"a":%s}}'
        deep = text % build(DEEP // 2)
        failure = raises(errors.PersonError, lambda deep=deep: settings.load(deep))
        equal("at most 20 deep" in failure.message, True)
        equal(settings.load(text % build(10)).networks, [])
