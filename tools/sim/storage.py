"""A board's flash on this machine: a folder with one file for NVS and one for the file system, and the chip's fuses."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import interpreter

NVS_BYTES = {"stock": 0x6000, "ota": 0x4000}
VFS_BYTES = 0x200000

_TIMEOUT_S = 20


class Flash:
    """The folder. `image` "stock" has 24 KB of NVS, "ota" 16 KB. Made when it is not there."""

    def __init__(self, folder, image="stock"):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        if image not in NVS_BYTES:
            raise ValueError(f"image {image!r}: say {' or '.join(NVS_BYTES)}")
        self.nvs_bytes = NVS_BYTES[image]
        self.vfs_bytes = VFS_BYTES
        self._fuses = self.folder / "fuses.json"

    def mac(self, wanted=None):
        """The base MAC, 12 hex digits: burnt when it is first asked for."""
        if wanted or not self._fuses.exists():
            self._fuses.write_text(json.dumps({"mac": wanted or "0a" + os.urandom(5).hex()}), encoding="utf-8")
        return json.loads(self._fuses.read_text(encoding="utf-8"))["mac"]

    def erase(self):
        """As `esptool erase_flash`: NVS and file system are gone."""
        for name in ("nvs.bin", "vfs.bin"):
            (self.folder / name).unlink(missing_ok=True)

    def erase_nvs(self):
        """What the chip does to an NVS that it finds full."""
        (self.folder / "nvs.bin").unlink(missing_ok=True)

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
            SIM_FLASH_SIZE=str(self.vfs_bytes),
        )
        environment.pop("SIM_CHANNEL", None)
        done = subprocess.run(
            [interpreter.micropython(), "-c", "import simulated.files"],
            input=json.dumps(order) + "\n",
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
        if done.returncode:
            raise RuntimeError(f"the board's file system cannot be used: {done.stdout}{done.stderr}")
        answer = json.loads(done.stdout.splitlines()[-1])
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]), order.get("path"))
        return answer["value"]
