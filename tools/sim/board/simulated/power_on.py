"""What the chip does from power-on to the REPL (main.c, _boot.py): mount the file system, run boot.py, run main.py.

The host starts `import simulated.power_on`. From here on the device's file system is a littlefs of its own at "/";
the repository is what the firmware image would be, mounted at "/rom". Nothing that runs on the device, and nobody at
its serial port, can change a file of the desk.
"""

import gc
import os
import sys

import simulation
import utime
import vfs

import __main__
import simulated
from simulated import own_gc, own_micropython, own_sys
from simulated.flash import VfsFile
from simulated.read_only import ReadOnly

_ROM = "/rom"
_IN_PLACE = "/in_place"  # tools/sim/rom.py
_OLD_NAMES = ("machine", "os", "select", "socket", "time")  # old programs say utime: without help it is the desk's


def _mount(device):
    """As _boot.py and inisetup.py: what cannot be mounted is formatted only when it was never written."""
    try:
        return vfs.VfsLfs2(device)
    except OSError:
        first = bytearray(device.ioctl(5, 0))
        device.readblocks(0, first)
        while any(byte != 0xFF for byte in first):
            print(
                "The filesystem appears to be corrupted. If you had important data there, you\nmay want to make a flash"
            )
            print("snapshot to try to recover it. Otherwise, perform factory reprogramming.\n")
            utime.sleep(3)
        print("Performing initial setup")
        vfs.VfsLfs2.mkfs(device)
        return vfs.VfsLfs2(device)


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def _run(script, paths):
    """Run the first of `paths` that is there. Returns whether it ended by itself, or was not there."""
    for path in paths:
        source = _read(path)
        if source is not None:
            break
    else:
        return True
    try:
        code = compile(source, script, "exec")
        source = None
        exec(code, __main__.__dict__)
        return True
    except SystemExit:
        simulation.board.restart("sys.exit()", 5)
    except BaseException as error:  # noqa: BLE001  (what the REPL catches and prints)
        sys.print_exception(error)
    return False


def _leave_the_desk():
    desk = vfs.VfsPosix("/")
    vfs.umount("/")
    vfs.mount(ReadOnly(desk), _ROM)
    sys.path[:] = [_on_rom(entry) for entry in sys.path]
    simulated.__path__ = _on_rom(simulated.__path__)


def _on_rom(path):
    # Others are in the interpreter, or in a memory of their own.
    return _ROM + path if path[:1] == "/" and not path.startswith(_IN_PLACE) else path


def _start():
    for name, own in (("gc", own_gc), ("micropython", own_micropython), ("sys", own_sys)):
        sys.modules[name] = own
    _leave_the_desk()
    # esp32 first: nvs_flash_init comes before the file system. Compiling leaves holes in a small heap.
    for name in ("esp32", "machine", "network", "socket", "ssl", "bluetooth") + _OLD_NAMES:
        __import__(name)
        gc.collect()
    for name in _OLD_NAMES:
        sys.modules["u" + name] = sys.modules[name]
    state = simulation.board.channel.ask("image")
    vfs.mount(_mount(simulation.board.piece("vfs", VfsFile)), "/")
    os.chdir("/")
    folders = [folder if folder.startswith(_IN_PLACE) else _ROM + folder for folder in state["path"]]
    sys.path[:] = [""] + folders + [".frozen", "/lib"]
    state["path"] = folders = None
    gc.collect()
    state["fakes"] = own_gc.begin()
    _boot(state)


def _scripts(state, name):
    """Where a program is looked for: a frozen one beats the file; the checkout's is there when nobody wrote one."""
    frozen = [_ROM + path for path in state["frozen"] if path.endswith("/%s.py" % name)]
    return frozen + ["/%s.py" % name, _ROM + state[name]]


def _boot(state):
    """Both programs, then the REPL, however many Ctrl-C come on the way there: mpremote types two of them at once."""
    state["why"] = None
    while True:
        try:
            try:
                if not state["why"]:
                    _run_programs(state)
            except KeyboardInterrupt:
                pass  # one too many, while the first one was being told
            return _stop(state["serial"], state["why"])
        except KeyboardInterrupt:
            pass


def _run_programs(state):
    """Leaves in `state` why the REPL begins. What is typed is heard from "running" on."""
    state["why"] = "boot.py failed"
    simulation.board.channel.ask("running", state["fakes"])
    if not _run("boot.py", _scripts(state, "boot")):
        return
    state["why"] = "soft reset in the raw REPL"
    if not state["only_boot"]:
        state["why"] = "main.py failed"
        if _run("main.py", _scripts(state, "main")):
            state["why"] = "main.py ended"


def _stop(serial, why):
    if serial:
        simulation.board.channel.ask("repl", why)  # and the interpreter's own REPL begins
    else:
        simulation.board.channel.die("repl", why)


_start()
