"""Keys and signatures of releases, by the command line: what devices check is what was signed."""

import base64
import json
import os
import stat
import subprocess
import sys
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.host.release_desk import PASSPHRASE, Tool
from tools.interpreter import LIB, ROOT
from tools.release import document as documents
from tools.release import keys
from tools.release.trouble import Mistake
from tools.sim import firmware
from tools.sim.board.simulated import firmware as espressif

VECTORS = json.loads((ROOT / "tests" / "vectors" / "ota.json").read_text())


@pytest.fixture
def tool(tmp_path):
    return Tool(tmp_path)


def public_key(hexadecimal):
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(hexadecimal))


def verify(hexadecimal, document, text):
    signature = base64.b64decode(document["signature"])
    public_key(hexadecimal).verify(signature, text.encode(), ec.ECDSA(SHA256()))


def test_the_signed_text_is_that_of_the_vectors():
    given = VECTORS["document"]
    image = bytes(range(256)) * 16
    release = documents.Release.of(image, given["version"], given["hardware"], given["min_version"])
    assert release.text(given["kid"]) == VECTORS["signed_text"]
    verify(VECTORS["public_key_uncompressed"], given, release.text(given["kid"]))


def test_a_key_is_made_encrypted_and_trusted(tool):
    output = tool.keygen("k1")
    path = tool.folder / "keys" / "k1.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    private = load_pem_private_key(path.read_bytes(), PASSPHRASE.encode())
    found = {}
    exec(tool.trusted.read_text(), found)
    assert found["KEYS"] == {"k1": keys.public_hex(private)} == keys.trusted(tool.trusted)
    assert tool.trusted.read_text().startswith('"""The keys."""\n')
    assert "keygen --kid k2" in output
    assert PASSPHRASE not in output
    tool.keygen("k2")
    assert sorted(keys.trusted(tool.trusted)) == ["k1", "k2"]
    assert "k1.pem" in tool.good("keys", "--trusted", tool.trusted)


def test_the_firmware_of_this_checkout_has_a_file_that_can_be_read():
    assert isinstance(keys.trusted(LIB / "ota" / "keys.py"), dict)


def test_a_key_is_never_replaced(tool):
    tool.keygen()
    before = (tool.folder / "keys" / "k1.pem").read_bytes()
    code, output = tool.run("keygen", "--trusted", tool.trusted)
    assert (code, "already" in output) == (2, True)
    tool.good("keygen", "--kid", "k2", "--trusted", tool.trusted)
    tool.good("revoke", "k1", "--trusted", tool.trusted)
    code, output = tool.run("keygen", "--trusted", tool.trusted)
    assert (code, "a key is never replaced" in output) == (2, True)
    assert (tool.folder / "keys" / "k1.pem").read_bytes() == before


def test_a_key_that_could_not_be_stored_leaves_nothing_behind(tool, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(keys.os, "fsync", full)
        code, output = tool.run("keygen", "--trusted", tool.trusted)
    assert (code, "k1.pem: No space left on device" in output) == (2, True)
    assert keys.trusted(tool.trusted) == {}
    tool.keygen()


@pytest.mark.parametrize("broken", ['"04abc"', "7", "None"])
def test_a_public_key_that_was_damaged_by_hand_is_named(tool, broken):
    tool.trusted.write_text(f'KEYS = {{"k1": {broken}}}\n')
    code, output = tool.run("keys", "--trusted", tool.trusted)
    assert (code, output) == (2, f"release: {tool.trusted}: k1 is no public key: restore it from version control\n")


def test_a_key_that_the_firmware_could_not_be_told_of_leaves_everything_as_it_was(tool):
    tool.trusted.write_text('"""' + "The keys. " * 300 + '"""\n\nKEYS = {}\n')
    before = sorted(tool.folder.iterdir()), tool.trusted.read_text()
    command = [sys.executable, "-B", "-m", "tools", "release", "keygen", "--trusted", str(tool.trusted)]
    full = ["sh", "-c", 'ulimit -f 2; exec "$@"', "sh", *command]  # the key's file is shorter than 1 KB, the other not
    environment = {**os.environ, **tool.environment}
    answer = subprocess.run(full, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stderr) == (2, f"release: {tool.trusted}: File too large\n")
    assert list((tool.folder / "keys").iterdir()) == []
    (tool.folder / "keys").rmdir()
    assert (sorted(tool.folder.iterdir()), tool.trusted.read_text()) == before


def test_a_key_takes_the_place_of_no_other(tool):
    keys.trust("k1", "04" + "ab" * 64, tool.trusted)
    with pytest.raises(Mistake, match="trusts another key called 'k1' already"):
        keys.trust("k1", "04" + "cd" * 64, tool.trusted)
    assert keys.trusted(tool.trusted) == {"k1": "04" + "ab" * 64}


def test_a_key_is_revoked_but_not_the_last_by_accident(tool):
    tool.keygen("k1")
    tool.keygen("k2")
    tool.good("revoke", "k1", "--trusted", tool.trusted)
    assert list(keys.trusted(tool.trusted)) == ["k2"]
    code, output = tool.run("revoke", "k2", "--trusted", tool.trusted)
    assert (code, "no update ever again" in output) == (2, True)
    tool.good("revoke", "k2", "--trusted", tool.trusted, "--last")
    assert keys.trusted(tool.trusted) == {}
    assert "trusts no key" in tool.good("keys", "--trusted", tool.trusted)
    code, output = tool.run("revoke", "k9", "--trusted", tool.trusted)
    assert (code, "does not trust 'k9'" in output) == (2, True)


def test_what_is_signed_is_checked_by_cryptography_and_always_the_same(tool):
    tool.keygen()
    options = ("--hardware", "esp32-gate", "--min-version", "1.5.0", "--force", "lamp-1")
    document = json.loads(_json(tool.good("sign", tool.image, *options)))
    assert document == json.loads(_json(tool.good("sign", tool.image, *options)))
    assert (document["version"], document["force"], document["size"]) == ("2.0.0", "lamp-1", tool.image.stat().st_size)
    image = [str(document["size"]), document["sha256"]]
    text = "\n".join(["awsesp-ota-1", "k1", "ota", "2.0.0", "esp32-gate", *image, "1.5.0", "lamp-1"])
    public = keys.trusted(tool.trusted)["k1"]
    verify(public, document, text)
    with pytest.raises(InvalidSignature):
        verify(public, document, text.replace("1.5.0", "1.4.0"))
    tool.good("sign", tool.image, "--out", tool.folder / "document.json")
    assert documents.load(tool.folder / "document.json")["version"] == "2.0.0"


def _json(output):
    return output[output.index("{") :]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--version", "2.0"], "says of itself that it is 2.0.0"),
        (["--hardware", "my board"], "hardware has characters other than letters"),
        (["--hardware", "öfen"], "hardware has characters other than letters"),
        (["--force", "lämp"], "force has characters other than letters"),
        (["--min-version", "1"], "min_version is no version such as 1.2.0"),
        (["--min-version", "20.0.0"], "min_version is newer than the version itself"),
        (["--kid", "k7"], "no private key 'k7'"),
        (["--url", "http://x"], "url is no link that begins with https://"),
    ],
)
def test_what_devices_would_refuse_is_refused_here(tool, options, sentence):
    tool.keygen()
    code, output = tool.run("sign", tool.image, *options)
    assert (code, sentence in output) == (2, True), output


def test_what_is_no_image_is_not_signed(tool):
    tool.keygen()
    image = firmware.build("1.0.0", thin=True)
    cases = {
        "takes micropython.bin": (b"hello" * 100, "no image that an ESP32 starts"),
        "two images": (image + bytes(60_000) + image, "bytes behind the end of its image: it looks like firmware.bin"),
        "cut": (image[:-5], "no image that an ESP32 starts"),
        "large": (firmware.build("1.0.0", thin=True, size=0x280010), "the slots of a board with 8 MB have 2621440"),
    }
    for data, sentence in cases.values():
        tool.image.write_bytes(data)
        code, output = tool.run("sign", tool.image)
        assert (code, sentence in output) == (2, True), output
    assert tool.run("sign", tool.folder / "none.bin")[0] == 2
    tool.image.write_bytes(firmware.build("1.0.0", thin=True, size=0x280000))
    tool.good("sign", tool.image)


def test_the_name_of_an_image_tells_its_version(tool):
    tool.keygen()
    image = tool.folder / "AWSESP_ESP32-4.5.6-update.bin"
    image.write_bytes(espressif.build("1.24.0"))
    assert json.loads(_json(tool.good("sign", image)))["version"] == "4.5.6"
    code, output = tool.run("sign", image, "--version", "4.5.7")
    assert (code, "that it is 4.5.6" in output) == (2, True)


def test_what_cannot_be_made_or_written_is_told_in_a_sentence(tool, tmp_path):
    tool.keygen()
    nowhere = tmp_path / "none" / "file"
    for words in (["image", "--version", "1.1.0", "--thin"], ["sign", tool.image, "--version", "2.0.0"]):
        code, said = tool.run(*words, "--out", nowhere)
        assert code == 2
        assert said.endswith(f"release: {nowhere}: No such file or directory\n")
    code, said = tool.run("image", "--version", "1.x", "--out", tmp_path / "image")
    assert (code, said) == (2, "release: --version 1.x: say x.y.z, three numbers, such as 1.1.0\n")


def test_of_several_keys_none_is_guessed(tool):
    tool.keygen("k1")
    tool.keygen("k2")
    code, output = tool.run("sign", tool.image)
    assert (code, "say --kid, one of: k1, k2" in output) == (2, True)


@pytest.mark.parametrize(
    ("curve", "encryption", "sentence"),
    [
        (ec.SECP384R1(), BestAvailableEncryption(PASSPHRASE.encode()), "is no P-256 key"),
        (ec.SECP256R1(), NoEncryption(), "is not encrypted"),
    ],
)
def test_a_key_of_another_kind_signs_nothing(tool, curve, encryption, sentence):
    folder = tool.folder / "keys"
    folder.mkdir()
    pem = ec.generate_private_key(curve).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (folder / "k1.pem").write_bytes(pem)
    code, output = tool.run("sign", tool.image)
    assert (code, sentence in output) == (2, True), output


def test_beware_is_said_of_a_key_that_is_not_trusted_and_of_an_image_for_large_slots(tool, monkeypatch):
    tool.keygen()
    assert "does not trust this k1" in tool.good("sign", tool.image)
    found = keys.trusted(tool.trusted)
    monkeypatch.setattr(keys, "trusted", lambda: found)
    assert "beware" not in tool.good("sign", tool.image)
    tool.image.write_bytes(firmware.build("2.0.0", thin=True, size=0x180010))
    assert "beware: larger than the slots of boards with 4 MB" in tool.good("sign", tool.image)


@pytest.mark.parametrize(
    ("chip", "hardware", "said"),
    [
        *((0, "esp32-gate", ""), (9, "ESP32-S3", ""), (9, "gate", "")),
        *((9, "esp32-gate", "esp32s3"), (0, "esp32s3", "esp32")),
    ],
)
def test_beware_is_said_of_an_image_for_another_chip_than_its_hardware(tool, chip, hardware, said):
    tool.keygen()
    data = tool.image.read_bytes()[:-32]
    data = data[:12] + chip.to_bytes(2, "little") + data[14:]
    tool.image.write_bytes(data + sha256(data).digest())
    output = tool.good("sign", tool.image, "--hardware", hardware)
    found = f"beware: an image for {said}, released for the hardware {hardware}\n" in output
    assert (found, "an image for" in output) == (bool(said), bool(said))
