"""The results for people, as a table, and for machines, as JUnit's XML."""

from xml.etree import ElementTree

from rich.markup import escape
from rich.table import Table

from tools.qualify.case import ERROR, FAIL, PASS, WARN

_STYLES = {PASS: "green", WARN: "yellow", FAIL: "red", ERROR: "red"}


def table(results):
    """One row for each case, with what was seen."""
    made = Table(title="AWS IoT Core Device Advisor's cases (* needed for AWS's partner catalogue)", expand=True)
    for column in ("group", "case", "result", "evidence"):
        made.add_column(column, overflow="fold")
    for each in results:
        name = each.case.name + (" *" if each.case.partner else "")
        style = _STYLES[each.outcome]
        made.add_row(each.case.group, name, f"[{style}]{each.outcome}[/{style}]", escape("\n".join(each.evidence)))
    return made


def summary(results):
    """ "27 passed, 1 passed with warnings, 0 failed in 140 s" """
    counts = {outcome: sum(each.outcome == outcome for each in results) for outcome in _STYLES}
    failed = counts[FAIL] + counts[ERROR]
    return f"{counts[PASS]} passed, {counts[WARN]} passed with warnings, {failed} failed"


def is_good(results):
    return all(each.outcome in (PASS, WARN) for each in results)


def junit(results, path):
    """Write JUnit's XML."""
    failures = sum(each.outcome == FAIL for each in results)
    errors = sum(each.outcome == ERROR for each in results)
    suite = ElementTree.Element(
        "testsuite", name="Device Advisor", tests=str(len(results)), failures=str(failures), errors=str(errors)
    )
    for each in results:
        node = ElementTree.SubElement(
            suite, "testcase", classname=each.case.group, name=each.case.name, time=f"{each.seconds:.1f}"
        )
        text = _printable(each.evidence)
        if each.outcome in (FAIL, ERROR):
            kind = "failure" if each.outcome == FAIL else "error"
            failure = ElementTree.SubElement(node, kind, message=_printable(each.evidence[-1:]))
            failure.text = _printable([text, "", *each.console])
        else:
            ElementTree.SubElement(node, "system-out").text = f"{each.outcome}\n{text}"
    ElementTree.indent(suite)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _printable(lines):
    """The lines as one text, without what XML cannot hold, such as a console's colours."""
    return "".join(char if char.isprintable() or char in "\t\n" else "?" for char in "\n".join(lines))
