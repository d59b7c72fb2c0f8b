"""The documentation: it builds without a warning, and says what the code says."""

import re
import socket
import subprocess
import sys

import pytest

from tools.docs import cli, codes, events
from tools.interpreter import ROOT

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "firmware" / "README.md",
                *(ROOT / "examples").rglob("*.md")])  # fmt: skip


def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    api = (tmp_path / "api.html").read_text()
    assert "device.aws" in (tmp_path / "application.html").read_text()
    for name in ("awsesp.run", "device.Device", "aws.client.Aws", "aws.shadow.Shadow", "errors.DeviceError"):
        assert f'id="{name}"' in api
    assert 'href="shadow/index.html"' in (tmp_path / "examples" / "index.html").read_text()


def test_a_port_that_is_taken_is_told_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "tools", "docs", "--serve", "--port", port]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"docs: port {port} cannot be used (address already in use): choose another by --port\n"


@pytest.mark.parametrize(("serve", "code"), [(False, 130), (True, 0)])
def test_ctrl_c_is_the_end_of_what_is_served_and_no_success_of_a_build(monkeypatch, serve, code):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.subprocess, "run", interrupted)
    monkeypatch.setattr(cli, "_require_free", lambda port: None)
    with pytest.raises(SystemExit) as end:
        cli.main(serve=serve, port=8001)
    assert end.value.code == code


def test_troubleshooting_has_every_code_with_its_sentence():
    text = codes.PAGE.read_text(encoding="utf-8")
    assert text == codes.updated(text), "run: python -m tools docs"
    assert "| `wrong_password` | Wi-Fi … refused the password: check it and configure it again. |" in text


def test_events_has_every_event_that_the_firmware_can_tell():
    text = events.PAGE.read_text(encoding="utf-8")
    assert text == events.updated(text), "run: python -m tools docs"
    assert events.names() == set(re.findall(r"^\| `([a-z.]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_verbs_that_are_named_exist(page):
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)\b", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= verbs, named - verbs


def test_the_architecture_names_every_file_that_is_not_in_a_folder():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = {path.stem for path in (ROOT / "lib").glob("*.py")}
    assert {name for name in files if f"`{name}`" not in text} == set()


def test_every_application_in_a_guide_runs_in_a_story():
    stories = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "stories").glob("test_*.py"))
    for page in (ROOT / "docs").glob("*.md"):
        block = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        if block and "awsesp.run(" in block[1] and page.stem != "application":  # that one is main.py, in short
            assert re.search(rf'(application_of|start)\("{page.stem}"', stories), page
