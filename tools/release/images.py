"""The image that is to be released: read, and checked before anybody signs it."""

from __future__ import annotations

import re
from pathlib import Path

from tools.interpreter import LIB
from tools.release.trouble import Mistake
from tools.sim.board.simulated import firmware

SLOT_BYTES = 0x180000  # of MicroPython's OTA boards with 4 MB
_ADVICE = "take the application's image: micropython.bin of a build with BOARD_VARIANT=OTA"


class _Piece:
    """A file as the partition that it would lie in."""

    def __init__(self, data: bytes):
        self._data = data

    def read(self, offset: int, buffer: bytearray) -> None:
        part = self._data[offset : offset + len(buffer)]
        buffer[:] = part + b"\xff" * (len(buffer) - len(part))


def load(path: Path) -> tuple[bytes, str | None]:
    """The bytes of an image, and the version that its own header has (None: MicroPython's build leaves it out)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror}") from error
    try:
        image = firmware.Image(_Piece(data), len(data), chip=None)
    except firmware.Invalid as error:
        raise Mistake(f"{path} is no image that an ESP32 starts ({error}): {_ADVICE}") from error
    if image.length != len(data):
        raise Mistake(
            f"{path} has {len(data) - image.length} bytes behind the end of its image: "
            f"it looks like firmware.bin, with bootloader and partitions; {_ADVICE}"
        )
    if len(data) > SLOT_BYTES:
        raise Mistake(f"{path} has {len(data)} bytes: the slots of an OTA board have {SLOT_BYTES}")
    return data, image.version if image.frozen() else None


def version_of_checkout() -> str:
    """VERSION of lib/release.py."""
    found = re.search(r'^VERSION = "(.*)"$', (LIB / "release.py").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Mistake('lib/release.py has no line VERSION = "..."')
    return found[1]


def version(asked: str | None, own: str | None) -> str:
    """Which version an image is, once everybody who has a say agrees."""
    if asked and own and asked != own:
        raise Mistake(f"--version {asked}: the image says of itself that it is {own}")
    return asked or own or version_of_checkout()
