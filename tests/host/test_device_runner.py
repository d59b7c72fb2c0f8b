"""The runner of the device tests reports what happened: tests/device/test_canary_fails.py has a test for each way
to fail, and this says what must become of it."""

import os
import re
import subprocess
import sys

import pytest

from tools.interpreter import ROOT

CANARIES = ROOT / "tests" / "device" / "test_canary_fails.py"

# test: (outcome, what the report must say)
EXPECTED = {
    "test_passes": ("PASSED", ""),
    "test_passes_in_asyncio": ("PASSED", ""),
    "test_wrong_value": ("FAILED", "expected 3, got 2"),
    "test_true_is_not_one": ("FAILED", "expected 1, got True"),
    "test_nothing_raised": ("FAILED", "expected ValueError, nothing was raised"),
    "test_nothing_raised_in_asyncio": ("FAILED", "expected OSError, nothing was raised"),
    "test_other_error": ("FAILED", "KeyError: missing"),
    "test_forgotten_await": ("FAILED", "not awaited"),
    "test_background_task_dies": ("FAILED", "EIO"),
    "test_background_task_dies_at_the_end": ("FAILED", "EIO"),
    "test_waits_for_ever": ("FAILED", "not finished after 1 s"),
    "test_hangs": ("FAILED", "hung: no answer"),
    "test_passes_after_a_hang": ("PASSED", ""),
    "test_system_exit": ("FAILED", "SystemExit"),
    "test_process_crashes": ("FAILED", "ended by signal 9"),
    "test_passes_after_a_crash": ("PASSED", ""),
    "test_floods_the_console": ("FAILED", "printed more than"),
    "test_skipped": ("SKIPPED", "the reason"),
}


def run_pytest(*arguments, **environment):
    command = [sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=dict(os.environ, COLUMNS="200", **environment),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def report():
    return run_pytest("--canaries", CANARIES)


@pytest.mark.parametrize("test", EXPECTED)
def test_the_outcome_of_each_canary(report, test):
    outcome, _ = EXPECTED[test]
    assert re.search(rf"::{test} {outcome}\b", report.stdout), report.stdout


@pytest.mark.parametrize("test", [test for test, (outcome, _) in EXPECTED.items() if outcome == "FAILED"])
def test_the_report_of_a_failure_says_why(report, test):
    assert EXPECTED[test][1] in section(report, test)


def section(report, test):
    """What pytest printed about the failure of one test."""
    return re.split(r"\n(?:_{4,} |={4,} )", report.stdout.split(f"_ {test} _")[1])[0]


def test_a_skipped_test_is_named_with_its_reason(report):
    assert re.search(r"SKIPPED .*test_skipped: the reason", report.stdout)


def test_every_canary_was_looked_at(report):
    assert set(re.findall(r"::(test_\w+) [A-Z]+\b", report.stdout)) == set(EXPECTED)
    assert report.returncode == 1


def test_skips_can_be_forbidden():
    arguments = ("--canaries", CANARIES, "-k", "test_skipped or test_passes_in_asyncio")
    assert run_pytest(*arguments).returncode == 0
    assert run_pytest(*arguments, "--no-skips").returncode == 1


def test_a_failure_shows_place_and_output(report):
    line = CANARIES.read_text().splitlines().index("    equal(1 + 1, 3)") + 1
    text = section(report, "test_wrong_value")
    assert f'test_canary_fails.py", line {line}, in test_wrong_value' in text
    assert "printed before the failure" in text


def test_a_wait_without_end_shows_where(report):
    assert "in _wait_for_nothing" in section(report, "test_waits_for_ever")


def test_canaries_are_not_part_of_a_normal_run():
    report = run_pytest("--collect-only", CANARIES.parent)
    assert "canary" not in report.stdout


def test_a_file_that_cannot_be_imported_fails_each_of_its_tests():
    report = run_pytest("--canaries", CANARIES.parent / "test_canary_import.py")
    for test in ("test_one", "test_two"):
        assert "no module named 'not_there'" in section(report, test)


def test_heap_companion_and_fresh_processes_are_given():
    report = run_pytest("--canaries", "-s", CANARIES.parent / "test_canary_settings.py")
    assert re.search(r"4 passed", report.stdout), report.stdout
    assert report.stdout.count("the companion was ended") == 4


def test_a_companion_that_is_not_there_is_named():
    report = run_pytest("--canaries", CANARIES.parent / "test_canary_companion.py")
    assert report.returncode == 1
    assert "names the companion 'not_there'" in section(report, "test_without_its_companion")


def test_the_report_names_interpreter_and_packages(report):
    assert re.search(r"micropython: .*MicroPython", report.stdout)
    assert re.search(r"umqtt\.simple: \S+, aioble: \S+", report.stdout)


def test_a_missing_interpreter_is_said_plainly():
    report = run_pytest("--canaries", CANARIES, "-k", "test_passes", MICROPYTHON="not-there")
    assert "MICROPYTHON=not-there is not a program" in report.stdout
    assert "passed" not in report.stdout.splitlines()[-1]
