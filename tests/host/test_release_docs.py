"""docs/ota.md says what the release tool does: its policies cover the calls, its commands exist."""

import json
import re

from typer.testing import CliRunner

from tools.interpreter import ROOT
from tools.release.cli import app

TEXT = (ROOT / "docs" / "ota.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tools" / "release").glob("*.py"))
LOCAL_ONLY = {"s3:CreateBucket"}


def test_a_releaser_may_do_what_the_tool_calls_and_nothing_else():
    found = re.findall(r"\b_?(iot|s3)\.(?:get_paginator\(\"(\w+)\"\)|(\w+)\()", SOURCES)
    called = {f"{service}:{_camel(paged or plain)}" for service, paged, plain in found if plain != "get_paginator"}
    allowed = {action for policy in policies() for action in _actions(policy)} - {"sts:AssumeRole", "s3:GetObject"}
    assert called - LOCAL_ONLY == allowed - {"iam:PassRole"}


def test_every_command_line_in_it_is_understood():
    lines = re.findall(
        r"(?:tools release|make release ARGS=\") ?(.*?)(?:\"| {2,}#|$)", TEXT.replace("\\\n", " "), re.MULTILINE
    )
    commands = {line.split()[0] for line in lines if line and line.split()[0].isalpha()}
    assert {"keygen", "revoke", "keys", "sign", "publish", "list", "follow", "cancel", "image"} <= commands
    for command in commands:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command
    options = {word for line in lines for word in line.split() if word.startswith("--")}
    helped = "".join(CliRunner().invoke(app, [command, "--help"]).output for command in commands)
    assert {option for option in options if option not in helped} == set()


def policies():
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL) if "Statement" in block]


def _actions(policy):
    for statement in policy["Statement"]:
        actions = statement["Action"]
        yield from [actions] if isinstance(actions, str) else actions


def _camel(name):
    return "".join(word.capitalize() for word in name.split("_"))
