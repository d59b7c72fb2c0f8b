"""Build a firmware image with everything frozen in, with the upstream tools: ESP-IDF and a checkout of MicroPython."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.board import partitions
from tools.interpreter import ROOT
from tools.release import images, keys
from tools.release.trouble import Mistake

BOARDS = ROOT / "firmware" / "boards"
OUT = ROOT / "build" / "firmware"


class Missing(Exception):
    """Something that the build needs is not on this machine; the message says what, and how to get it."""


def main(
    board: Annotated[str, typer.Option(help="AWSESP_ESP32, AWSESP_S3, AWSESP_C3, AWSESP_C6.")] = "AWSESP_ESP32",
    micropython: Annotated[
        Path | None, typer.Option(help="Checkout of MicroPython 1.24 or later; also MICROPYTHON_SOURCE=.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="x.y.z of the image, instead of lib/release.py's.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what is missing for the build.")] = False,
):
    """Build a firmware image with lib, aioble and umqtt.simple frozen in, and two slots for updates.

    Needs ESP-IDF (its export.sh sourced) and a checkout of MicroPython; says exactly what is missing. The images end
    in build/firmware/: one for esptool, one for updates over the air.
    """
    folder = BOARDS / board
    if not (folder / "mpconfigboard.cmake").exists():
        known = ", ".join(sorted(path.parent.name for path in BOARDS.glob("*/mpconfigboard.cmake")))
        sys.exit(f"firmware: there is no board {board}: say one of {known}")
    try:
        version = version or images.version_of_checkout()
        has_keys = bool(keys.trusted(keys.TRUSTED))
    except Mistake as mistake:
        sys.exit(f"firmware: {mistake}")
    if not images.is_version(version):  # its device could compare it with no other: no update would ever come again
        sys.exit(f"firmware: version {version}: say x.y.z, three numbers, such as 1.1.0")
    if not has_keys:
        print("firmware: lib/ota/keys.py has no key: devices with this image take no update over the air.")
        print('firmware: make one first: make release ARGS="keygen --kid k1" (docs/ota.md)')
    try:
        port = requirements(micropython or os.environ.get("MICROPYTHON_SOURCE"))
    except Missing as missing:
        sys.exit(f"firmware: {missing}")
    if check:
        print("firmware: all that the build needs is here")
        return
    stage(OUT / "frozen", version)
    _build(port, folder)
    _collect(port, board, version)


def requirements(source):
    """The folder of the esp32 port, once everything is there. Raises Missing."""
    missing = list(_missing(source))
    if missing:
        raise Missing("cannot build yet:\n  - " + "\n  - ".join(missing) + "\nfirmware/README.md has the whole way.")
    return Path(source).resolve() / "ports" / "esp32"


def _missing(source):
    if not os.environ.get("IDF_PATH"):
        yield "ESP-IDF: IDF_PATH is not set; install the version that MicroPython's ports/esp32/README.md names, " \
              "then `. $IDF_PATH/export.sh`"  # fmt: skip
    elif not shutil.which("idf.py"):
        yield f"ESP-IDF is in {os.environ['IDF_PATH']}, but idf.py is not on PATH: `. $IDF_PATH/export.sh`"
    for tool in ("cmake", "make", "gcc"):
        if not shutil.which(tool):
            yield f"{tool}: install it with your system's packages"
    if source is None:
        yield "MicroPython's sources: `git clone https://github.com/micropython/micropython`, then MICROPYTHON_SOURCE="
        return
    port = Path(source) / "ports" / "esp32"
    if not (port / "CMakeLists.txt").exists():
        yield f"{source} is no checkout of MicroPython: it has no ports/esp32"
        return
    if not any((Path(source) / "lib" / "micropython-lib").glob("*")):
        yield f"the submodules of {source}: `make -C {port} submodules`"
    if not list((Path(source) / "mpy-cross" / "build").glob("mpy-cross*")):
        yield f"MicroPython's own compiler: `make -C {Path(source) / 'mpy-cross'}`"


def stage(folder, version):
    """Lay out what the manifest freezes: lib with this version, built now; the programs under other names."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "lib", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("boot", "main"):
        shutil.copy(ROOT / f"{name}.py", folder / f"factory_{name}.py")
    release = folder / "release.py"
    text = re.sub(r'^VERSION = "[^"]*"', f'VERSION = "{version}"', release.read_text(), flags=re.MULTILINE)
    release.write_text(re.sub(r"^BUILT = \d+.*$", f"BUILT = {int(time.time())}", text, flags=re.MULTILINE))


def _build(port, folder):
    Console(highlight=False).print(f"building {folder.name} in {port}: some minutes")
    command = ["make", f"BOARD_DIR={folder}", f"BUILD={port / ('build-' + folder.name)}"]
    if subprocess.run(command, cwd=port).returncode:
        sys.exit("firmware: the build failed, see above")


def _collect(port, board, version):
    built = port / f"build-{board}"
    slot = min(each.size for each in partitions.read(table_of(board)) if each.type == "app")
    app = built / "micropython.bin"
    room = slot - app.stat().st_size
    if room < 0:
        sys.exit(f"firmware: the image is {-room} bytes too large for a slot of {slot}")
    for name, kind in (("firmware.bin", "esptool"), ("micropython.bin", "update")):
        target = OUT / f"{board}-{version}-{kind}.bin"
        shutil.copy(built / name, target)
        print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")
    print(f"{room} bytes of the slot are free. A new chip: esptool write_flash 0 FILE-esptool.bin")
    print('(0x1000 on the ESP32). An update over the air: make release ARGS="publish FILE-update.bin ..."')


def table_of(board):
    """The partition table of one of the boards."""
    text = (BOARDS / board / "mpconfigboard.cmake").read_text(encoding="utf-8")
    return ROOT / "firmware" / "partitions" / f"{flash_of(text)}.csv"


def flash_of(text):
    """ "4MiB" or "8MiB", from the text of a board's mpconfigboard.cmake."""
    return re.search(r"AWSESP_PARTITIONS (\w+)", text)[1]
