"""A settings file as people write it: whatever encoding an editor has is read, whatever is wrong is told in words."""

import json

import pytest

from tests.host import pki
from tools import person_json
from tools.board import bundle

ROOT = pki.EC_PEM.decode()
DOCUMENT = {"networks": [{"ssid": "Z\u00fcrich \U0001f600", "password": None}]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("is_ascii", [True, False])
def test_settings_in_every_encoding_reach_the_board_in_utf_8(tmp_path, encoding, is_ascii):
    path = tmp_path / "settings.json"
    path.write_bytes(json.dumps(DOCUMENT, ensure_ascii=is_ascii, indent=2).replace("\n", "\r\n").encode(encoding))
    file = bundle.settings(path)[0]
    assert json.loads(file.data.decode()) == DOCUMENT
    assert "\U0001f600".encode() in file.data


def test_a_pem_may_be_pasted_as_it_is(tmp_path):
    text = '{"certs": [{"role": "ca", "cert": "%s"}]}' % ROOT.replace("\n", "\r\n")
    path = tmp_path / "settings.json"
    path.write_text(text, newline="")
    file = bundle.settings(path)[0]
    assert json.loads(file.data)["certs"][0]["cert"].split() == ROOT.split()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{\n  // the network\n  "aws": {}}', "line 2 column 3 (char 4). JSON has no comments"),
        (b'{"aws": {},}', "no comma behind the last entry"),
        (b"{'aws': {}}", "double quotes"),
        ('{"hostname": "\u00fc"}'.encode("latin-1"), "not in UTF-8"),
        (b'{"hostname": "\\ud83d"}', "half a character"),
        (b"[" * 100_000, "too deeply"),
        (b'{"app": {"limit": NaN}}', "a number in it is NaN"),
        (b'{"app": {"limit": 1e999}}', "as good as infinite"),
        (b'{"app": {"limit": %s}}' % (b"9" * 5000), "thousands of digits"),
        (b"", "line 1 column 1"),
    ],
)
def test_what_is_wrong_is_told_in_words(tmp_path, data, words):
    with pytest.raises(ValueError) as raised:
        person_json.parse(data)
    assert words in str(raised.value)
    path = tmp_path / "settings.json"
    path.write_bytes(data)
    with pytest.raises(bundle.BundleError, match="is not JSON"):
        bundle.settings(path)
