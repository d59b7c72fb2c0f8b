"""What kind of board it is: asked over its REPL, judged here."""

import json
from dataclasses import dataclass

from tools.board.serial_board import BoardError

OLDEST = (1, 24)
# Wi-Fi takes 25 KB of what is there at the REPL, TLS up to 39 KB, the firmware as files about 110 KB: measured on the
# 32-bit unix port, see docs/measurements.md. Chips without PSRAM have 165 to 175 KB.
ROOMY_HEAP = 200 * 1024
MPY_VERSION = 6

# Runs on the board; every question on its own, because not every image has every module.
_ASK = """
import sys, json
def _ask(question):
    try:
        return question()
    except Exception:
        return None
def _slots():
    from esp32 import Partition
    return [p.info()[4] for p in Partition.find(Partition.TYPE_APP)]
def _heap():
    import gc
    gc.collect()
    return gc.mem_free() + gc.mem_alloc()
def _mac():
    import machine
    return machine.unique_id().hex()
def _frozen(name):
    m = __import__(name)
    for part in name.split('.')[1:]:
        m = getattr(m, part)
    path = getattr(m, '__file__', '')
    for each in [each for each in sys.modules if each.split('.')[0] == name.split('.')[0]]:
        sys.modules.pop(each)
    return not any(path.startswith(folder) for folder in ('/lib', 'lib', '/_'))
print('\\x02' + json.dumps({
    'machine': _ask(lambda: sys.implementation._machine),
    'platform': sys.platform,
    'version': sys.implementation.version[:3],
    'mpy': _ask(lambda: sys.implementation._mpy & 0xFF),
    'esp32': _ask(lambda: bool(__import__('esp32'))),
    'bluetooth': _ask(lambda: bool(__import__('bluetooth'))),
    'slots': _ask(_slots),
    'heap': _ask(_heap),
    'mac': _ask(_mac),
    'umqtt': _ask(lambda: _frozen('umqtt.simple')),
    'aioble': _ask(lambda: _frozen('aioble')),
}))
"""


@dataclass(frozen=True)
class Facts:
    """`version` (1, 24, 1); `slots` labels of the app partitions; `heap` bytes that Python may have in all; `mac` hex;
    `umqtt`, `aioble`: in the image itself.
    """

    machine: str | None
    platform: str
    version: tuple
    mpy: int | None
    esp32: bool | None
    bluetooth: bool | None
    slots: list | None
    heap: int | None
    mac: str | None
    umqtt: bool | None
    aioble: bool | None

    @property
    def reads_mpy(self):
        """Whether it runs what mpy-cross 1.24 compiles."""
        return self.mpy == MPY_VERSION

    def refusals(self):
        """Why this firmware cannot run there, in sentences; empty when it can."""
        if not self.esp32:
            yield f"this is no ESP32 but {self.machine or self.platform}: is it the right port?"
        elif tuple(self.version[:2]) < OLDEST:
            yield (
                f"the board runs MicroPython {_dotted(self.version)}, 1.24 or later is needed: "
                "download an image for it from micropython.org and put it there with esptool (docs/boards.md)"
            )

    def remarks(self):
        """What will not work there, and what to do about it."""
        if self.slots is not None and len([label for label in self.slots if label.startswith("ota_")]) < 2:
            yield "its image has no second app partition: updates over the air need one (docs/boards.md)"
        if not self.bluetooth:
            yield "its image has no Bluetooth: it cannot be configured by phone, only by its settings file"
        if not self.reads_mpy:
            yield f"it reads .mpy files of version {self.mpy}, not {MPY_VERSION}: source files are copied instead"

    def is_small(self):
        """Whether lib as files would leave too little memory for TLS."""
        return self.heap is not None and self.heap < ROOMY_HEAP

    def __str__(self):
        return f"{self.machine or self.platform}, MicroPython {_dotted(self.version)}, {self.mac or 'no MAC'}"


def ask(board):
    """The `Facts` of a board in its raw REPL."""
    # The program that was stopped may have a timer, or a thread, that goes on printing.
    _, _, answer = board.run(_ASK).partition("\x02")
    try:
        return Facts(**json.loads(answer.partition("\n")[0]))
    except (ValueError, TypeError) as error:
        raise BoardError(f"the board answered what cannot be understood ({error})") from error


def _dotted(version):
    return ".".join(map(str, version))
