"""Private names made short for a board: what may not be mistaken stays apart, and what others know by name stays."""

import ast
import re

import pytest

from tools.interpreter import LIB
from tools.shorten import shorten


def run(sources, module):
    """Shorten the sources and run them all in order; returns the namespace of one, and the short texts."""
    short = shorten(sources)
    spaces = {name: {} for name in sources}
    for name, text in short.items():
        lines = [line for line in text.splitlines() if not line.startswith("from ")]
        for other in spaces:
            spaces[name].update({key: value for key, value in spaces[other].items() if key[0].isupper()})
        exec("\n".join(lines), spaces[name])
    return spaces[module], short


def test_a_private_name_becomes_short_and_lines_stay():
    text = "_LONG = 5\n\n\nclass A:\n    def _very_long(self, _unused=_LONG):\n        return self._very_long\n"
    short = shorten({"a": text})["a"]
    assert "_very_long" not in short and "_LONG" not in short and "_unused" not in short
    assert [bool(line) for line in short.splitlines()] == [bool(line) for line in text.splitlines()]


def test_public_names_and_dunders_stay():
    text = "class Public:\n    __slots__ = ()\n\n    def __init__(self):\n        self.name = _ = 1\n"
    assert shorten({"a": text})["a"] == text


def test_a_base_class_in_another_file_shares_no_short_name():
    sources = {
        "a": "class Base:\n    def __init__(self):\n        self._first = 1\n        self._second = 2\n",
        "b": "from a import Base\n\nclass Heir(Base):\n    def set(self):\n        self._third = 3\n",
        "c": "class Other:\n    def set(self):\n        self._third = 3\n        self._fourth = 4\n",
    }
    space, short = run(sources, "b")
    heir = space["Heir"]()
    heir.set()
    assert sorted(vars(heir).values()) == [1, 2, 3]
    names = set(re.findall(r"_\w+", "".join(short.values()))) - {"__init__"}
    assert len(names) == 3  # the other file uses them again


def test_a_private_name_that_another_file_uses_is_the_same_there():
    sources = {
        "a": "class Bus:\n    def _forget(self):\n        return 'gone'\n",
        "b": "from a import Bus\n\ndef ask():\n    _other, _more = 1, 2\n    return Bus()._forget(), _other + _more\n",
    }
    space, _ = run(sources, "b")
    assert space["ask"]() == ("gone", 3)


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def _restart(self):\n        return getattr(self, '_restart')\n",  # in a table of names
        "from asyncio import core\n\n\ndef wait(stream):\n    return core._io_queue.queue_read(stream)\n",
        "def mark(message):\n    message._mark = 1\n",  # whose class may have a name for it
    ],
)
def test_what_others_know_by_name_stays(text):
    assert shorten({"a": text})["a"] == text


def test_a_short_name_that_is_taken_is_not_given():
    short = shorten({"a": "from other import _a\n\n\ndef _mine():\n    return _a\n"})["a"]
    assert "return _a\n" in short and "def _a(" not in short


def test_the_firmware_has_less_than_half_of_its_private_names_left():
    sources = {str(path): path.read_text(encoding="utf-8") for path in LIB.rglob("*.py")}
    short = shorten(sources)

    def private(texts):
        return {name for text in texts for name in re.findall(r"\b_[a-zA-Z]\w*", text)}

    assert len(private(short.values())) * 2 < len(private(sources.values()))
    for path, text in short.items():
        ast.parse(text, path)
