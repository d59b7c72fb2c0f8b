"""The parts of the board tools that touch no board: the plan, what a board is, how its console is shown."""

import datetime
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.host import pki
from tools import mpy, public
from tools.board import bundle, facts, levels
from tools.board.bundle import File
from tools.board.facts import Facts
from tools.board.files import Files, leftovers
from tools.board.plan import plan
from tools.board.serial_board import BoardError
from tools.board.tracebacks import source_of
from tools.fleet.roots import amazon_roots
from tools.interpreter import LIB, ROOT
from tools.shorten import short_names

ESP32 = {
    "machine": "Generic ESP32 module with ESP32",
    "platform": "esp32",
    "version": (1, 24, 1),
    "mpy": 6,
    "esp32": True,
    "bluetooth": True,
    "slots": ["ota_0", "ota_1"],
    "heap": 4 << 20,
    "mac": "0a1b2c3d4e5f",
    "umqtt": True,
    "aioble": None,
}


def hash_of(present):
    return lambda path: File(path, present[path]).sha256


def planned(wanted, present, installed=()):
    files = [File(path, data) for path, data in wanted.items()]
    sizes = {path: len(data) for path, data in present.items()}
    found = plan(files, sizes, hash_of(present), installed)
    return [file.path for file in found.write], found.same, found.remove


def test_only_what_differs_is_written_in_the_order_given():
    wanted = {"/lib/b.mpy": b"new", "/lib/a.mpy": b"same", "/main.py": b"main"}
    assert planned(wanted, {"/lib/a.mpy": b"same", "/lib/b.mpy": b"old"}) == (["/lib/b.mpy", "/main.py"], 1, [])


def test_a_source_that_would_hide_its_compiled_twin_goes():
    assert planned({"/lib/a/b.mpy": b"x"}, {"/lib/a/b.py": b"x", "/lib/c.py": b"mine"})[2] == ["/lib/a/b.py"]
    assert planned({"/lib/a.py": b"x"}, {"/lib/a.mpy": b"x"})[2] == ["/lib/a.mpy"]


def test_what_an_earlier_version_installed_goes_and_what_the_user_has_stays():
    present = {"/lib/gone.mpy": b"x", "/lib/mine.py": b"x"}
    assert planned({}, present, installed=["/lib/gone.mpy", "/lib/never.mpy"])[2] == ["/lib/gone.mpy"]


def test_what_an_interrupted_run_left_goes_and_what_others_call_new_stays():
    there = ["/lib/gone.mpy.new", "/main.py.new", "/settings.json.new", "/main.py", "/files/a.new", "/b.new"]
    ours = {"/main.py", "/settings.json"}
    assert leftovers(there, ours) == ["/lib/gone.mpy.new", "/main.py.new", "/settings.json.new"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"esp32": None, "machine": "Raspberry Pi Pico"}, "this is no ESP32 but Raspberry Pi Pico"),
        ({"version": (1, 23, 0)}, "the board runs MicroPython 1.23.0, 1.24 or later is needed"),
    ],
)
def test_a_board_that_cannot_run_it_is_refused(changes, refusal):
    assert [text.startswith(refusal) for text in Facts(**dict(ESP32, **changes)).refusals()] == [True]


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"slots": ["factory"]}, "its image has no second app partition"),
        ({"slots": ["factory", "ota_0"]}, "its image has no second app partition"),
        ({"bluetooth": None}, "its image has no Bluetooth"),
        ({"mpy": 7}, "it reads .mpy files of version 7"),
    ],
)
def test_what_will_not_work_there_is_said(changes, remark):
    assert [text.startswith(remark) for text in Facts(**dict(ESP32, **changes)).remarks()] == [True]
    assert not [*Facts(**ESP32).remarks(), *Facts(**ESP32).refusals()]


@pytest.mark.parametrize(("heap", "small"), [(165 * 1024, True), (2 << 20, False), (None, False)])
def test_a_heap_without_psram_is_small(heap, small):
    assert Facts(**dict(ESP32, heap=heap)).is_small() is small


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("   0.03 INIT --failed--> IDLE (flash_failed: ...)", "error"),
        ("  12.00 NORMAL --restart_requested--> restart (why)", "info"),
        ("   3.10 NORMAL wifi.disconnected code=wrong_password", "warning"),
        ("   3.10 NORMAL task.failed code=task_failed", "error"),
        ("   3.10 NORMAL publish.done qos=1", "debug"),
        ("Traceback (most recent call last):", "error"),
        ("MemoryError: memory allocation failed", "error"),
        ("application: start 3", "info"),
        ("Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.", "error"),
        ("Backtrace: 0x4008174a:0x3ffb1ea0", "error"),
        ("E (1234) wifi: alloc failed", "error"),
        ("W (1234) wifi: weak", "warning"),
    ],
)
def test_importance_of_a_line(line, level):
    assert levels.level_of(line) == levels.LEVELS[level]


def test_a_frame_of_a_traceback_has_the_source_of_this_checkout():
    lines = (LIB / "aws" / "client.py").read_text().splitlines()
    first = next(n for n, line in enumerate(lines, 1) if "def use(" in line)
    shown = f"lib/aws/client.py, Aws.use: {lines[first - 1].strip()}"
    assert source_of(f'  File "aws.client", line {first}, in find') == shown
    assert source_of(f'  File "lib/aws/client.py", line {first}, in publish') == shown
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("class "))
    assert source_of(f'  File "/lib/aws/client.py", line {number}') == f"lib/aws/client.py: {lines[number - 1]}"


def test_a_frame_without_a_line_number_has_the_functions_with_that_short_name():
    short = short_names(mpy.lib_sources(), public.names())
    shown = source_of(f'  File "aws.client", line 1, in {short["_subscribe_all"]}')
    assert "Aws._subscribe_all" in shown and shown.startswith("lib/aws/client.py, ")
    assert source_of('  File "aws.client", line 1, in use') == "lib/aws/client.py, Aws.use"
    assert source_of('  File "aws.client", line 1, in publish') is None


def test_a_program_of_somebody_else_has_no_source():
    lines = (ROOT / "main.py").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("def count_starts(")) + 2
    shown = f"main.py, count_starts: {lines[number - 1].strip()}"
    assert source_of(f'  File "main.py", line {number}, in count_starts') == shown
    assert source_of(f'  File "main.py", line {number}, in obey') is None
    assert source_of(f'  File "main.py", line {number}, in <module>') is None


@pytest.mark.parametrize(
    "line",
    [
        '  File "wifi", line 99999, in <module>',
        '  File "asyncio.core", line 1, in run',
        '  File "asyncio/core.py", line 1, in run',
        '  File "../../etc/passwd", line 1, in run',
        '  File "Makefile", line 1, in run',
        pytest.param(f'  File "main.py", line {"9" * 5000}', id="line 99..."),
        "no frame",
    ],
)
def test_a_line_that_is_none_of_this_checkout_has_no_source(line):
    assert source_of(line) is None


def test_certificates_that_are_not_valid_now_are_told_before_the_device_is_refused(tmp_path):
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)

    def entry(role, begin, end):
        pem = pki.certificate_of(pki.EC_KEY, now + begin * day, now + end * day).public_bytes(pki.PEM).decode()
        return {"role": role, "cert": pem, "key": pki.key_bytes(pki.EC_KEY, pki.PEM).decode()}

    good, root = entry("thing", -1, 1), entry("ca", -9, -1)
    good["cert"] += root["cert"]  # of a chain only the device's own matters
    del root["key"]
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"certs": [good, entry("claim", 1, 9), root]}))
    said = bundle.settings(path)[1]
    assert said[:2] == ["the certificate of claim is not valid yet", "a trusted root has expired"]
    assert not any("thing has" in sentence or "thing is" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("endpoint", "given", "is_told"),
    [
        ("x-ats.iot.eu-west-1.amazonaws.com", slice(1), True),
        ("x-ats.iot.cn-north-1.amazonaws.com.cn", slice(1), True),
        ("x-ats.iot.eu-west-1.amazonaws.com", slice(2), False),
        ("x-ats.iot.eu-west-1.amazonaws.com", slice(0), False),
        ("broker.example", slice(1), False),
    ],
)
def test_the_root_by_which_aws_takes_less_memory_is_told_where_it_lacks(tmp_path, endpoint, given, is_told):
    roots = amazon_roots().split("-----BEGIN")[1:][given]
    certs = [{"role": "ca", "cert": "-----BEGIN" + "-----BEGIN".join(roots)}] if roots else []
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"aws": {"endpoint": endpoint}, "certs": certs}))
    assert any("AmazonRootCA3.pem" in sentence for sentence in bundle.settings(path)[2]) is is_told


def of_two_boards(work):
    """What `work()` returns, or raises, in each of two threads at once."""
    start = threading.Barrier(2)

    def one():
        start.wait(10)
        return work()

    with ThreadPoolExecutor(2) as pool:
        return [future.exception() or future.result() for future in [pool.submit(one) for _ in range(2)]]


def test_two_boards_at_once_are_given_the_same_settings(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"networks": [{"ssid": "home", "password": "correct horse"}]}))
    expected = bundle.settings(path)
    for _ in range(5):
        assert of_two_boards(lambda: bundle.settings(path)) == [expected, expected]


def test_two_boards_at_once_fetch_a_package_once(monkeypatch):
    fetched = []
    monkeypatch.setattr(bundle, "package_folder", lambda name: LIB if fetched else None)
    monkeypatch.setattr(bundle.deps, "install", lambda: time.sleep(0.2) or fetched.append("aioble"))
    assert of_two_boards(lambda: bundle._fetched("aioble")) == [LIB, LIB]
    assert fetched == ["aioble"]


class Board:
    """Answers everything with one text."""

    def __init__(self, printed):
        self._printed = printed

    def run(self, _code):
        return self._printed


def test_what_a_timer_of_its_program_prints_is_no_answer():
    board = Board(f"tick\n\x02{json.dumps(ESP32)}\ntick\n")
    assert facts.ask(board).machine == ESP32["machine"]
    board = Board("tick\ntick \x02('/a b\\n', 12)\n1 /tick\n\x02('/lib/', 0)\n")
    assert Files(board).list() == {"/a b\n": 12, "/lib/": 0}


@pytest.mark.parametrize("printed", ["", "tick\n", "\x02{]\n", '\x02{"machine": 5}\n'])
def test_an_answer_that_is_none_is_told(printed):
    with pytest.raises(BoardError, match="cannot be understood"):
        facts.ask(Board(printed))
    if "{" in printed:
        with pytest.raises(BoardError, match="cannot be understood"):
            Files(Board(printed.replace("5}", ""))).free()


def test_a_file_system_that_is_not_mounted_is_not_a_full_one():
    assert Files(Board("\x02(4096, 10)\n")).free() == 40960
    with pytest.raises(BoardError, match="is damaged: erase its flash"):
        Files(Board("\x02(0, 0)\n")).free()
