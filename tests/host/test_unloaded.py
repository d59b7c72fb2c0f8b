"""Texts of modules that stay for a moment: changed where MicroPython would keep them for ever; they read the same."""

import ast

import pytest

from tools import mpy, public
from tools.shorten import shorten
from tools.unloaded import unloaded, without_lasting_texts


def changed(text):
    return without_lasting_texts({"guest": text}, {"guest"})["guest"]


def test_a_text_stands_in_a_tuple_and_reads_the_same():
    text = 'def find(kind):\n    return {"ec": "a curve", "rsa": 2}[kind], "ec" + "ü"\n'
    short = changed(text)
    table = "('ec', 'rsa', 'a curve', 'ü',)"  # the same tuple everywhere: one object for the compiler
    assert short.count(f"{table}[0]") == 2 and short.count(table) == 5
    assert len(short.splitlines()) == len(text.splitlines())
    space = {}
    exec(short, space)
    assert space["find"]("ec") == ("a curve", "ecü")
    assert space["find"]("rsa") == (2, "ecü")


@pytest.mark.parametrize(
    "text",
    [
        '"""Short."""\n',
        "def find():\n    '''Short.'''\n",
        'ROWS = (("join_s", 15, -3, None), ("x",))\n',
        '_FEW = const(5)\nROWS = (("join_s", _FEW),)\n',
        'TEXT = "longer than ten"\n',
        'TEXT = ""\n',
        'def find(kind):\n    return "kind" + f"{kind} of"\n',  # it is a name there anyway
        'WORD = "split"\n',  # a number in every .mpy file
        'WORDS = b"bytes"\n',
    ],
)
def test_what_takes_no_lasting_room_stays_as_it_is(text):
    assert changed(text) == text


def test_a_tuple_with_something_that_is_no_constant_is_no_constant():
    assert changed('def find(a):\n    return ("x", a)\n') == "def find(a):\n    return (('x',)[0], a)\n"


@pytest.mark.parametrize(
    "host",
    [
        'unload("guest")\n',
        'borrow("other", "guest").work()\n',
        'slot.unload("other", "guest")\n',
        'del sys.modules["guest"]\n',
        'for name in ("other", "guest"):\n    sys.modules.pop(name, None)\n',
        '_NAMES = ("guest", "other")\nfor name in _NAMES:\n    module = sys.modules.pop(name, None)\n',
    ],
)
@pytest.mark.parametrize("guest", ["guest", "package.guest"])
def test_modules_that_are_unloaded_are_found(host, guest):
    sources = {"host": host, guest: 'A = "x"\n', "more": 'A = "x"\n'}
    assert unloaded(sources) == {guest}
    assert without_lasting_texts(sources, {guest}) == {**sources, guest: "A = ('x',)[0]\n"}


def test_in_the_firmware_it_is_what_reads_settings_and_not_what_stays():
    sources = mpy.lib_sources()
    short = shorten(sources, public.names())
    texts = without_lasting_texts(short, unloaded(sources))
    assert all(len(texts[module].splitlines()) == len(short[module].splitlines()) for module in short)
    assert [ast.parse(text) for text in texts.values()]
    of_a_moment = {module for module in short if texts[module] != short[module]}
    assert {"settings_reader", "certificates", "starting", "aws.dial", "ota.slot"} <= of_a_moment
    assert not {"system", "errors", "wifi", "aws.client", "aws.session", "settings_types"} & of_a_moment
