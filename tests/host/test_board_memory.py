"""What `make flash` says to a board without PSRAM, and what it gets."""

import re

from tests.host.board_desk import bare_board, checkout, verb


def test_a_board_without_psram_gets_code_without_line_numbers_and_no_sources(tmp_path):
    packages = checkout(tmp_path / "micropython-lib")
    with bare_board(tmp_path / "board", heap="64k") as board:
        code, said = verb("flash", "--port", board.port, "--dry-run", packages=packages)
        assert code == 0, said
        assert "lib as files leaves little of it" in said
        assert "compiled without line numbers" in said
        code, with_lines = verb("flash", "--port", board.port, "--dry-run", "--lines", packages=packages)
        assert code == 0, with_lines
        assert "without line numbers" not in with_lines
        assert kilobytes(said) < kilobytes(with_lines)
        code, sources = verb("flash", "--port", board.port, "--dry-run", "--source", packages=packages)
        assert code == 0, sources
        assert "none is left to Wi-Fi" in sources
        assert "line numbers" not in sources


def kilobytes(said):
    """Of what flash would write."""
    return int(re.search(r"files to write \((\d+) KB\)", said)[1])
