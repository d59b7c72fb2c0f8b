"""Reads and writes the files of a board that is switched off. The host runs `import simulated.files`; one line of JSON
comes in, one goes out."""

import binascii
import json
import sys

import uos
import vfs

from simulated.flash import VfsFile


class _NoMeter:
    def count_write(self):
        return False


def _make_folders(fs, path):
    parts = path.strip("/").split("/")[:-1]
    for i in range(len(parts)):
        try:
            fs.mkdir("/" + "/".join(parts[: i + 1]))
        except OSError as error:
            if error.errno != 17:
                raise


def _list(fs, folder, found):
    for entry in fs.ilistdir(folder):
        path = folder.rstrip("/") + "/" + entry[0]
        if entry[1] == 0x4000:
            _list(fs, path, found)
        else:
            found.append(path)
    return found


def _do(fs, order):
    path = order.get("path")
    if order["do"] == "write":
        _make_folders(fs, path)
        with fs.open(path, "wb") as file:
            file.write(binascii.a2b_base64(order["data"]))
        return None
    if order["do"] == "read":
        with fs.open(path, "rb") as file:
            return binascii.b2a_base64(file.read()).decode()
    if order["do"] == "remove":
        return fs.remove(path)
    return _list(fs, "/", [])


def _main():
    device = VfsFile(uos.getenv("SIM_FLASH"), int(uos.getenv("SIM_FLASH_SIZE")), _NoMeter())
    try:
        fs = vfs.VfsLfs2(device)
    except OSError:
        vfs.VfsLfs2.mkfs(device)
        fs = vfs.VfsLfs2(device)
    for line in sys.stdin:
        try:
            answer = {"value": _do(fs, json.loads(line))}
        except OSError as error:
            answer = {"errno": error.errno}
        print(json.dumps(answer))


_main()
