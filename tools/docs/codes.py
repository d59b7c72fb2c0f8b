"""The table of all error codes in docs/troubleshooting.md, from the firmware's own."""

import re

from tools.interpreter import ROOT
from tools.verbs.diagram import firmware

PAGE = ROOT / "docs" / "troubleshooting.md"
BEGIN, END = "<!-- codes: python -m tools docs -->", "<!-- end of the codes -->"
_WHO = {
    "PersonError": "Somebody at the device, or its phone, has to act",
    "RetryError": "It passes by itself: the device tries again",
    "CloudError": "Something in the AWS account has to be changed",
    "StorageError": "The flash",
    "BugError": "A mistake of the application, or of this firmware",
}


def updated(document):
    """The page with the table of today's codes."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def table():
    """A heading for who must act, below it a row for each code."""
    words = firmware("error_table")
    rows = {who: [] for who in _WHO}
    for code in words.codes():
        who, sentence = words.find(code)
        rows[who].append(f"| `{code}` | {_readable(sentence)} |")
    parts = [f"### {title}\n\n| code | sentence |\n|---|---|\n" + "\n".join(rows[who]) for who, title in _WHO.items()]
    return "\n" + "\n\n".join(parts) + "\n"


def _readable(sentence):
    # What the firmware fills in: an ellipsis, without the quotes around it.
    return re.sub(r"'?%[sd]'?", "…", sentence).replace("|", "\\|")
