"""A board's flash on this machine: a folder with one file for each partition, and the chip's fuses."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import interpreter
from tools.sim.board.simulated import firmware, layouts, otadata
from tools.sim.board.simulated.flash import PartitionFile
from tools.sim.folder import write_whole

_TIMEOUT_S = 20
_STATES = {
    otadata.NEW: "new: starts next",
    otadata.PENDING: "on trial",
    otadata.VALID: "valid",
    otadata.INVALID: "invalid",
    otadata.ABORTED: "aborted: was not confirmed",
}


class NoMeter:
    """Writes while the board is off, by whoever holds it: they are not counted, and no power can be cut."""

    def count_write(self):
        return False


class Flash:
    """The folder, made when it is not there. `image` "stock" has one factory application, "ota" two slots of
    `slot_bytes` and less room for NVS and files, "awsesp" is the table of `make firmware`.
    """

    def __init__(self, folder, image="stock", slot_bytes=layouts.SLOT_BYTES):
        self.rows = layouts.table(image, slot_bytes)
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._fuses = self.folder / "fuses.json"

    @property
    def slots(self):
        """Labels of the slots; none on a stock image."""
        return layouts.slots(self.rows)

    def size_of(self, label):
        """Bytes of a partition."""
        return layouts.size_of(self.rows, label)

    @contextlib.contextmanager
    def piece(self, label, meter=None):
        """Reads, programs and erases a partition. `meter` counts the writes, and may raise at one of them."""
        piece = PartitionFile(str(self.folder / f"{label}.bin"), self.size_of(label), meter or NoMeter())
        try:
            yield piece
        finally:
            piece.close()

    def describe_slots(self):
        """(label, version, what otadata says of it) of each slot; None for a version where no image is that starts."""
        with self.piece("otadata") as data:
            entries = [raw for raw in otadata.read(data) if otadata.sequence(raw) != otadata.NONE]
        entries.sort(key=otadata.sequence)
        states = {otadata.slot_of(raw, len(self.slots)): otadata.state(raw) for raw in entries}
        for number, label in enumerate(self.slots):
            with self.piece(label) as piece:
                try:
                    version = firmware.Image(piece, self.size_of(label)).version
                except firmware.Invalid:
                    version = None
            yield label, version, _STATES.get(states.get(number), "not set")

    def is_written(self, label):
        """Whether anything was ever written to a partition."""
        return (self.folder / f"{label}.bin").exists()

    def mac(self, wanted=None):
        """The base MAC, 12 hex digits: burnt when it is first asked for."""
        if wanted or not self._fuses.exists():
            write_whole(self._fuses, json.dumps({"mac": wanted or "0a" + os.urandom(5).hex()}))
        return json.loads(self._fuses.read_text(encoding="utf-8"))["mac"]

    def erase(self):
        """As `esptool erase_flash`: every partition is."""
        for row in self.rows:
            self.erase_partition(row[4])

    def erase_partition(self, label):
        """As `esptool erase_region`."""
        (self.folder / f"{label}.bin").unlink(missing_ok=True)

    def erase_nvs(self):
        """What the chip does to an NVS that it finds full."""
        self.erase_partition("nvs")

    def write(self, path, data):
        """Write a file; folders on the way are made."""
        data = data.encode() if isinstance(data, str) else bytes(data)
        self._order(self.folder / "vfs.bin", do="write", path=path, data=base64.b64encode(data).decode())

    def remove(self, path):
        """Remove a file."""
        self._order(self.folder / "vfs.bin", do="remove", path=path)

    def read(self, path):
        """The bytes of a file."""
        return base64.b64decode(self._order_on_copy(do="read", path=path))

    def list(self):
        """The paths of all files."""
        return sorted(self._order_on_copy(do="list"))

    def _order_on_copy(self, **order):
        # A running device may write meanwhile: littlefs keeps the older state valid until the new one is whole.
        source = self.folder / "vfs.bin"
        with tempfile.TemporaryDirectory(prefix="board-files-") as folder:
            copy = Path(folder) / "vfs.bin"
            if source.exists():
                shutil.copyfile(source, copy)
            return self._order(copy, **order)

    def _order(self, file, **order):
        environment = dict(
            os.environ,
            MICROPYPATH=os.pathsep.join([str(interpreter.BOARD), ".frozen"]),
            SIM_FLASH=str(file),
            SIM_FLASH_SIZE=str(self.size_of("vfs")),
        )
        environment.pop("SIM_CHANNEL", None)
        command = [interpreter.micropython(), "-c", "import simulated.files"]
        options = {"env": environment, "capture_output": True, "text": True, "timeout": _TIMEOUT_S}
        try:
            done = subprocess.run(command, input=json.dumps(order) + "\n", **options)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the board's file system gave no answer in {_TIMEOUT_S} s") from None
        if done.returncode:
            raise RuntimeError(f"the board's file system cannot be used: {done.stdout}{done.stderr}")
        answer = json.loads(done.stdout.splitlines()[-1])
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), order.get("path"))
        return answer["value"]
