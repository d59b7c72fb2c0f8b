"""The import law of docs/architecture.md and the other rules of the house, read from the sources with `ast`.

A new file in lib needs a row in `ROOMS`: which room it is in is a decision, not an accident.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Certificates and keys in words: every other word may use them.
CERTIFICATES = {"certificates", "der", "pem"}
# What settings are made of: they may use each other, and records.
SETTINGS = {
    "settings", "settings_certs", "settings_checks", "settings_documents", "settings_json", "settings_lacking",
    "settings_numbers", "settings_pem", "settings_reader", "settings_records", "settings_schema",
    "settings_shapes", "settings_types",
}  # fmt: skip

# AWS IoT Jobs, and what the firmware itself does for them.
JOBS = {
    "aws.job", "aws.job_handler", "aws.job_reasons", "aws.job_start", "aws.job_telling", "aws.job_words",
    "aws.job_work", "aws.jobs",
}  # fmt: skip
OPERATIONS = {
    "operations.config", "operations.diagnostics", "operations.dispatch", "operations.download",
    "operations.factory_reset", "operations.new_settings", "operations.restart", "operations.rotate",
    "operations.steps", "operations.wanted",
}  # fmt: skip

# Room -> its files.
ROOMS = {
    "words": {
        "errors", "error_table", "events", "backoff", *SETTINGS, *CERTIFICATES, "dns", "nesting", "ntp", "log",
        "records", "release",
    },
    "board": {"board", "board_seldom", "archive", "heap_area", "import_path", "starts"},
    "flash": {"flash", "flash_blobs", "flash_files", "flash_repair", "flash_queue", "flash_records", "flash_saving"},
    "wifi": {"wifi", "station", "resolver", "clock", "datagrams"},
    "ble": {
        "ble.answers", "ble.code_table", "ble.codes", "ble.documents", "ble.framing", "ble.gatt", "ble.hello",
        "ble.hkdf", "ble.lockout", "ble.messages", "ble.parsing", "ble.server", "ble.session", "ble.setup_code",
        "ble.talk", "ble.ticks", "ble.x25519",
    },
    "aws": {
        "aws.asker", "aws.asking", "aws.backlog", "aws.claimant", "aws.client", "aws.connection", "aws.dial",
        "aws.connector", "aws.engine", "aws.enrolment", "aws.failures", "aws.granting", "aws.handlers", "aws.inbox",
        *JOBS, "aws.link", "aws.mqtt", "aws.opening", "aws.outbox", "aws.packets", "aws.presence", "aws.properties",
        "aws.provision", "aws.publishing", "aws.rate", "aws.receiver", "aws.requests", "aws.ring", "aws.sender",
        "aws.service", "aws.session", "aws.shadow", "aws.subscribing", "aws.tls", "aws.topics",
    },
    "ota": {
        "ota.chunks", "ota.document", "ota.files", "ota.foreign", "ota.head", "ota.https", "ota.keys", "ota.signature",
        "ota.slot", "ota.switch", "ota.update", "ota.writer",
    },
    "head": {
        "system", "modes", "leaving", "starting", "road", "road_outcome", "supervisor", "identity", "credentials",
        "device", "console", "configuration", "config_ble", "config_requests", "configuring", "candidate", "notes",
        "installing", "offline", "updates", "updating", "update_end", "update_job", "trial", "mode_requests", "tryout",
        "resetting", "diagnosis", "health", "health_reports", "shadow_report", *OPERATIONS,
    },
    "wiring": {"awsesp"},
    "main": {"main"},
    "boot": {"boot"},
}  # fmt: skip

# The files of a hand's room that are words all the same: they touch no hardware and run in CPython.
PURE = {
    "aws.asking", "aws.failures", "aws.job_reasons", "aws.job_words", "aws.packets", "aws.presence", "aws.properties",
    "aws.rate", "aws.receiver", "aws.requests", "aws.ring", "aws.service", "aws.topics",
    "ota.document", "ota.foreign", "ota.keys", "ota.signature",
    *(ROOMS["ble"] - {"ble.gatt", "ble.server"}),
}  # fmt: skip

HANDS = {"board", "flash", "wifi", "ble", "aws", "ota"}
HARDWARE = {"machine", "network", "esp32", "bluetooth", "aioble", "socket", "ssl", "umqtt", "vfs"}
# boot and board work before there is a bus
PRINTERS = {"boot", "board", "board_seldom", "starts", "console", "main", "system", "leaving", "starting",
            "configuration", "config_ble"}  # fmt: skip
# One tells what comes from where, the other is `borrow`, whose callers are checked.
IMPORTS_BY_COMPUTED_NAME = {"import_path", "aws.link"}
LONGEST_FILE = 300


def room_of(module):
    """The room a module is in, or None."""
    return next((room for room, files in ROOMS.items() if module in files), None)


def may_import(module):
    """Our own modules that `module` may import, as the table in docs/architecture.md has it."""
    words, room = ROOMS["words"], room_of(module)
    if module in ("errors", "error_table"):
        return {"error_table"}
    if module in SETTINGS:
        return {"errors", "nesting", "records"} | CERTIFICATES | SETTINGS
    if room == "words":
        return {"errors"} | CERTIFICATES
    if module in PURE:
        return {"errors", "nesting"} | CERTIFICATES | (PURE & ROOMS[room])
    if room in HANDS:
        return words | ROOMS[room]
    if room == "head":
        return words | PURE | ROOMS[room]
    if room == "boot":
        return {"archive", "awsesp", "board", "import_path", "ota.slot"}
    return set().union(*ROOMS.values())


def sources(root):
    """{module: path} of everything that runs on the chip, without the empty __init__.py of packages."""
    found = {name: root / f"{name}.py" for name in ("boot", "main") if (root / f"{name}.py").exists()}
    for path in sorted((root / "lib").rglob("*.py")):
        if path.name != "__init__.py":
            found[".".join(path.relative_to(root / "lib").with_suffix("").parts)] = path
    return found


def imports(tree, module):
    """(line, dotted name) of each import anywhere in the file, inside functions too; relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*package, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}" if origin else alias.name) for alias in node.names)
        elif _is_call_of(node, "__import__") or _is_call_of(node, "borrow"):
            package = "aws." if node.func.id == "borrow" else ""
            literal = node.args and all(isinstance(name, ast.Constant) for name in node.args)
            yield from ((node.lineno, package + name.value) for name in node.args) if literal else [
                (node.lineno, "<computed>")
            ]


def module_named(name, ours):
    """The longest beginning of a dotted name that is a module of ours: `errors.DeviceError` is in `errors`."""
    parts = name.split(".")
    return next((m for n in range(len(parts), 0, -1) if (m := ".".join(parts[:n])) in ours), None)


def check_imports(module, tree, ours):
    for line, name in imports(tree, module):
        imported = module_named(name, ours)
        if name == "<computed>" and module in IMPORTS_BY_COMPUTED_NAME:
            continue
        if name == "<computed>":
            yield line, "imports a name that is computed: nobody can check that"
        elif name.split(".")[0] in ("tools", "tests"):
            yield line, f"imports {name}: nothing on the chip knows the desk"
        elif imported and imported != module and imported not in may_import(module):
            yield line, f"imports {imported}: the room of {module} ({room_of(module)}) may not"
        elif (module in PURE or room_of(module) in ("words", "head")) and name.split(".")[0] in HARDWARE:
            yield line, f"imports {name}: {module} ({room_of(module)}) touches no hardware"


def check_statements(module, tree, _ours):
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except: it eats cancellation and restarts"
        elif isinstance(node, ast.Assert):
            yield node.lineno, "assert: raise an error of lib/error_table.py"
        elif isinstance(node, ast.AsyncWith):
            yield node.lineno, "async with: its end takes memory, without which no lock is released"
        elif _is_call_of(node, "print") and module not in PRINTERS:
            yield node.lineno, "print: emit an event, the console is the head's"


def check_no_work_at_import(module, tree, _ours):
    if module in ("boot", "main"):
        return
    for node in tree.body:
        call = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
        if call or isinstance(node, (ast.For, ast.While, ast.With)):
            yield node.lineno, "works at import: importing a module does nothing"


def _is_call_of(node, name):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


CHECKS = (check_imports, check_statements, check_no_work_at_import)


def violations(root):
    """Every offence under `root`, a line each: `lib/wifi.py:12: imports flash: ...`."""
    ours = sources(root)
    found = []
    for module, path in ours.items():
        name, text = path.relative_to(root), path.read_text(encoding="utf-8")
        if room_of(module) is None:
            found.append(f"{name}:1: has no row in ROOMS of tests/host/test_architecture.py")
            continue
        try:
            tree = ast.parse(text, str(path))
        except SyntaxError as error:
            found.append(f"{name}:{error.lineno}: {error.msg}")
            continue
        found += [f"{name}:{line}: {offence}" for check in CHECKS for line, offence in check(module, tree, ours)]
    for path in sorted((root / "lib").rglob("__init__.py")):
        if path.read_text(encoding="utf-8").strip():
            found.append(f"{path.relative_to(root)}:1: is not empty: importing one file must not run another")
    return found + too_long(root)


def too_long(root):
    """Files of more than LONGEST_FILE lines in what runs on the chip and on the desk."""
    paths = [*sources(root).values(), *sorted((root / "tools").rglob("*.py")), *sorted((root / "tests").rglob("*.py"))]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return [
        f"{path.relative_to(root)}:{LONGEST_FILE}: has {length} lines: more than one idea?"
        for path, length in lengths.items()
        if length > LONGEST_FILE
    ]


def test_the_house_keeps_its_law():
    assert "\n".join(violations(ROOT)) == ""


@pytest.mark.parametrize("module", sorted((ROOMS["words"] | PURE) & sources(ROOT).keys()))
def test_words_run_in_cpython(module):
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "lib"), PYTHONDONTWRITEBYTECODE="1")
    answer = subprocess.run([sys.executable, "-c", f"import {module}"], env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


OFFENCES = {
    "a hand imports a hand": ("lib/wifi.py", "import flash\n", "imports flash"),
    "inside a function": ("lib/wifi.py", "def f():\n    from flash import Flash\n", "lib/wifi.py:2: imports flash"),
    "by a relative import": ("lib/aws/mqtt.py", "from ..ota import slot\n", "imports ota.slot"),
    "by __import__": ("lib/wifi.py", "x = __import__('flash')\n", "imports flash"),
    "by a computed name": ("lib/wifi.py", "def f(n):\n    return __import__(n)\n", "computed"),
    "by borrowing": ("lib/aws/topics.py", "def f():\n    borrow('topics', 'client')\n", "imports aws.client"),
    "by borrowing a computed name": ("lib/aws/jobs.py", "def f(n):\n    borrow('topics', n)\n", "computed"),
    "a hand imports the head": ("lib/ota/slot.py", "import system\n", "imports system"),
    "the head imports a hand": ("lib/system.py", "from aws.client import Aws\n", "imports aws.client"),
    "the head touches hardware": ("lib/system.py", "import machine\n", "touches no hardware"),
    "a word imports a word": ("lib/settings.py", "import events\n", "imports events"),
    "a pure file imports its hand": ("lib/aws/topics.py", "from . import client\n", "imports aws.client"),
    "a pure file touches hardware": ("lib/aws/topics.py", "import socket\n", "touches no hardware"),
    "a hand imports another's pure file": ("lib/wifi.py", "from aws import topics\n", "imports aws.topics"),
    "errors imports": ("lib/errors.py", "import release\n", "imports release"),
    "boot imports more": ("boot.py", "import settings\n", "imports settings"),
    "lib knows the desk": ("lib/board.py", "from tools import sim\n", "knows the desk"),
    "a file without a room": ("lib/novel.py", "", "lib/novel.py:1: has no row"),
    "a package that runs code": ("lib/aws/__init__.py", "from . import client\n", "is not empty"),
    "a bare except": ("lib/wifi.py", "def f():\n    try:\n        pass\n    except:\n        pass\n", "bare except"),
    "an assert": ("lib/wifi.py", "def f(x):\n    assert x\n", "assert"),
    "an async with": ("lib/wifi.py", "async def f(x):\n    async with x:\n        pass\n", "async with"),
    "a print": ("lib/wifi.py", "def f():\n    print(1)\n", "print"),
    "work at import": ("lib/wifi.py", "open('x')\n", "works at import"),
    "no Python": ("lib/wifi.py", "x = (\n", "never closed"),
    "a long file": ("lib/wifi.py", "x = 1\n" * 301, "301 lines"),
    "a long test": ("tests/host/test_x.py", "x = 1\n" * 301, "301 lines"),
}


@pytest.fixture
def house(tmp_path):
    """A small house that keeps the law."""
    for folder in ("lib/aws", "lib/ota", "tests/host", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("errors", "release", "events", "settings", "board", "flash", "wifi", "system"):
        (tmp_path / "lib" / f"{name}.py").write_text('"""Docstring."""\n')
    for name in ("aws/__init__", "aws/client", "aws/mqtt", "aws/topics", "ota/__init__", "ota/slot"):
        (tmp_path / "lib" / f"{name}.py").write_text("")
    (tmp_path / "lib/wifi.py").write_text("import errors\nfrom events import Bus\nimport network\n")
    (tmp_path / "lib/aws/client.py").write_text("from . import mqtt\nfrom aws.mqtt import MQTTClient\nimport socket\n")
    (tmp_path / "boot.py").write_text("import board\nfrom ota import slot\nprint(board)\n")
    (tmp_path / "main.py").write_text("import system, wifi\nfrom aws.client import Aws\n")
    assert violations(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize("case", OFFENCES)
def test_an_offence_is_named(house, case):
    file, text, offence = OFFENCES[case]
    (house / file).write_text(text)
    found = violations(house)
    assert len(found) == 1, found
    assert found[0].startswith(file)
    assert offence in found[0]
