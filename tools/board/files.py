"""Files of a board: what is there, by hash; and how a new one comes there whole or not at all."""

import ast
import base64
from pathlib import PurePosixPath

from tools.board.serial_board import DAMAGED, BoardError

_CHUNK = 768  # bytes; 1024 characters of base64
_PLACES = 40  # asked for at once
_NEW = ".new"  # a file that is not whole yet
_SAID = "\x02"  # before what the helpers say: timers and threads of the board's program may print in between

# Runs on the board. A file is written beside its name, read back, and gets its name when it is right: littlefs
# replaces a name in one step, so a power cut leaves the old file or the new one.
_HELPERS = """
import os
from hashlib import sha256
from binascii import a2b_base64, hexlify
def _say(what):
    print('\\x02' + repr(what))
# Other file systems: a card, the firmware's archive. They come without a size, a folder comes with one (extmod/vfs.c).
_MOUNTED = ['/' + e[0] for e in os.ilistdir('/') if len(e) == 3]
def _hash(path, begin=0, n=1 << 29):
    h, b = sha256(), memoryview(bytearray(1024))
    with open(path, 'rb') as f:
        f.seek(begin)
        while n:
            m = f.readinto(b[:min(n, 1024)])
            if not m:
                break
            h.update(b[:m])
            n -= m
    return hexlify(h.digest()).decode()
def _list(folder):
    for e in os.ilistdir(folder or '/'):
        path = folder + '/' + e[0]
        if e[1] == 0x4000:
            if path not in _MOUNTED:
                yield path + '/', 0
                yield from _list(path)
        else:
            yield path, e[3]
def _open(path):
    global _f, _path
    _path = path
    parts = path.split('/')[1:-1]
    for i in range(len(parts)):
        try:
            os.mkdir('/' + '/'.join(parts[:i + 1]))
        except OSError as e:
            if e.errno != 17:
                raise
    _f = open(path + '.new', 'wb')
def _put(text):
    _f.write(a2b_base64(text))
def _copy(begin, n):
    with open(_path, 'rb') as f:
        f.seek(begin)
        while n:
            b = f.read(min(n, 1024))
            if not b:
                raise OSError('%s ends too early' % _path)
            _f.write(b)
            n -= len(b)
def _close(wanted):
    _f.close()
    if _hash(_path + '.new') != wanted:
        raise OSError('%s was not stored as it was sent' % _path)
    os.rename(_path + '.new', _path)
def _drop(path):
    try:
        (os.rmdir if path[-1] == '/' else os.remove)(path.rstrip('/'))
    except OSError as e:
        if e.errno != 2:
            raise
"""


class Files:
    """The file system of a `SerialBoard` that is in its raw REPL."""

    def __init__(self, board):
        self._board = board

    def start(self):
        """Bring the helpers there: after each restart of the board."""
        self._board.run(_HELPERS)

    def list(self):
        """{path: size} of all files; a folder is "/lib/", size 0."""
        return dict(self._said("for _e in _list(''): _say(_e)"))

    def hash(self, path):
        """SHA-256, in hex, of a file that is there."""
        return self._said(f"_say(_hash({path!r}))")[0]

    def hashes(self, path, places):
        """The same of the parts of a file, given as [(where it begins, bytes)]."""
        lists = [places[n : n + _PLACES] for n in range(0, len(places), _PLACES)]
        return [found for each in lists for found in self._said(f"for _p in {each!r}: _say(_hash({path!r}, *_p))")]

    def free(self):
        """Bytes free."""
        block, blocks = self._said("_s = os.statvfs('/'); _say((_s[0], _s[3]))")[0]
        if not block:  # nothing is mounted there
            raise BoardError(DAMAGED)
        return block * blocks

    def read(self, path, n=-1):
        """The first `n` bytes of a file, or all; None: there is no such file."""
        code = f"""
try:
    with open({path!r}, 'rb') as _f: _say(hexlify(_f.read({n})).decode())
except OSError: _say(None)"""
        found = self._said(code)[0]
        return None if found is None else bytes.fromhex(found)

    def write(self, path, pieces, sha256, progress=lambda n: None):
        """A file with this content, which has this hash (hex); `progress` hears of each n bytes that are there.

        A piece is bytes, or (where it begins, bytes) of the file that is replaced.
        """
        self._board.run(f"_open({path!r})")
        for piece in pieces:
            if isinstance(piece, tuple):
                self._board.run(f"_copy{piece!r}")
                progress(piece[1])
            else:
                self._send(piece, progress)
        self._board.run(f"_close({sha256!r})")

    def _send(self, data, progress):
        for start in range(0, len(data), _CHUNK):
            chunk = data[start : start + _CHUNK]
            self._board.run(f"_put({base64.b64encode(chunk).decode()!r})")
            progress(len(chunk))

    def _said(self, code):
        """What this code says there, a list."""
        lines = [line.partition(_SAID)[2] for line in self._board.run(code).split("\n") if _SAID in line]
        try:
            return [ast.literal_eval(line) for line in lines]
        except (ValueError, SyntaxError) as error:
            raise BoardError(f"the board answered what cannot be understood ({error})") from error

    def rename(self, old, new):
        self._board.run(f"os.rename({old!r}, {new!r})")

    def remove(self, path):
        """Remove a file, or a folder "/lib/aws/" that is empty; what is not there is as well."""
        self._board.run(f"_drop({path!r})")

    def remove_all(self):
        """Every file and folder of the file system."""
        for path in sorted(self.list(), key=lambda each: -len(PurePosixPath(each).parts)):
            self.remove(path)


def leftovers(listing, ours):
    """Files of a listing that an interrupted copy left behind: of `ours` (paths), and in /lib. Others are not ours."""
    halves = {path + _NEW for path in ours}
    return sorted(path for path in listing if path in halves or (path.startswith("/lib/") and path.endswith(_NEW)))
