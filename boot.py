"""Before anything: find the firmware, count the start, say which slot runs, and which module hides which.

Never raises: an exception here would leave the chip at the REPL without running main.py, so everything is guarded, and
what is wrong is printed. `sys.path` on the chip is ['', '.frozen', '/lib']; the firmware's archive comes before them.
"""


def _boot():
    _mount()
    root, lib = modules("/"), modules("/lib")
    _load_builtin(root | lib)
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
    for warning in warnings(root, lib):
        print("boot: " + warning)


def _mount():
    # Where the firmware is in the image already, an archive that was left there must not hide it.
    import sys

    try:
        import archive

        if archive.__file__[:5] == "/lib/":
            archive.use()
            del archive.use
    except ImportError:
        pass
    except (OSError, ValueError) as error:
        if error.args[0] != 2:  # with no archive the firmware is there in single files
            print("boot: /awsesp.arc is not usable (%s): make flash puts it there anew" % error)
    sys.modules.pop("archive", None)


def _load_builtin(files):
    # What MicroPython has built in is looked for in files at each import of it, unless it is known as loaded.
    import sys

    path = list(sys.path)
    sys.path[:] = _without_files(path)
    try:
        for name in "binascii errno hashlib io json machine os random select socket struct time".split():  # noqa: SIM905
            if name not in files:
                sys.modules[name] = __import__(name)
    finally:
        sys.path[:] = path


def warnings(root, lib):
    # Stale copies are what an engineer loses an afternoon to: the file that was edited is not the one that runs.
    import board

    in_files = board.__file__[:5] == "/lib/"  # then none of its modules is in the image, and there are many to ask for
    for name in sorted(root | lib):
        if name in ("boot", "main") or name[0] == "_":
            continue  # started by the port itself, not found by import
        if _in_archive(name):
            yield "the firmware's %s hides %s/%s" % (name, "" if name in root else "/lib", name)
            continue
        if name in root and name in lib:
            yield "/%s hides /lib/%s" % (name, name)
        if not (in_files and name in lib) and _in_firmware(name):
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


def _without_files(path):
    return [entry for entry in path if entry not in ("/_", "", "/", "/lib")]


def _in_archive(name):
    import os

    for ending in ("", ".mpy"):
        try:
            os.stat("/_/" + name + ending)
            return True
        except OSError:
            pass


def _in_firmware(name):
    # Frozen modules cannot be listed, only imported; ours do nothing when they are. Python modules have a __file__,
    # the interpreter's own have none (and follow rules of their own).
    import sys

    path, kept = list(sys.path), dict(sys.modules)
    sys.modules.pop(name, None)
    sys.path[:] = _without_files(path)
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
for name in "_boot _mount _load_builtin warnings modules _in_archive _in_firmware _without_files".split():  # noqa: SIM905
    globals().pop(name)
