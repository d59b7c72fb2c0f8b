"""boot.py on the chip's file system, run as the port does.

As on the chip, "/" is the device's own; the repository stands in for the firmware image, at "/rom". Who uses it
needs the companion `repository`.
"""

import os
import sys

import esp32
import vfs

from ram_disk import Ram

ROM = "/rom"
IMAGE = "/image"  # more of the firmware image, where a test wants it


class Output:
    """Takes what the chip prints."""

    def __init__(self):
        self.lines = []

    def print(self, *words):
        self.lines.append(" ".join(str(word) for word in words))

    def __contains__(self, part):
        return any(part in line for line in self.lines)


def power_on(files=(), lib_first=False):
    """Run boot.py with these files on the device (names, or {name: text or bytes}); returns its Output.

    `lib_first`: what is in /lib is not in the firmware image.
    """
    host, ram = vfs.VfsPosix("/"), Ram()
    vfs.VfsLfs2.mkfs(ram)
    host_path = list(sys.path)
    source = read(os.getenv("REPOSITORY") + "/boot.py")
    vfs.umount("/")
    vfs.mount(vfs.VfsLfs2(ram), "/")
    vfs.mount(host, ROM)
    os.chdir("/")
    try:
        sys.path[:] = ["", IMAGE] + [ROM + entry for entry in host_path if entry[:1] == "/"] + [".frozen", "/lib"]
        if lib_first:
            sys.path.insert(0, "/lib")
        write_files(files)
        output = Output()
        exec(source, {"__name__": "__main__", "print": output.print})
        return output
    finally:
        if "/_" in sys.path:
            vfs.umount("/_")
        sys.path[:] = host_path
        vfs.umount(ROM)
        vfs.umount("/")
        vfs.mount(host, "/")
        os.chdir("/")


def read(path):
    with open(path) as file:
        return file.read()


def write_files(files):
    os.mkdir("/lib")
    for name in files:
        folder, _, base = name.rpartition("/")
        if folder and folder[1:] not in os.listdir("/"):
            os.mkdir(folder)
        if base:
            text = files[name] if isinstance(files, dict) else "raise SystemExit"
            with open(name, "w" if isinstance(text, str) else "wb") as file:
                file.write(text)


def forget_starts():
    for key in ("starts", "clean"):
        try:
            esp32.NVS("awsesp").erase_key(key)
        except OSError:
            pass
