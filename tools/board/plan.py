"""What has to be done so that a board holds what it should. Pure: from what is there and what is wanted."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

# Our own list of what was installed, so that the next version can take away what it no longer has.
INSTALLED = "/lib/.awsesp"


@dataclass
class Plan:
    """`write` (`File`s, in this order), `same` (how many need nothing), `remove` (paths)."""

    write: list = field(default_factory=list)
    same: int = 0
    remove: list = field(default_factory=list)

    @property
    def bytes(self):
        return sum(len(file.data) for file in self.write)

    def __bool__(self):
        return bool(self.write or self.remove)


def plan(wanted, sizes, hash_of, installed=()):
    """The `Plan` for `wanted` files on a board with `sizes` ({path: bytes}); `installed`: what was put there before.

    `hash_of(path)` tells the SHA-256 of a file that is there: it is asked only where the size is right. Folders of what
    was installed go when nothing is left in them.
    """
    found = Plan()
    for file in wanted:
        if sizes.get(file.path) == len(file.data) and hash_of(file.path) == file.sha256:
            found.same += 1
        else:
            found.write.append(file)
    paths = {file.path for file in wanted}
    found.remove = sorted((twins(paths) | (set(installed) - paths)) & set(sizes))
    kept = paths | {path for path in sizes if not path.endswith("/")} - set(found.remove)
    found.remove += [folder for folder in _folders(installed) if folder in sizes and not _is_used(folder, kept)]
    return found


def _folders(installed):
    """Folders of our modules, such as "/lib/aws/", inner ones first."""
    parents = {f"{parent}/" for path in installed for parent in PurePosixPath(path).parents}
    return sorted((each for each in parents if each.startswith("/lib/") and each != "/lib/"), reverse=True)


def _is_used(folder, kept):
    return any(path.startswith(folder) for path in kept)


def twins(paths):
    """The same modules of /lib in the other form: a source hides what was compiled, whoever has put it there."""
    modules = [path.rpartition(".") for path in paths if path.startswith("/lib/")]
    other = {"py": "mpy", "mpy": "py"}
    return {f"{name}.{other[ending]}" for name, _, ending in modules if ending in other}
