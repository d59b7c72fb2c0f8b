"""docs/ota.md says what the device does: its worked signature verifies, its reasons are those of the firmware."""

import asyncio
import hashlib
import json
import re

from ota import document
from tools.interpreter import LIB, ROOT

TEXT = (ROOT / "docs" / "ota.md").read_text(encoding="utf-8")
CODE = ("lib/ota/*.py", "lib/update_job.py", "lib/updating.py", "lib/updates.py", "lib/trial.py")
# Raised on the way, too, and told by another name, or said in the row of its neighbours.
ELSEWHERE = {"not_supported"}


def test_the_worked_document_is_the_vector_and_its_signature_is_good():
    vector = json.loads((ROOT / "tests" / "vectors" / "ota.json").read_text())
    worked = json.loads(re.search(r"```json\n(\{\n  \"operation\".*?)```", TEXT, re.DOTALL)[1])
    assert worked == vector["document"]
    signed = re.search(r"16 times over:\n\n((?:    .+\n)+)", TEXT)[1].replace("    ", "").rstrip("\n")
    assert signed == vector["signed_text"]
    digest, key = re.search(r"SHA-256 +(\w+)\n +public key +(\w+\n +\w+)", TEXT).groups()
    key = re.sub(r"\s", "", key)
    assert digest == hashlib.sha256(signed.encode()).hexdigest() == vector["signed_text_sha256"]
    assert key == vector["public_key_uncompressed"]
    asyncio.run(document.Update(worked).authenticate({"k1": key}))


def test_every_reason_in_the_table_is_one_of_the_firmware():
    assert sorted(documented() - codes()) == []


def test_every_reason_that_an_update_can_end_by_is_in_the_table():
    paths = [path for pattern in CODE for path in ROOT.glob(pattern)]
    sources = "".join(path.read_text(encoding="utf-8") for path in paths)
    raised = set(re.findall(r'errors\.error\("(\w+)"', sources)) | {"bad_document", "download_refused"}
    assert sorted(raised - documented() - ELSEWHERE) == []


def documented():
    table = TEXT.partition("| reason | status |")[2].partition("\n\n")[0]
    return {code for row in table.splitlines() for code in re.findall(r"`(\w+)`", row.split("|")[1]) if row}


def codes():
    text = (LIB / "error_table.py").read_text(encoding="utf-8")
    return set(re.findall(r"^(\w+): ", text, re.MULTILINE))
