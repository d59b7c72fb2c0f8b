"""`python -m tools new`: what it makes works at once, in a folder of its own."""

import subprocess
import sys

import pytest

from tools.interpreter import ROOT


def new(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "tools", "new", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)


def test_a_new_application_passes_its_own_tests_on_a_simulated_board(tmp_path):
    answer = new(tmp_path / "my-lamp")
    assert answer.returncode == 0, answer.stderr
    assert "make test" in answer.stdout
    texts = {path.name: path.read_text() for path in (tmp_path / "my-lamp").rglob("*") if path.is_file()}
    assert {"main.py", "Makefile", "README.md", ".gitignore", "settings.example.json"} <= texts.keys()
    assert not [name for name, text in texts.items() if "{{" in text]
    assert "settings.json" in texts[".gitignore"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=tmp_path / "my-lamp", env=environment, capture_output=True, text=True, timeout=150
    )
    assert run.returncode == 0, run.stdout[-3000:]
    assert "3 passed" in run.stdout


def test_its_makefile_finds_the_checkout(tmp_path):
    folder = tmp_path / "all of mine" / "my-lamp"
    new(folder)
    (folder / "checkout of it").symlink_to(ROOT)
    words = ["make", "-n", "flash", "PORT=/dev/ttyX", "AWSESP=checkout of it"]
    answer = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0, answer.stderr
    assert f"--main '{folder}/main.py'" in answer.stdout
    quiet = ["make", "--no-print-directory"]  # which it says where make runs the tests
    verbs = subprocess.run(quiet, cwd=folder, capture_output=True, text=True, timeout=30).stdout
    assert [line.split()[0] for line in verbs.splitlines()[1:]] == ["help", "test", "sim", "flash", "monitor"]


@pytest.mark.parametrize("name", ["7up", "a/b c", "x" * 33])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    answer = new(tmp_path / name)
    assert answer.returncode == 1
    assert "is no good name" in answer.stderr


def test_without_a_name_it_says_how_to_give_one():
    answer = new()
    assert answer.returncode == 1
    assert answer.stderr == "new: say which folder: make new NAME=../my-lamp\n"


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "lamp").mkdir()
    (tmp_path / "lamp" / "notes.txt").write_text("mine")
    answer = new(tmp_path / "lamp")
    assert answer.returncode == 1
    assert "is there already" in answer.stderr
    assert [path.name for path in (tmp_path / "lamp").iterdir()] == ["notes.txt"]
