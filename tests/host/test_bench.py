"""`python -m tools bench`: measures, says what was missed, and keeps the numbers in the document."""

import json
import subprocess
import sys

import pytest

from tools import interpreter
from tools.bench import cli, registry
from tools.bench.desk import Desk, Failed


def bench(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "tools", "bench", *arguments],
        cwd=interpreter.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_one_measurement_gives_a_number_for_each_run():
    numbers = json.loads(bench("--only", "publish.1.t??", "--repeat", "2", "--json").stdout)
    assert list(numbers) == ["publish.1.tcp", "publish.1.tls"]
    assert all(len(values) == 2 and min(values) > 0 for values in numbers.values())


def test_what_the_ble_server_takes_is_given_back_but_for_names():
    numbers = json.loads(bench("--only", "ble.heap.*", "--json").stdout)
    ready, session, closed = (numbers[f"ble.heap.{when}"][0] for when in ("ready", "session", "closed"))
    assert session > ready > 3 * closed > 0


def test_the_names_are_listed():
    listed = bench("--list").stdout
    assert "receive.1.tls" in listed and "heap.import.mpy" in listed


def test_other_clients_are_measured_beside_ours_where_there_are_checkouts_of_them(tmp_path, monkeypatch):
    monkeypatch.setenv("MQTT_AS", str(tmp_path))
    assert "it has no mqtt_as/" in bench("--list", code=1).stderr
    (tmp_path / "mqtt_as").mkdir()
    (tmp_path / "mqtt_as" / "__init__.py").touch()
    names = [line.split()[0] for line in bench("--list").stdout.splitlines()]
    assert names[names.index("publish.1.window.tcp") :][1] == "publish.1.window.tcp@mqtt_as"
    monkeypatch.delenv("MQTT_AS")
    assert "@mqtt_as" not in bench("--list").stdout


def test_a_name_that_fits_nothing_is_an_error():
    assert "no measurement is called like 'nonsense'" in bench("--only", "nonsense", code=1).stderr


def test_a_heap_too_small_is_told_with_what_the_device_said():
    assert "MemoryError" in bench("--only", "publish.0.tcp", "--heap", "40k", code=1).stderr


def test_the_smallest_heap_is_where_it_begins_to_work_for_good():
    from tools.bench.memory import smallest_heap

    with Desk() as desk:
        port = desk.port()
        smallest = smallest_heap(desk, interpreter.LIB, port, "tcp")
        desk.run("connected", port, "tcp", heap=f"{smallest + 2}k")
        with pytest.raises(Failed):
            desk.run("connected", port, "tcp", heap=f"{smallest - 1}k")


def test_a_device_that_does_not_come_is_told_with_the_measurement_s_name():
    def take(_desk):
        raise TimeoutError("no line with 'setup code'")

    late = registry.Measurement("ble.seen.ms", "what", "ms", take, None, True, False)
    with pytest.raises(Failed, match=r"ble\.seen\.ms: no line with 'setup code'"):
        cli.measure([late], repeat=1, heap="256k")


def result(goal, values, less_is_better=False):
    measurement = registry.Measurement("name", "what", "KB", lambda desk: 0, goal, less_is_better, True)
    return cli.Result(measurement, values)


def test_the_best_value_counts_against_the_goal():
    assert result(100, [90, 101]).reached
    assert not result(100, [90, 99]).reached
    assert result(100, [120, 99], less_is_better=True).reached
    assert not result(100, [120, 101], less_is_better=True).reached
    assert result(100, [90, 99]).cells()[-1] == "missed"


def test_the_document_keeps_its_words_and_gets_the_numbers(tmp_path):
    document = tmp_path / "measurements.md"
    document.write_text(f"before\n{cli.BEGIN}\nold\n{cli.END}\nafter\n", encoding="utf-8")
    cli.write_document(document, [result(100, [12345.6])])
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "| what | 12,346 KB |  | at least 100 | reached |" in text
    assert "old" not in text
    cli.write_document(document, [result(None, [1])])  # and can be written again
