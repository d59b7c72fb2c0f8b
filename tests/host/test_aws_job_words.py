"""The words of AWS IoT Jobs: whatever an application or an operator gives, the cloud takes it."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import errors
from aws import job_words as words

NAME = re.compile(r"[a-zA-Z0-9:_-]{1,128}")


@given(st.dictionaries(st.text(max_size=200), st.one_of(st.none(), st.integers(), st.text(max_size=300)), max_size=10))
def test_details_are_always_ones_that_aws_takes(values):
    for name, text in words.details(values).items():
        assert NAME.fullmatch(name)
        assert 1 <= len(text) <= 128
        assert not any(unicodedata.category(character) == "Cc" for character in text)


def test_details_keep_what_fits_as_it_is():
    assert words.details({"percent": 50, "step": "copy a", "none": None}) == {"percent": "50", "step": "copy a"}


def test_more_than_ten_details_are_a_mistake():
    with pytest.raises(errors.BugError):
        words.details({f"detail{number}": number for number in range(11)})


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ({"operation": "blink", "action": "other"}, "blink"),
        ({"action": "OTA", "url": "https://"}, "OTA"),
        ({"version": "1.0", "steps": []}, "steps"),
        ({"operation": 7, "action": "blink"}, "blink"),
        ({"operation": ""}, None),
        ({}, None),
        ([], None),
        ("blink", None),
        (None, None),
    ],
)
def test_the_document_says_who_does_it(document, operation):
    assert words.operation_of(document) == operation


def test_only_progress_has_a_time_of_its_own():
    assert words.update("IN_PROGRESS", {}, 3, 2)["stepTimeoutInMinutes"] == 2
    assert words.update("FAILED", {"reason": "why"}, 3, 2) == {
        "status": "FAILED",
        "statusDetails": {"reason": "why"},
        "expectedVersion": 3,
    }
