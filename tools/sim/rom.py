"""A memory of compiled modules that run where they lie, as code in a chip's flash does: MicroPython's ROMFS.

With it the fakes cost the device's heap what the chip's own drivers cost: next to nothing. Needs MicroPython 1.25.
"""

import tempfile
from pathlib import Path

from tools.mpy import compile_file

MOUNTED = "/in_place"  # on the device

# What the interpreter is told to begin with. The image is a piece of its heap, which `Board` gives it on top.
_PROGRAM = """
import vfs
with open({path!r}, "rb") as file:
    rom = bytearray({size})
    file.readinto(rom)
vfs.mount(vfs.VfsRom(rom), {mounted!r})
del file, rom, vfs
import sys
sys.path.insert(0, {fakes!r})
del sys
import simulated.power_on
"""


def write(path, folders):
    """Write the image: `folders` is {name in the image: folder of sources or compiled}. Returns `path`."""
    from mpremote.romfs import VfsRomWriter  # in the groups bench and test only

    writer = VfsRomWriter()
    with tempfile.TemporaryDirectory(prefix="rom-") as scratch:
        for name, folder in folders.items():
            _add(writer, name, Path(folder), Path(scratch) / "compiled.mpy")
    path.write_bytes(writer.finalise())
    return path


def _add(writer, name, folder, scratch):
    writer.opendir(name)
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name != "__pycache__":
            _add(writer, entry.name, entry, scratch)
        elif entry.suffix == ".py":
            compile_file(entry, scratch)
            writer.mkfile(f"{entry.stem}.mpy", scratch.read_bytes())
        elif entry.suffix == ".mpy":
            writer.mkfile(entry.name, entry.read_bytes())
    writer.closedir()


def program(path, fakes):
    """The program that starts the chip from this image, in which the fakes are the folder called `fakes`."""
    return _PROGRAM.format(path=str(path), size=path.stat().st_size, mounted=MOUNTED, fakes=f"{MOUNTED}/{fakes}")
