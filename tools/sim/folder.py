"""Where a simulated board's flash is kept: one board to a folder, laid out for one image."""

import contextlib

from tools.interpreter import ROOT


class FolderInUse(Exception):
    """The folder cannot be had; the message says why, and what to do."""


def default(image, is_bare, main=None):
    """A folder for each kind of board and each application: none finds what another has left, in the user's 256 bytes
    and in the count of starts that did not last."""
    kind = "bare" if is_bare else image
    return ROOT / ".board" / (f"{main.resolve().parent.name}-{kind}" if main else kind)


@contextlib.contextmanager
def alone(folder):
    """Two boards on one flash would write over each other. A process that dies gives its lock back by itself."""
    import fcntl  # not on Windows, where --help must still work

    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"another simulated board runs from {folder}: quit it, or say --folder OTHER") from None
        yield


def lay_out(folder, image, erase):
    """Note for which image its partitions are. Another table on a written flash would find a part of what was there."""
    note = folder / "image"
    before = note.read_text(encoding="utf-8") if note.exists() else image
    if before != image and not erase:
        raise FolderInUse(f"the flash in {folder} is laid out for --image {before}: add --erase, or say --folder OTHER")
    write_whole(note, image)


def write_whole(path, text):
    """As a whole or not at all, whatever kills us or fills the disk meanwhile."""
    half = path.with_name(f"{path.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
