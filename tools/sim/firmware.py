"""Firmware images for the slots of a simulated board: what is frozen into them is the code that then runs.

The format is Espressif's, so that sizes, headers, checksums and hashes are real; the frozen modules are a zip in a
segment of their own (board/simulated/firmware.py).
"""

import hashlib
import io
import random
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tools import interpreter
from tools.sim.board.simulated import firmware

_THIN = "thin"  # an entry of the zip: what is missing comes from the checkout
_STOCK = "0.0.0"  # a lib that is none of ours: MicroPython's own image
_EPOCH = (2000, 1, 1, 0, 0, 0)  # the same files make the same image


def build(version=None, *, lib=None, changes=None, main=None, thin=False, size=None):
    """The bytes of an image with `lib` and the packages it needs, as firmware/manifest.py freezes them.

    `version` goes into release.py and the header; None takes it from there. `changes` are files of lib, {"wifi.py":
    text, or None to leave it out}. `main` is frozen as main.py and beats the device's file. `thin` leaves out what is
    the same on every board of this checkout: an image of some KB. `size` fills up to so many bytes,
    a multiple of 16.
    """
    lib = Path(lib or interpreter.LIB)
    files = _packages_of(changes or {}, lib) if thin else _collect(lib)
    release = _release_of(lib)
    if version is not None:
        release = files["lib/release.py"] = _release(release, version)
    files.update({f"lib/{name}": text for name, text in (changes or {}).items()})
    if main is not None:
        files["main.py"] = main
    if thin:
        files[_THIN] = ""
    return _filled(version or _version(release), _zip(files), size)


@dataclass
class Frozen:
    """What was unpacked: `folder` with lib/ and perhaps main.py; `thin` when the checkout's lib lies below it."""

    folder: Path
    thin: bool


def unpack(data, folder):
    """Lay the frozen modules of an image into `folder`, unless they are there. None when it has none."""
    if not data:
        return None
    target = folder / hashlib.sha256(data).hexdigest()[:16]
    if not target.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder / "half")
        (folder / "half").rename(target)
    return Frozen(target, (target / _THIN).exists())


def _packages_of(changes, lib):
    """All files of the packages in which something changes: one folder hides the other of the same name."""
    packages = {name.split("/")[0] for name in changes if "/" in name}
    paths = [path for package in sorted(packages) for path in sorted((lib / package).rglob("*.*py"))]
    return {f"lib/{path.relative_to(lib).as_posix()}": path.read_bytes() for path in paths}


def _collect(lib):
    files = {}
    for folder in [lib, *interpreter.package_folders()]:
        names = [""] if folder == lib else [module.split("/")[0] for module, _ in interpreter.PACKAGES.values()]
        for path in sorted(path for name in names for path in (folder / name).rglob("*.*py")):
            files.setdefault(f"lib/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return files


def _zip(files):
    if not files:
        return b""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            if files[name] is not None:
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _filled(version, frozen, size):
    image = firmware.build(version, frozen)
    if size is None:
        return image
    if size % 16:
        raise ValueError(f"an image of {size} bytes: say a multiple of 16")
    room = (size - firmware.overhead(3 if frozen else 2) - len(frozen) + 3) // 4 * 4 - 4
    if room < 0:
        raise ValueError(f"an image of {size} bytes: this firmware alone has {len(image)}")
    return firmware.build(version, frozen, random.Random(version).randbytes(room))


def _release_of(lib):
    path = lib / "release.py"
    return path.read_text(encoding="utf-8") if path.exists() else f'VERSION = "{_STOCK}"\n'


def _release(text, version):
    changed, count = re.subn(r"^VERSION = .*$", f'VERSION = "{version}"', text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError("lib/release.py has no line VERSION = ...")
    return changed


def _version(text):
    return re.search(r'^VERSION = "(.*)"$', text, re.MULTILINE)[1]
