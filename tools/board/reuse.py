"""What of a new archive is in the one that is on the board: that is copied there, only the rest is sent."""

from hashlib import sha256

from tools.board import archive

_LONGEST = 16384  # bytes copied at once: a board that is slow says something in between


def pieces(data, path, files):
    """The new archive `data` as a list of bytes, and of (offset, n) of the file `path` on the board of `files`."""
    there = _there(path, files)
    found = [data[: archive.reach(data)]]
    for begin, n in archive.places(data):
        module = data[begin : begin + n]
        place = there.get(sha256(module).hexdigest())
        _add(found, module if place is None else (place, n))  # its own n: the old head may be damaged
    return found


def _there(path, files):
    """{hash of a module: where it begins} in the old archive."""
    size = archive.reach(files.read(path, archive.HEAD_BYTES) or b"")
    places = archive.places(files.read(path, size)) if size else []
    begins = [begin for begin, _ in places]
    return dict(zip(files.hashes(path, places), begins, strict=True))


def _add(found, piece):
    """One that goes on where the last one ended makes that longer."""
    last = found[-1]
    if isinstance(piece, bytes) and isinstance(last, bytes):
        found[-1] = last + piece
    elif isinstance(piece, tuple) and isinstance(last, tuple) and sum(last) == piece[0] and last[1] < _LONGEST:
        found[-1] = (last[0], last[1] + piece[1])
    else:
        found.append(piece)
