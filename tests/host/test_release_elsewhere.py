"""Updates that were signed elsewhere: `publish --document` checks at the desk what devices would check later."""

import json

import pytest

from tests.host.release_desk import Tool
from tools.cloud import LocalCloud
from tools.release import keys

NOBODY = ("--endpoint-url", "http://127.0.0.1:9")  # where no account answers: what is refused before it is asked


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        cloud.iot().create_thing(thingName="lamp-1")
        yield cloud


@pytest.fixture(autouse=True)
def no_job_is_left(cloud):
    yield
    for job in cloud.iot().list_jobs()["jobs"]:
        cloud.iot().delete_job(jobId=job["jobId"], force=True)


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    tool = Tool(tmp_path_factory.mktemp("release"))
    tool.keygen()
    return tool


def publish(tool, cloud, *options):
    return tool.run("publish", tool.image, "--endpoint-url", cloud.control_url, "--thing", "lamp-1", *options)


def test_what_a_signed_document_says_otherwise_is_not_left_out_without_a_word(tool, cloud):
    file = tool.folder / "signed.json"
    tool.good("sign", tool.image, "--out", file, "--hardware", "c3")
    others = {"--min-version": "1.5.0", "--force": "lamp-1", "--hardware": "c6", "--kid": "k9", "--version": "2.0.1"}
    for option, value in others.items():
        code, output = publish(tool, cloud, "--document", file, option, value, "--detach")
        assert (code, f"{option} {value}: the signed --document says" in output) == (2, True), output
    assert not cloud.iot().list_jobs()["jobs"]
    for hardware in ((), ("--hardware", "c3")):
        publish(tool, cloud, "--document", file, *hardware, "--detach")
    assert len(cloud.iot().list_jobs()["jobs"]) == 2


def test_a_document_for_another_image_is_refused_before_the_account_is_asked(tool):
    file = tool.folder / "signed.json"
    tool.good("sign", tool.image, "--out", file)
    changes = {"size": (17, "it says 17 bytes, and "), "sha256": ("0" * 64, "it says another SHA-256 than that of ")}
    for field, (value, sentence) in changes.items():
        file.write_text(json.dumps({**json.loads(file.read_text()), field: value}))
        code, output = tool.run("publish", tool.image, "--document", file, "--thing", "lamp-1", *NOBODY)
        assert (code, f"{file} was signed for another image: {sentence}" in output) == (2, True), output
        tool.good("sign", tool.image, "--out", file)


def test_a_document_that_no_key_of_the_devices_signed_is_refused_as_early(tool, tmp_path, monkeypatch):
    signed, changed, words = tmp_path / "signed.json", tmp_path / "changed.json", ("--thing", "lamp-1", *NOBODY)
    tool.good("sign", tool.image, "--out", signed)
    changed.write_text(json.dumps({**json.loads(signed.read_text()), "hardware": "esp32s3"}))
    monkeypatch.setattr(keys, "TRUSTED", tool.trusted)
    code, output = tool.run("publish", tool.image, "--document", changed, *words)
    sentence = f"release: {changed}: the signature is not that of the k1 in {tool.trusted}: "
    assert (code, output.startswith(sentence)) == (2, True), output
    code, output = tool.run("publish", tool.image, "--document", signed, *words)
    assert (code, "is it running" in output, "beware" in output) == (1, True, False), output


def test_a_document_for_another_firmware_is_judged_by_that_firmwares_keys(tool, cloud, tmp_path, monkeypatch):
    other = Tool(tmp_path)
    other.keygen("k1")  # the same id, another key
    file = tmp_path / "signed.json"
    other.good("sign", tool.image, "--out", file)
    monkeypatch.setattr(keys, "TRUSTED", tool.trusted)
    words = ("--document", file, "--detach")
    code, output = publish(tool, cloud, *words)
    assert (code, "say --trusted FILE" in output) == (2, True), output
    assert not cloud.iot().list_jobs()["jobs"]
    code, output = publish(tool, cloud, *words, "--trusted", other.trusted)
    assert (code, "beware" in output) == (0, False), output
    other.keygen("k2")
    other.good("sign", tool.image, "--out", file, "--kid", "k2")
    code, output = publish(tool, cloud, *words)  # an id that this checkout does not know: as `sign` says it
    assert (code, "beware: the firmware of this checkout does not trust this k2: " in output) == (0, True), output
    code, output = publish(tool, cloud, *words, "--trusted", tool.trusted)
    refusal = f"it is signed with k2, which {tool.trusted} does not trust; it trusts: k1\n"
    assert (code, refusal in output) == (2, True), output


def test_what_is_signed_now_is_judged_by_the_keys_that_are_named(tool, cloud, tmp_path):
    other = Tool(tmp_path)
    code, output = publish(tool, cloud, "--trusted", other.trusted, "--detach")
    assert (code, "does not trust; it trusts: no key\n" in output) == (2, True), output
    assert not cloud.iot().list_jobs()["jobs"]
