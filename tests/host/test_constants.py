"""Numbers with a private name: put where the name stands, in what is compiled for a board, if nobody else says it."""

import pytest

from tools import mpy, public
from tools.constants import with_constants


def changed(text, other=""):
    return with_constants({"host": text, "other": other})["host"]


def test_a_number_with_a_private_name_is_a_constant_of_the_compiler():
    text = "_TICK_MS = 100  # a moment\n_MOST = 0x10\n\n\ndef find():\n    return _TICK_MS + _MOST\n"
    assert changed(text) == text.replace("100", "const(100)").replace("0x10", "const(0x10)")


@pytest.mark.parametrize(
    "text",
    [
        "TICK_MS = 100\n",
        "_IS_SO = True\n",
        '_HEAD = "<BI"\n',
        "_MOST = 2 * 8\n",
        "_MOST = const(16)\n",
        "_count = 0\n\n\ndef find():\n    global _count\n    _count = 1\n",
        "_count = 0\n\n\ndef find():\n    global _count\n    _count += 1\n",
        "_FEW, _MANY = 1, 2\n",
        "def find():\n    _few = 1\n    return _few\n",
    ],
)
def test_what_is_no_number_or_may_change_stays(text):
    assert changed(text) == text


@pytest.mark.parametrize("other", ["from host import _TICK_MS\n", "import host\n\nhost._TICK_MS = 1\n"])
def test_what_another_file_says_stays(other):
    assert changed("_TICK_MS = 100\n", other) == "_TICK_MS = 100\n"


def test_what_somebody_outside_says_stays():
    assert with_constants({"host": "_TICK_MS = 100\n"}, {"_TICK_MS"}) == {"host": "_TICK_MS = 100\n"}


def test_the_firmware_s_own_numbers_are_no_names_on_a_board(tmp_path):
    mpy.compile_lib(tmp_path)
    sources = with_constants(mpy.lib_sources(), public.names())
    assert "_TICK_MS = const(100)" in sources["aws.enrolment"]
    assert b"_TICK_MS" not in (tmp_path / "aws" / "enrolment.mpy").read_bytes()
