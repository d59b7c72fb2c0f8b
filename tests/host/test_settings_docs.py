"""docs/settings.md says what the code does: its tables are those of the code, its example loads."""

import json
import re
from pathlib import Path

import pytest

import settings
import settings_certs
import settings_checks
import settings_documents
import settings_numbers
import settings_schema

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
SOURCE = (ROOT / "lib" / "settings_numbers.py").read_text(encoding="utf-8")
ROW = re.compile(r'^    \("(\w+)", (\w+), (\d+), (\d+)\),  # (.+)$', re.MULTILINE)


def documented():
    """{field: [default, allowed, meaning]} of the tables in the docs."""
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", DOCS, re.MULTILINE)
    return {field: [cell.strip() for cell in rest.split("|")] for field, rest in rows}


def in_code(table):
    """{field: [default, allowed, meaning]} of one table of numbers in the source: the comment is the meaning."""
    body = re.search(rf"^{table} = \(\n(.*?)^\)", SOURCE, re.DOTALL | re.MULTILINE)[1]
    return {
        f"{table.lower()}.{name}": ["null" if default == "None" else default, f"{least} to {most}", meaning]
        for name, default, least, most, meaning in ROW.findall(body)
    }


@pytest.mark.parametrize("table", ["LIMITS", "TIMEOUTS", "PINS"])
def test_numbers_in_the_docs_are_those_of_the_code(table):
    rows = in_code(table)

    assert len(rows) == len(getattr(settings_numbers, table))
    assert {name: row for name, row in documented().items() if name.startswith(table.lower() + ".")} == rows


def test_every_other_field_is_documented_and_none_that_is_not():
    groups = ("limits", "timeouts", "pins")
    fields = {name for name in settings_checks.FIELDS if name not in groups}
    fields |= {f"aws.{name}" for name in settings_documents.AWS_FIELDS}
    fields |= {f"networks[].{name}" for name in settings_documents.NETWORK_FIELDS}
    fields |= {f"certs[].{name}" for name in settings_certs.CERT_FIELDS}
    fields |= {"servers.ntp", "jobs.allow", "health.every_s", "health.to", "outbox.place", "outbox.when_full"}

    assert {name for name in documented() if name.split(".")[0] not in groups} == fields


def test_defaults_in_the_docs_are_what_a_device_without_settings_has():
    bare, docs = settings.load(None), documented()

    assert json.loads(docs["hardware"][0]) == bare.hardware
    for name in ("prefix", "page", "hostname"):
        assert json.loads(docs[name][0]) == getattr(bare, name)
    assert json.loads(docs["security"][0]) == bare.security
    assert int(docs["aws.port"][0]) == bare.aws.port
    assert json.loads(f"[{docs['servers.ntp'][0]}]") == bare.servers.ntp
    assert json.loads(f"[{docs['jobs.allow'][0]}]") == bare.jobs.allow
    assert json.loads(docs["outbox.place"][0]) == bare.outbox.place
    assert json.loads(docs["outbox.when_full"][0]) == bare.outbox.when_full


def test_example_of_the_docs_loads_without_a_warning():
    example = json.loads(re.search(r"```json\n(.*?)```", DOCS, re.DOTALL)[1])
    del example["certs"]  # shortened: the next error would be about its dots
    loaded = settings.load(json.dumps(example))

    assert loaded.warnings == []
    assert loaded.missing() == [
        "a trusted root (certs, role ca)",
        "thing or claim credentials (certs, role thing or claim)",
    ]


def test_names_of_the_original_library_are_those_of_the_code():
    names = {old for old, _ in settings_schema._ORIGINAL_AWS}
    names |= {name for row in settings_schema._ORIGINAL_CERTS for name in row[1:] if name}
    section = DOCS.split("## Schema")[1]

    assert {name for name in names if f"`{name}`" not in section} == set()


def test_every_number_is_read_by_the_firmware():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lib").rglob("*.py"))
    names = [field for table in ("LIMITS", "TIMEOUTS", "PINS") for field in in_code(table)]

    assert [name for name in names if not re.search(rf"\b{name.split('.')[0]}\.{name.split('.')[1]}\b", code)] == []
