"""Mounts the board's file system; one that is corrupt is made anew, and gets the programs that the image came with.

What the device must not lose is in NVS, too: see docs/security.md, "Stored". The power may go at any moment: boot.py,
written last, is what says that the programs are there.
"""

import os
import time

import vfs

_TRIES = 3

_BOOT = """try:
    import factory_boot
except ImportError:  # another firmware: on trial it must not stay at its REPL
    import esp32, machine

    state = bytearray(4)
    for otadata in esp32.Partition.find(esp32.Partition.TYPE_DATA, subtype=0):
        for block in range(2):
            otadata.readblocks(block, state, 24)
            if state == b"\\1\\0\\0\\0" and machine.reset_cause() != machine.SOFT_RESET:
                machine.WDT(timeout=30000)
"""
_MAIN = "import awsesp\nimport factory_main\n\nawsesp.run(factory_main.application)\n"


def mount(device, where="/"):
    """Mount it, whatever it takes. `device`: a block device; `where`: the folder."""
    if not _is_mounted(device, where):
        if not _is_erased(device):
            print("repair: the file system is corrupt: it is made anew, what NVS holds stays")
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(vfs.VfsLfs2(device), where)
    _put_programs(where.rstrip("/"))


def _is_mounted(device, where):
    # A second look costs nothing, a new file system costs everything that was there.
    for _ in range(_TRIES):
        try:
            vfs.mount(vfs.VfsLfs2(device), where)
            return True
        except OSError:
            time.sleep_ms(20)
    return False


def _is_erased(device):
    block = bytearray(device.ioctl(5, 0))
    device.readblocks(0, block)
    return all(byte == 0xFF for byte in block)


def _put_programs(root):
    names = os.listdir(root or "/")
    if "boot.py" in names:
        return
    if "main.py" not in names and "main.py.off" not in names:  # set aside by `make flash`, which goes on
        _write(root + "/main.py", _MAIN)
    _write(root + "/boot.py", _BOOT)


def _write(path, text):
    # littlefs knows a new file by its name before it has what is in it: an empty main.py would be taken for the user's.
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)
