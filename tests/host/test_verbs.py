"""The command line explains itself, and `make` says what is missing on the machine, in one line."""

import re
import signal
import subprocess
import sys

import pytest

from tools.__main__ import VERBS
from tools.interpreter import ROOT
from tools.verbs.test import in_processes


def run(*command):
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=60)


def tools(*arguments):
    return run(sys.executable, "-m", "tools", *arguments)


def test_help_names_every_verb():
    answer = tools("--help")
    assert answer.returncode == 0
    for verb in VERBS:
        assert re.search(rf"\b{verb}\b", answer.stdout)


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"test"}))
def test_every_verb_has_its_own_help(verb):
    answer = tools(verb, "--help")
    assert answer.returncode == 0, answer.stderr
    assert f"python -m tools {verb}" in answer.stdout


def test_help_is_whole_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    said = tools("flash", "--help").stdout
    assert max(map(len, said.splitlines())) <= 60
    assert {"--programs-only", "--lines / --no-lines", "--watch / --no-watch"} <= set(
        re.findall(r"^  (--.*?)  +", said, re.M)
    )


@pytest.mark.parametrize("words", [[], ["release"], ["cloud", "--help"]])
def test_no_sentence_of_a_list_is_cut_off(words):
    answer = tools(*words)
    assert "Commands:" in answer.stdout + answer.stderr
    assert "..." not in (answer.stdout + answer.stderr).partition("Commands:")[2]


def test_a_mistyped_verb_is_refused_with_the_one_like_it():
    answer = tools("flsh")
    assert answer.returncode == 2
    assert "'flash'" in answer.stderr


def test_help_loads_no_verb():
    heavy = "boto3 aiohttp cryptography tools.demo tools.cloud tools.sim"
    answer = run(sys.executable, "-c", f"import sys, tools.__main__; print(set({heavy!r}.split()) & set(sys.modules))")
    assert answer.stdout.strip() == "set()"


def test_ctrl_c_while_a_verb_is_loaded_ends_it_quietly(tmp_path):
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt\n")
    load = f"import sys, tools.__main__ as t; sys.path.insert(0, {str(tmp_path)!r}); t.VERBS['slow'] = ('slow', '')"
    answer = run(sys.executable, "-c", load + "; t.main(['slow'])")
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "")


def test_ctrl_c_before_the_command_line_is_read_shows_no_source(tmp_path):
    (tmp_path / "typer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)\n")
    answer = run("env", f"PYTHONPATH={tmp_path}", sys.executable, "-m", "tools", "sim")
    assert (answer.returncode, answer.stdout, answer.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("bench --heap lots", "bench: heap 'lots' is no size"),
        ("bench --heap 5", "bench: --heap 5: say 16k to 64m"),
        ("qualify --scale 0 --list", "'--scale'"),
        ("qualify --port 0 --list", "'--port'"),
        ("soak --bound 0 --minutes 0.1 --devices 1", "'--bound'"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused_at_once(words, complaint):
    answer = tools(*words.split())
    assert answer.returncode in (1, 2)
    assert complaint in answer.stderr
    assert len(answer.stderr.splitlines()) <= 4


def test_make_alone_lists_what_it_can_do():
    answer = run("make", "-s")
    assert answer.returncode == 0
    listed = set(re.findall(r"^  ([a-z]+) +\S", answer.stdout, re.MULTILINE))
    assert {"demo", "test", "flash"} < listed
    assert listed - {"help", "clean"} <= VERBS.keys()


def test_an_example_that_is_not_there_is_told_with_those_that_are():
    answer = run("make", "-n", "sim", "EXAMPLE=lamp")
    assert answer.returncode == 2
    assert "there is no example 'lamp'" in answer.stderr
    assert "shadow" in answer.stderr
    assert "--main examples/shadow/main.py" in run("make", "-n", "sim", "EXAMPLE=shadow").stdout


def fake_python(folder, says):
    """A `python3` that answers every question about itself with the exit code `says` gives it."""
    program = folder / "python3"
    program.write_text(f'#!/bin/sh\ncase "$*" in {says} --version) echo Python 3.9.2;; *) exit 0;; esac\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("*version_info*) exit 1;;", "Python 3.10 or later is needed; this is Python 3.9.2"),
        ("*ensurepip*) exit 1;;", "has no venv: on Debian and Ubuntu, apt install python3-venv"),
    ],
)
def test_make_says_which_python_it_needs(tmp_path, says, message):
    answer = run("make", f"VENV={tmp_path}/venv", f"PYTHON={fake_python(tmp_path, says)}", "demo")
    assert answer.returncode == 2
    assert message in answer.stderr
    assert not (tmp_path / "venv").exists()


def test_make_says_that_python_is_not_there(tmp_path):
    answer = run("make", f"VENV={tmp_path}/venv", "PYTHON=not-there", "demo")
    assert answer.returncode == 2
    assert "'not-there' is not there" in answer.stderr


def test_of_two_verbs_at_once_one_installs_and_the_other_waits(tmp_path):
    python = tmp_path / "python3"
    python.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/log\n'
        f'case "$*" in *--clear*) sleep 0.5; mkdir -p {tmp_path}/venv/bin; cp $0 {tmp_path}/venv/bin/python;; esac\n'
    )
    python.chmod(0o755)
    command = ["make", f"VENV={tmp_path}/venv", f"PYTHON={python}", f"{tmp_path}/venv/base.installed"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    verbs = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    for verb in verbs:
        said = verb.communicate(timeout=60)[0]
        assert verb.returncode == 0, said
    log = (tmp_path / "log").read_text()
    assert (log.count("--clear"), log.count("--group base")) == (1, 1)


@pytest.mark.parametrize("arguments", [["tests/host/test_new.py"], ["-n", "0"], ["-x", "tests"], ["--co"]])
def test_chosen_tests_run_in_one_process(arguments):
    assert in_processes(arguments) == arguments


def test_all_tests_run_in_several_processes():
    assert in_processes(["-x"])[-1] == "-x"
    assert "--dist" in in_processes([])
