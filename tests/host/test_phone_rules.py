"""What the phone page accepts and says, against the rules of the device: settings, codes, and its own."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import errors
import settings_checks
from ble import code_table, framing, setup_code
from tests.host.phone_node import PAGE

# the same rules as lib


def refuses(check, value):
    try:
        check("field", value)
    except errors.PersonError:
        return True
    return False


VALUES = ["", "a", "a" * 8, "a" * 32, "a" * 33, "a" * 36, "a" * 37, "a" * 63, "a" * 64, "g" * 64, "a" * 65,
          "ä" * 16, "ä" * 17, "a" * 128, "a" * 129, "1234567", "pässword", "has space", " ~" * 4, "tab\there!",
          "nul\0byte", "https://a.b", "a.b/c", "a.b:8883", "a.b", "-a.b", "a-.b", "a..b", "1.2.3.4", "1.2.3",
          "256.1.1.1", "1.2.3.4.5", "abc123-ats.iot.eu-west-1.amazonaws.com", "a_b", "a:b", "a b", "ab.c" * 64,
          "x" * 64 + ".b", ".".join(["a"] * 127), "a.", "a.0x1", None]  # fmt: skip
RULES = {
    "ssid": settings_checks.ssid,
    "password": settings_checks.password,
    "endpoint": settings_checks.endpoint,
    "host": settings_checks.host,
    "thing": lambda path, value: settings_checks.word(path, value, 128, ":_-"),
    "template": lambda path, value: settings_checks.word(path, value, 36, "_-"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_page_accepts_what_the_device_accepts(node, rule):
    script = (
        "async (load, _, rule, values) => { const limits = await load('limits'); return values.map(limits[rule]); }"
    )
    refused = dict(zip(VALUES, map(bool, node.script(script, rule, VALUES)), strict=True))
    assert refused == {value: refuses(RULES[rule], value) for value in VALUES}


def test_numbers_are_those_of_the_device(node):
    script = """async (load) => {
      const [limits, framing, { CODES }] = [await load("limits"), await load("framing"), await load("codes")];
      return [limits.MAX_NETWORKS, limits.ROLES, framing.LARGEST, framing.HEADER, framing.GAP_MS, CODES];
    }"""
    networks, roles, largest, header, gap_ms, numbers = node.script(script)
    assert (networks, tuple(roles)) == (settings_checks.MAX_NETWORKS, settings_checks.ROLES)
    assert (largest, header, gap_ms) == (framing.LARGEST, framing.HEADER, framing.GAP_MS)
    assert numbers == {code_table.find(number)[0]: number for number in code_table.numbers()}


@pytest.mark.parametrize(
    "port, fine", [(1, True), (65535, True), (0, False), (65536, False), (1.5, False), (None, False)]
)
def test_ports_are_accepted_as_the_device_does(node, port, fine):
    assert (node.call("limits.port", port) == "") is fine


@settings(max_examples=50)
@given(st.binary(min_size=10, max_size=10), st.sampled_from(["", "-", " ", "."]), st.booleans())
def test_setup_codes_are_read_as_typed(node, code, separator, lower):
    typed = setup_code.text(code).replace("-", separator)
    assert node.call("setup-code.parse", typed.lower() if lower else typed) == {"bytes": code}
    link = setup_code.link("https://example.org/", code)
    assert node.call("setup-code.fromLink", link.split("/")[-1]) == setup_code.text(code)
    assert node.call("setup-code.grouped", link) == setup_code.text(code), "pasted into the field"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "AAIS-EM2E-KVTH-PCE",
        "AAIS-EM2E-KVTH-PCEZA",
        "AAIS-EM2E-KVTH-PCE1",
        "AAIS-EM2E-KVTH-PCE9",
        "ÄAIS-EM2E-KVTH-PCEZ",
    ],
)
def test_what_is_no_setup_code_is_told(node, typed):
    answer = node.call("setup-code.parse", typed)
    assert answer["problem"] and "bytes" not in answer
    assert typed == "" or typed not in answer["problem"]
    assert node.call("setup-code.fromLink", "#" + typed) == ""


# structure


def code_of(path):
    """The file without its comments."""
    return re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def imports_of(path):
    return re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8"))


def test_the_protocol_knows_no_page_and_the_view_no_protocol():
    for path in (PAGE / "protocol").glob("*.js"):
        assert not re.search(r"\b(document\.(get|query|create|body)|window|navigator)\b", code_of(path)), path.name
        assert all(name.startswith("./") for name in imports_of(path)), path.name
    for path in (PAGE / "view").glob("*.js"):
        assert all(name.startswith("./") for name in imports_of(path)), path.name


def test_nothing_is_stored_and_nothing_comes_from_elsewhere():
    for path in PAGE.rglob("*.*"):
        if path.suffix not in (".js", ".html", ".css"):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie", text), path.name
        assert not re.search(r'(src|href|url|import)[=(\s]+["\']?https?:', text), path.name


def test_every_code_has_words_and_a_way_on(node):
    script = (
        "async (load) => { const { CODES, KINDS, WAYS } = await load('view/words'); return { CODES, KINDS, WAYS }; }"
    )
    words = node.script(script)
    assert sorted(map(int, words["CODES"])) == code_table.numbers()
    for entry in [*words["CODES"].values(), *words["KINDS"].values()]:
        assert entry["title"] and entry["text"] and entry["ways"]
        assert set(entry["ways"]) <= words["WAYS"].keys()
