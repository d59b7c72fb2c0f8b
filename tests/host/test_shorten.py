"""Names made short for a board: what may not be mistaken stays apart, and what others know by name stays."""

import ast
import asyncio
import hashlib
import io
import re
import ssl

import pytest

from tools import public
from tools.interpreter import LIB, ROOT
from tools.shorten import shorten


def run(sources, module):
    """Shorten the sources and run them all in order; returns the namespace of one, and the short texts."""
    short = shorten(sources, known={"Base", "Heir", "Bus", "ask", "set"})
    spaces = {name: {} for name in sources}
    for name, text in short.items():
        lines = [line for line in text.splitlines() if not line.startswith("from ")]
        for other in spaces:
            spaces[name].update({key: value for key, value in spaces[other].items() if key[0].isupper()})
        exec("\n".join(lines), spaces[name])
    return spaces[module], short


def test_a_name_becomes_short_and_lines_stay():
    text = "class Lengthy:\n    def very_long(self, _unused=5):\n        self.too_long = _unused\n"
    short = shorten({"a": text})["a"]
    assert not re.search("Lengthy|very_long|_unused|too_long", short)
    assert [len(line) - len(line.lstrip()) for line in short.splitlines()] == [0, 4, 8]
    ast.parse(short)


def test_names_that_others_know_and_dunders_stay():
    text = "class Public:\n    __slots__ = ()\n\n    def __init__(self):\n        self.name = _ = 1\n"
    assert shorten({"a": text}, known={"Public", "name"})["a"] == text


def test_a_constant_keeps_its_underscore_without_which_it_needs_room():
    text = "from micropython import const\n\n_LIMIT = const(5)\n"
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
    names = set(re.findall(r"self\.(\w+)", "".join(short.values())))
    assert len(names) == 3  # the other file uses them again


def test_a_name_that_another_file_uses_is_the_same_there():
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
        "class A:\n    def on_open(self, kind):\n        return getattr(self, 'on_' + kind)\n",  # put together
        "from cryptolib import aes\n\n\nclass A:\n    def cipher(self, aes=aes):\n        return aes\n",
        "import time\n\n\nclass A:\n    def ticks_ms(self):\n        return time.ticks_ms()\n",
        "import queue\n\n\nclass A:\n    def wait(self, patience_s):\n        queue.get(patience_s=patience_s)\n",
        "import queue\n\n\nclass A(queue.Queue):\n    pass\n\n\ndef emit(patience_s):\n    A(patience_s=patience_s)\n",
        "def emit(**data):\n    emit(wait_ms=wait())\n\n\ndef wait(wait_ms=0):\n    pass\n",
        "def mark(message):\n    message._mark = 1\n",  # whose class may have a name for it
    ],
)
def test_what_is_known_by_name_elsewhere_stays(text):
    said = set(re.findall(r"\b(_restart|on_open|aes|ticks_ms|patience_s|wait_ms|_mark)\b", text))
    short = shorten({"a": text}, known={"A", "emit", "wait", "cipher", "mark"})["a"]
    for name in said:
        assert short.count(name) == text.count(name)


def test_no_short_name_is_a_word_of_the_language():
    text = "".join(f"_name{n} = {n}\n" for n in range(1200))
    ast.parse(shorten({"a": text})["a"])


@pytest.mark.parametrize("use", ["    for _ in {}(3):\n        pass\n", "    return {}()\n"])
def test_no_function_gets_a_name_that_the_compiler_takes_for_another_one(use):
    """`for _ in range(3)` becomes a loop that calls nothing, `super()` looks for a class."""
    functions = [f"def _function_{n}():\n" + use.format(f"_function_{n}") for n in range(200)]
    text = shorten({"a": "\n\n".join(functions)})["a"]
    assert not re.search(r"\b(range|super)\b", text)


@pytest.mark.parametrize("program", [ROOT / "boot.py", ROOT / "main.py", ROOT / "tools" / "board" / "flashed.py"])
def test_what_the_programs_say_stays(program):
    assert public.said_by(program) <= public.names()


def test_a_short_name_that_is_taken_is_not_given():
    short = shorten({"a": "from other import abs\n\n\ndef _mine():\n    return abs, all\n"})["a"]
    assert "return abs, all\n" in short and not re.search(r"def (abs|all)\(", short)


def test_what_an_application_gives_to_an_object_is_no_short_name_of_it(tmp_path):
    program = tmp_path / "main.py"
    program.write_text(
        "class Lamp:\n    def __init__(self):\n        self.count = 0\n\n\n"
        "class Mine(Base):\n    def find(self):\n        self.index = 1\n\n\ndef run(device):\n    device.end = 2\n"
    )
    given = public.given_by(program)
    assert given == {"Mine", "find", "index", "end"}
    names = [f"_name{n}" for n in range(60)]
    sources = {"a": "class Base:\n    def __init__(self):\n" + "".join(f"        self.{name} = 1\n" for name in names)}
    assert given - {"Mine"} < set(re.findall(r"self\.(\w+)", shorten(sources)["a"]))
    assert not given & set(re.findall(r"\w+", shorten(sources, given=given)["a"]))


def test_modules_beside_an_application_that_it_imports_belong_to_it(tmp_path):
    (tmp_path / "drivers").mkdir()
    for name, text in {
        "main.py": "import json\nimport sensors\n\n\ndef run(device):\n    sensors.begin(device)\n",
        "sensors.py": "from drivers import lamp\nimport main\n\n\ndef begin(device):\n    device.find = 1\n",
        "drivers/__init__.py": "",
        "drivers/lamp.py": "class Lamp(Base):\n    def glow(self):\n        return self.calm\n",
        "other.py": "import errors\nerrors.unsaid()\n",
    }.items():
        (tmp_path / name).write_text(text)
    programs = public.application(tmp_path / "main.py")
    assert {str(path.relative_to(tmp_path)) for path in programs} == {
        "main.py", "sensors.py", "drivers/__init__.py", "drivers/lamp.py"
    }  # fmt: skip
    assert set().union(*map(public.given_by, programs)) == {"find", "Lamp", "glow"}
    assert "calm" in set().union(*map(public.said_by, programs))


@pytest.fixture(scope="module")
def firmware():
    """(sources, the same made short) of lib."""
    modules = {".".join(path.relative_to(LIB).with_suffix("").parts): path for path in LIB.rglob("*.py")}
    sources = {module: path.read_text(encoding="utf-8") for module, path in modules.items()}
    return sources, shorten(sources, public.names())


def test_the_firmware_has_less_than_half_of_its_names_left(firmware):
    def defined(texts):
        trees = [ast.parse(text) for text in texts]
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, functions)}

    sources, short = firmware
    assert len(defined(short.values())) * 2 < len(defined(sources.values()))


def test_the_firmware_keeps_the_names_that_its_reference_shows(firmware):
    _, short = firmware
    for module, name in [
        ("device", "def enter_config(self, reason)"),
        ("aws.publishing", "timeout_s="),
        ("aws.ring", "def get_nowait(self)"),
        ("aws.shadow", "class Shadow"),
        ("flash", "async def write(self, offset, data)"),
        ("errors", "class DeviceError"),
        ("events", "def __getattr__("),
        ("board", "def uptime_ms("),
        ("release", "VERSION = "),
        ("ota.keys", "KEYS = "),
    ]:
        assert name in short[module], f"{module} has lost {name}"


@pytest.mark.parametrize(
    "made", [hashlib.sha256(), io.BytesIO(), asyncio.Event(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)]
)
def test_the_names_of_what_others_make_stay(made):
    own = {name for name in dir(made) if not name.startswith("_")}
    assert own and own <= public.names()
