"""The passphrase of a release key: asked for last, and a new one judged at once."""

import os
import sys

import pytest

from tests.host.release_desk import PASSPHRASE, Tool
from tests.host.terminal import Terminal
from tools.release import keys


@pytest.fixture
def tool(tmp_path):
    return Tool(tmp_path)


def test_the_passphrase_is_asked_for_or_in_the_environment(tool):
    tool.keygen()
    code, output = tool.run("sign", tool.image, RELEASE_PASSPHRASE="wrong passphrase")
    assert (code, "not its passphrase" in output) == (2, True)
    code, output = tool.run("sign", tool.image, RELEASE_PASSPHRASE="")
    assert (code, "RELEASE_PASSPHRASE" in output) == (2, True)
    code, output = tool.run("keygen", "--kid", "k2", "--trusted", tool.trusted, RELEASE_PASSPHRASE="short")
    assert (code, "at least 8 characters" in output) == (2, True)
    assert list(keys.trusted(tool.trusted)) == ["k1"]


def test_what_cannot_be_done_is_told_before_a_passphrase_is_wanted(tool):
    tool.keygen()
    code, output = tool.run("sign", tool.image, "--hardware", "my board", RELEASE_PASSPHRASE="")
    assert (code, "hardware has characters other than letters" in output) == (2, True), output
    code, output = tool.run("sign", tool.image, "--out", tool.folder / "none" / "file", RELEASE_PASSPHRASE="")
    assert (code, output) == (2, f"release: {tool.folder}/none/file: No such file or directory\n")


def test_a_new_passphrase_is_judged_before_anything_is_made(tool):
    tool.keygen()
    for bad, sentence in {"short": "at least 8 characters", "x" * 1024: "at most 1023 bytes"}.items():
        words = ("keygen", "--kid", "k2", "--trusted", tool.trusted, "--keys", tool.folder / "new")
        code, output = tool.run(*words, RELEASE_PASSPHRASE=bad)
        assert (code, sentence in output) == (2, True), output
    assert not (tool.folder / "new").exists()
    for kid, sentence in {"k1": "a key is never replaced", "k/9": "is no key id"}.items():
        other = tool.folder / "other.py"
        other.write_text("\nKEYS = {}\n")
        code, output = tool.run("keygen", "--kid", kid, "--trusted", other, RELEASE_PASSPHRASE="")
        assert (code, sentence in output) == (2, True), output  # not: a passphrase is wanted


def test_in_a_terminal_a_short_passphrase_is_asked_for_again_at_once(tool):
    command = [sys.executable, "-m", "tools", "release", "keygen", "--trusted", str(tool.trusted)]
    environment = {**os.environ, **tool.environment, "RELEASE_PASSPHRASE": ""}
    with Terminal(command, environment) as person:
        person.answer("Passphrase for the new key k1: ", "short")
        person.see("take at least 8 characters")
        person.answer("Passphrase for the new key k1: ", PASSPHRASE)
        person.answer("The same once more: ", PASSPHRASE + "!")
        person.see("two different ones")
        person.answer("Passphrase for the new key k1: ", PASSPHRASE)
        person.answer("The same once more: ", PASSPHRASE)
        assert person.wait() == 0, person.text
    assert PASSPHRASE not in person.text
    assert keys.public_hex(keys.load("k1", tool.folder / "keys", PASSPHRASE)) == keys.trusted(tool.trusted)["k1"]


def test_in_a_terminal_a_wrong_passphrase_may_be_typed_again_but_not_for_ever(tool):
    tool.keygen()
    command = [sys.executable, "-m", "tools", "release", "sign", str(tool.image)]
    environment = {**os.environ, **tool.environment, "RELEASE_PASSPHRASE": ""}
    for typed, code in ((["wrong one", PASSPHRASE], 0), (["wrong one"] * 3, 2)):
        with Terminal(command, environment) as person:
            for number, each in enumerate(typed):
                if number:
                    person.see("that is not its passphrase")
                person.answer("Passphrase of the key k1: ", each)
            assert person.wait() == code, person.text
        assert ('"signature": ' in person.text) is (code == 0)


def test_a_passphrase_is_taken_in_any_encoding(tool):
    latin = b"gr\xfc\xdfe an alle".decode("utf-8", "surrogateescape")
    assert tool.run("keygen", "--trusted", tool.trusted, RELEASE_PASSPHRASE=latin)[0] == 0
    assert tool.run("sign", tool.image, RELEASE_PASSPHRASE=latin)[0] == 0
