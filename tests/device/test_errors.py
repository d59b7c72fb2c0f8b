"""Errors are looked up in a table that is in memory for a moment; without memory for it they still tell something."""

import sys

import errors


class _Full:
    """A table that there is no memory for."""

    def find(self, code):
        raise MemoryError


def test_an_error_has_the_class_and_the_sentence_of_the_table():
    failure = errors.error("wrong_password", "home")
    assert isinstance(failure, errors.PersonError)
    assert failure.code == "wrong_password"
    assert "'home'" in failure.message
    assert "error_table" not in sys.modules


def test_without_memory_for_the_table_the_code_and_the_details_are_told():
    for details, message in (((), "no_memory"), (("cloud", 5), "cloud, 5")):
        sys.modules["error_table"] = _Full()
        failure = errors.error("no_memory", *details)
        assert isinstance(failure, errors.RetryError)
        assert (failure.code, failure.message) == ("no_memory", message)
