"""The image that is to be released: read, and checked before anybody signs it."""

from __future__ import annotations

import re
from pathlib import Path

from tools.interpreter import LIB
from tools.release.trouble import Mistake
from tools.sim.board.simulated import firmware

SLOT_BYTES = 0x180000  # of boards with 4 MB
_LARGEST = 0x280000  # of boards with 8 MB
_NAME = re.compile(r"-(\d+\.\d+\.\d+)-update\.bin")  # as `make firmware` calls it
_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", re.ASCII)
# By the number in an image's header (esp_chip_id_t).
_CHIPS = {
    0: "esp32", 2: "esp32s2", 5: "esp32c3", 9: "esp32s3", 12: "esp32c2", 13: "esp32c6", 16: "esp32h2", 18: "esp32p4",
    20: "esp32c61", 23: "esp32c5",
}  # fmt: skip
_ADVICE = "take the application's image: the one for updates of `make firmware`, or micropython.bin"


class _Piece:
    """A file as the partition that it would lie in."""

    def __init__(self, data: bytes):
        self._data = data

    def read(self, offset: int, buffer: bytearray) -> None:
        part = self._data[offset : offset + len(buffer)]
        buffer[:] = part + b"\xff" * (len(buffer) - len(part))


def load(path: Path) -> tuple[bytes, str | None]:
    """The bytes of an image, and the version that it has by its header or its name; None when neither tells."""
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
    if len(data) > _LARGEST:
        raise Mistake(f"{path} has {len(data)} bytes: the slots of a board with 8 MB have {_LARGEST}")
    named = _NAME.search(path.name)
    # MicroPython's build leaves the version out of the header.
    return data, image.version if image.frozen() else named[1] if named else None


def other_chip(data: bytes, hardware: str) -> str | None:
    """The chip that an image is for, where `hardware` begins with the name of another one."""
    chip = _CHIPS.get(int.from_bytes(data[12:14], "little"))
    word = re.sub("[-_.]", "", hardware.lower())
    named = max((each for each in _CHIPS.values() if word.startswith(each)), key=len, default=None)
    return chip if named not in (None, chip) else None


def version_of_checkout() -> str:
    """VERSION of lib/release.py."""
    found = re.search(r'^VERSION = "(.*)"$', (LIB / "release.py").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise Mistake('lib/release.py has no line VERSION = "..."')
    return found[1]


def is_version(text: str) -> bool:
    """Whether a device can compare it with others, as lib/ota/document.py does: 1.2.0, not 1.2-rc1 nor 01.2.0."""
    return _VERSION.fullmatch(text) is not None


def version(asked: str | None, own: str | None) -> str:
    """Which version an image is, once everybody who has a say agrees."""
    if asked and own and asked != own:
        raise Mistake(f"--version {asked}: the image says of itself that it is {own}")
    return asked or own or version_of_checkout()
