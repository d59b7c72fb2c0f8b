"""Tables without entries that nobody reads: what is left means the same, on the same lines."""

import ast

import pytest

from tools import mpy, public
from tools.shorten import shorten
from tools.tables import without_unread_entries


def changed(text):
    return without_unread_entries({"a": text})["a"]


def test_a_class_forgets_where_it_comes_from_in_the_place_of_its_docstring():
    text = 'class Lamp:\n    """Of a room.\n\n    Bright.\n    """\n\n    def on(self):\n        return 5\n'
    short = changed(text)
    assert short == "class Lamp:\n    del __module__, __qualname__\n\n\n\n\n    def on(self):\n        return 5\n"
    space = {"__name__": "a"}
    exec(short, space)
    assert space["Lamp"]().on() == 5


def test_a_class_of_a_docstring_alone_and_one_without_any():
    assert changed('class Dark(Lamp):\n    """None."""\n') == "class Dark(Lamp):\n    del __module__, __qualname__\n"
    assert changed("class A:\n    LIMIT = 5\n") == "class A:\n    del __module__, __qualname__; LIMIT = 5\n"
    assert changed("class A:\n    def b(self):\n        pass\n") == "class A:\n    def b(self):\n        pass\n"


@pytest.mark.parametrize(
    ("line", "stays"), [("_A = const(5)\nB = const(0x10)\n", False), ("_A = const(other(5))\n", True), ("\n", False)]
)
def test_const_is_imported_only_where_it_is_called(line, stays):
    text = f"from micropython import const\n\n{line}"
    assert changed(text) == (text if stays else text.replace("from micropython import const", ""))


def test_the_whole_firmware_keeps_its_lines():
    short = shorten(mpy.lib_sources(), public.names())
    texts = without_unread_entries(short)
    assert all(text.count("\n") == short[module].count("\n") for module, text in texts.items())
    assert [ast.parse(text) for text in texts.values()]
    assert not [module for module, text in texts.items() if "import const" in text]
