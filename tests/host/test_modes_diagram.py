"""The diagram in the docs is the table that the firmware runs by."""

import pytest

from tools.verbs import diagram


@pytest.mark.parametrize("page", diagram.PAGES, ids=lambda page: page.name)
def test_the_documented_diagram_is_the_table_of_the_firmware(page):
    document = page.read_text(encoding="utf-8")
    assert document == diagram.updated(document), "run: python -m tools diagram"


def test_every_mode_and_event_of_the_table_is_drawn():
    drawn = diagram.mermaid((("INIT", "ready", "NORMAL", "_normal"), ("NORMAL", "failed", "restart", "_restart")))
    assert "INIT --> NORMAL: ready" in drawn
    assert "NORMAL --> restart: failed" in drawn


def test_every_row_can_be_done_and_no_event_leads_two_ways():
    table, leaving = (diagram.firmware(name) for name in ("modes", "leaving"))
    table = table.TABLE
    ways = [row[:2] for row in table]
    assert len(ways) == len(set(ways))
    for mode, event, after, action in table:
        known = action == "reset" or callable(getattr(leaving, action or "", None))
        assert known if after == "restart" else action is None, (mode, event, action)


def test_every_mode_but_idle_has_a_way_out_when_it_fails():
    table = diagram.firmware("modes").TABLE
    modes = {row[2] for row in table} | {"INIT"}
    failing = {row[0] for row in table if row[1] == "failed"}
    assert modes - failing == {"IDLE"}
