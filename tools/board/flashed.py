"""Runs on a board before it is restarted: a restart that somebody wants must not count as one of a crash loop."""

try:
    import board

    board.start_record().mark_clean("flashed")
except Exception:  # noqa: BLE001 - no firmware yet, or another version of it
    pass
