"""`make demo` that is stopped on its way: it ends at once and leaves nothing behind."""

import os
import signal
import subprocess
import sys

import pytest

from tools.interpreter import ROOT


@pytest.mark.parametrize(
    ("number", "code", "chapter"), [(signal.SIGINT, 130, "Power on"), (signal.SIGTERM, 143, "finds the device")]
)
def test_stopped_demo_cleans_up(tmp_path, number, code, chapter):
    with subprocess.Popen(
        [sys.executable, "-m", "tools", "demo"],
        cwd=ROOT,
        env=dict(os.environ, PYTHONUNBUFFERED="1", TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert any(chapter in line for line in process.stdout)
            assert list(tmp_path.glob("awsesp-desk-*"))
            process.send_signal(number)
            rest = process.stdout.read()  # ends when the device's process, which has the same output, has ended, too
            assert process.wait(20) == code, rest
        finally:
            process.kill()
    assert "Stopped; everything is cleaned up." in rest
    assert "Traceback" not in rest
    assert not list(tmp_path.glob("awsesp-desk-*"))


def test_terminal_without_utf8_is_no_obstacle(tmp_path):
    environment = dict(os.environ, PYTHONIOENCODING="ascii", TMPDIR=str(tmp_path))
    demo = [sys.executable, "-m", "tools", "demo"]
    answer = subprocess.run(demo, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "What you have seen" in answer.stdout
    assert "make cloud, and make sim in a second terminal" in " ".join(answer.stdout.split())  # the way on
