"""What goes onto a board: the firmware compiled, the packages that it uses, the two programs, the settings."""

import hashlib
import json
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import interpreter, mpy, person_json, public
from tools.board import archive
from tools.interpreter import LIB, ROOT
from tools.verbs import deps

# Of aioble only what a peripheral needs.
AIOBLE = ("__init__", "core", "device", "peripheral", "server")

# Several boards are done at once. The firmware's words unload each other while they read, one fetches for all, and
# CPython 3.11 reads no two sources at once ("AST constructor recursion depth mismatch").
_ALONE = threading.Lock()


class BundleError(Exception):
    """It cannot be put together; the message says why."""


@dataclass(frozen=True)
class File:
    """`path` on the board, its bytes, and their SHA-256 in hex."""

    path: str
    data: bytes

    @property
    def sha256(self):
        return hashlib.sha256(self.data).hexdigest()


def firmware(compiled=True, lines=True, main=None):
    """lib/ as a list of `File`, with names that fit to the application `main`; without `lines` as mpy.py says."""
    if not compiled:
        return [File(f"/lib/{path.relative_to(LIB)}", path.read_bytes()) for path in sorted(LIB.rglob("*.py"))]
    with _ALONE, tempfile.TemporaryDirectory() as folder:
        programs = public.application(main) if main else ()
        said = frozenset().union(*map(public.said_by, programs))
        given = frozenset().union(*map(public.given_by, programs))
        try:
            paths = mpy.compile_lib(folder, said, lines, given)
            return [File(f"/lib/{path}", (Path(folder) / path).read_bytes()) for path in paths]
        except mpy.Refused as reason:
            raise BundleError(str(reason)) from reason


def archived(files):
    """The same compiled files of /lib as one, and what mounts it. BundleError: two of them cannot be told apart."""
    mounts = [file for file in files if file.path == "/lib/archive.mpy"]
    modules = {file.path.removeprefix("/lib"): file.data for file in files if file not in mounts}
    try:
        return [*mounts, File(archive.PATH, archive.packed(modules))]
    except archive.Collision as reason:
        raise BundleError(str(reason)) from reason


def packages(names, compiled=True):
    """The packages of micropython-lib ("aioble", "umqtt.simple") for /lib; BundleError when they are nowhere here."""
    found = []
    for name in names:
        folder = package_folder(name) or _fetched(name)
        found += _files(_package_sources(name, folder), compiled)
    return found


def package_folder(name):
    """Where the real package is; None when there are only the simulator's stand-ins."""
    first = name.split(".")[0]
    folders = [folder for folder in interpreter.package_folders() if folder != interpreter.STAND_INS]
    return next((folder / first for folder in folders if (folder / first).is_dir()), None)


def _fetched(name):
    try:
        with _ALONE:
            if not package_folder(name):
                deps.install()
            return package_folder(name)
    except (deps.NotInstalled, interpreter.MissingTool) as error:
        raise BundleError(
            f"{name} is not on this machine, and could not be fetched: `make deps` does it, or says why not; "
            "or name a checkout of micropython-lib with MICROPYTHON_LIB="
        ) from error


def _package_sources(name, folder):
    wanted = AIOBLE if name == "aioble" else ("__init__", name.split(".")[1])
    for module in wanted:
        path = next((folder / (module + end) for end in (".py", ".mpy") if (folder / (module + end)).exists()), None)
        if path is not None:
            yield path, f"lib/{folder.name}/{path.name}"


def programs(main=None):
    """boot.py and main.py; `main` names another application."""
    boot = File("/boot.py", (ROOT / "boot.py").read_bytes())
    path = main or ROOT / "main.py"
    try:
        return [boot, File("/main.py", path.read_bytes())]
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error


def settings(path):
    """The settings file, checked by the firmware's own words and without spaces; BundleError names the field.

    Returns the `File`, what the device would warn of, and what would spare the memory of a chip that has little.
    """
    try:
        document = person_json.parse(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BundleError(f"{path} is not JSON: {error}") from error
    data = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        with _ALONE, _words() as (errors, words):
            checked = words.load(data)
            dates, savings = _dates(checked), _savings(checked)
    except errors.DeviceError as error:
        raise BundleError(f"{path}: {error.message}") from error
    missing = [f"not there yet, the phone must give it: {each}" for each in checked.missing()]
    return File("/settings.json", data), checked.warnings + dates + missing, savings


def _savings(checked):
    from aws import tls

    is_of_aws = re.search(r"\.amazonaws\.com(\.cn)?$", checked.aws.endpoint or "", re.IGNORECASE)
    if not is_of_aws or not checked.roots or tls.has_ec(checked.roots):
        return []
    return ["AmazonRootCA3.pem beside AmazonRootCA1.pem leaves it 3 KB more, which jobs want (docs/boards.md)"]


def _dates(checked):
    """Sentences about certificates that are not valid now: the device has no clock yet when it reads them."""
    import certificates

    named = [
        (f"the certificate of {role}", pair.cert) for role in ("thing", "claim") if (pair := getattr(checked, role))
    ]
    named += [("a trusted root", root) for root in [*checked.roots, *(checked.download_roots or ())]]
    found = []
    for name, der in named:
        begin_s, end_s = certificates.validity(der, name)
        if end_s < time.time():
            found.append(f"{name} has expired")
        elif begin_s > time.time():
            found.append(f"{name} is not valid yet")
    return found


@contextmanager
def _words():
    """The firmware's own modules, which run here, too; they import others while they work."""
    sys.path.insert(0, str(LIB))
    try:
        import errors
        import settings

        yield errors, settings
    finally:
        sys.path.remove(str(LIB))


def _files(sources, compiled):
    """`File`s of [(source, path on the board)]; several are compiled at the same time."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        return list(pool.map(lambda each: _file(*each, compiled, Path(folder)), sources))


def _file(source, path, compiled, folder):
    if not compiled or source.suffix == ".mpy":
        return File(f"/{path}", source.read_bytes())
    target = folder / path.replace("/", "-")
    try:
        mpy.compile_file(source, target, name=path)
    except mpy.Refused as reason:
        raise BundleError(str(reason)) from reason
    return File(f"/{path.removesuffix('.py')}.mpy", target.read_bytes())
