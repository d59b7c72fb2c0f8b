"""Which module comes from where, and which hides which. For the moment in which a board starts."""

import os
import sys

_FILES = ("/_", "", "/", "/lib")  # entries of sys.path: the archive, and folders
_BUILT_IN = "binascii errno hashlib io json machine os random select socket struct time"


def note_built_in():
    """Note the interpreter's own modules as loaded: else each import of one looks for it in files. Where there is a
    file of that name, it stays as it is."""
    files, path = _modules("/") | _modules("/lib"), list(sys.path)
    sys.path[:] = _without_files(path)
    try:
        for name in _BUILT_IN.split():
            if name not in files:
                sys.modules[name] = __import__(name)
    finally:  # an image may have been built without one of them: the files must be found all the same
        sys.path[:] = path


def warnings():
    """A sentence for each name that is on the board twice, which costs an engineer an afternoon."""
    import board

    in_files = board.__file__[:5] == "/lib/"  # then none of our modules is in the image, and there are many to ask for
    root, lib = _modules("/"), _modules("/lib")
    for name in sorted(root | lib):
        if name in ("boot", "main") or name[0] == "_":
            continue  # started by the port itself, not found by import
        place = "/" if name in root else "/lib/"
        if _in_archive(name):
            yield "the firmware's %s hides %s%s" % (name, place, name)
            continue
        if name in root and name in lib:
            yield "/%s hides /lib/%s" % (name, name)
        if (name in root or not in_files) and _in_image(name):
            yield ("/%s hides the firmware's %s" if name in root else "the firmware's %s hides /lib/%s") % (name, name)


def _modules(folder):
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
    return [entry for entry in path if entry not in _FILES]


def _in_archive(name):
    for ending in ("", ".mpy"):
        try:
            os.stat("/_/" + name + ending)
            return True
        except OSError:
            pass
    return False


def _in_image(name):
    # Frozen modules cannot be listed, only imported; ours do nothing when they are. Python modules have a __file__,
    # the interpreter's own have none (and follow rules of their own).
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
