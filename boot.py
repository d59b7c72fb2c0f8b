"""Before anything: find the firmware, count the start, say which slot runs, and which module hides which.

An update that waits is brought here, too: main.py, which would take memory that it needs, is then not loaded at all.

Never raises: an exception here would leave the chip at the REPL without running main.py, so everything is guarded, and
what is wrong is printed. `sys.path` on the chip is ['', '.frozen', '/lib']; the firmware's archive comes before them.
"""


def _boot():
    """Whether this start is for an update."""
    _guard()
    _mount()
    import board
    from ota import slot

    record = board.start_record()
    start = record.count()
    reason = record.clean_reason()
    print(
        "boot: start %s, slot %s, reset %s%s"
        % (start or "unknown", slot.name(), board.reset_cause(), " (%s)" % reason if reason else "")
    )
    slot.unload("slot")
    _warn()
    # After a power cut or a crash, too. A soft reset is somebody's at the console, or says that main.py is wanted.
    return record.last_clean_reason()[:8] == "update: " and board.reset_cause() != "soft"


def _guard():
    # A new image that ends at the REPL, or hangs before it watches itself, must go back; unless somebody is there.
    # By the port's own modules: it may be an image that has none of ours.
    import machine

    state = bytearray(4)
    try:
        from esp32 import Partition

        for otadata in Partition.find(Partition.TYPE_DATA, subtype=0):
            for block in range(2):
                otadata.readblocks(block, state, 24)
                if state == b"\1\0\0\0" and machine.reset_cause() != machine.SOFT_RESET:
                    machine.WDT(timeout=30000)
    except (ImportError, AttributeError, OSError):  # a build without partitions
        pass


def _warn():
    import sys

    import import_path

    del sys.modules["import_path"]
    for warning in import_path.warnings():
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


is_for_update = False
try:
    is_for_update = _boot()
except Exception as error:  # noqa: BLE001 (whatever it is: main.py must run)
    print("boot: %s: %s" % (type(error).__name__, error))
# What follows, here or in main.py, runs in this same namespace, and has use for the memory.
for name in ("_boot", "_guard", "_warn", "_mount"):
    globals().pop(name)
if is_for_update:
    try:
        import awsesp

        awsesp.update()
    except Exception as error:  # noqa: BLE001 (as above)
        print("boot: %s: %s" % (type(error).__name__, error))
