"""A chip with MicroPython from micropython.org and nothing else: what `make flash` finds on a new board."""

from tools import interpreter


def bare(folder):
    """The options of such a `Board`. `folder` holds what stands for its firmware image."""
    lib, packages = folder / "bare" / "lib", folder / "bare" / "packages"
    for each in (lib, packages):
        each.mkdir(parents=True, exist_ok=True)
    link = packages / "umqtt"
    if not link.exists():
        link.symlink_to(_umqtt())  # stock images have umqtt.simple frozen in, and no aioble
    nothing = lib / "nothing.py"
    return {"boot": nothing, "main": nothing, "lib": lib, "packages": [packages]}


def _umqtt():
    folders = [folder / "umqtt" for folder in interpreter.package_folders()]
    return next(folder for folder in folders if folder.is_dir())
