"""Companion of test_canary_settings.py: the smallest there is. It leaves a note where it ran, and when it ended."""

from contextlib import contextmanager


@contextmanager
def companion(folder):
    (folder / "note").write_text("from the desk")
    yield {"CANARY": 7}
    print("the companion was ended")
