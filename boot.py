"""Before anything: count the start, say which slot runs, and which module hides which. Never raises.

An exception here would leave the chip at the REPL without running main.py, so everything is guarded, and what is
wrong is printed. `sys.path` on the chip is ['', '.frozen', '/lib'].
"""


def _boot():
    import board
    from ota import slot

    record = board.start_record()
    start = record.count()
    reason = record.clean_reason()
    print(
        "boot: start %s, slot %s, reset %s%s"
        % (start or "unknown", slot.name(), board.reset_cause(), " (%s)" % reason if reason else "")
    )
    if slot.is_on_trial() and board.reset_cause() != "soft":
        # A new image that ends at the REPL, or hangs before it watches itself, must go back; unless somebody is there.
        board.Watchdog(30000)
    slot.forget("slot")
    for warning in warnings():
        print("boot: " + warning)


def warnings():
    # Stale copies are what an engineer loses an afternoon to: the file that was edited is not the one that runs.
    root, lib = modules("/"), modules("/lib")
    for name in sorted(root | lib):
        if name in ("boot", "main") or name[0] == "_":
            continue  # started by the port itself, not found by import
        if name in root and name in lib:
            yield "/%s hides /lib/%s" % (name, name)
        if _in_firmware(name):
            yield (
                "/%s hides the firmware's %s" % (name, name)
                if name in root
                else ("the firmware's %s hides /lib/%s" % (name, name))
            )


def modules(folder):
    import os

    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return set()
    names = set()
    for entry in entries:
        base, _, end = entry[0].rpartition(".")
        if entry[1] == 0x4000 and entry[0] != "lib":  # a folder
            names.add(entry[0])
        elif end in ("py", "mpy"):
            names.add(base)
    return names


def _in_firmware(name):
    # Frozen modules cannot be listed, only imported; ours do nothing when they are. Python modules have a __file__,
    # the interpreter's own have none (and follow rules of their own).
    import sys

    path, kept = list(sys.path), dict(sys.modules)
    sys.modules.pop(name, None)
    sys.path[:] = [entry for entry in path if entry not in ("", "/", "/lib")]
    try:
        return hasattr(__import__(name), "__file__")
    except ImportError:
        return False
    finally:
        sys.path[:] = path
        sys.modules.clear()
        sys.modules.update(kept)


try:
    _boot()
except Exception as error:  # noqa: BLE001 (whatever it is: main.py must run)
    print("boot: %s: %s" % (type(error).__name__, error))
# main.py runs in this same namespace, and has use for the memory.
for name in ("_boot", "warnings", "modules", "_in_firmware"):
    globals().pop(name)
