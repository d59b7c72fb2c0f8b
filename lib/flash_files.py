"""The files behind the records, `/secure/<record>.<sequence>.<kind>`, and the errors of storage in our words.

`rest` is what NVS has no room for; `copy` is a whole record. Other files in the folder are left alone.
"""

import os

import errors

REST = "rest"
COPY = "copy"

_STAT_SIZE = 6
_EXISTS = 17
_NO_SPACE = 28
_NVS_FULL = (-4357, -4365)  # ESP_ERR_NVS_NOT_ENOUGH_SPACE, ESP_ERR_NVS_NO_FREE_PAGES
_LONGEST_SEQUENCE = 10


def storage_error(doing, name, problem):
    """The StorageError for an OSError of NVS or of a file system."""
    if problem.errno == _NO_SPACE or problem.errno in _NVS_FULL:
        return errors.error("flash_full", name)
    return errors.error("flash_failed", "%s %s" % (doing, name), problem)


class Files:
    """The files in `folder`, which is made with the first of them. None is read beyond `largest` bytes."""

    def __init__(self, folder, largest):
        self._folder = folder
        self._largest = largest

    def read(self, name, sequence, kind):
        """The bytes of a file; None when it is not there, cannot be read or is too large."""
        path = self._path(name, sequence, kind)
        try:
            # read(n) takes n bytes of memory before it looks how many there are.
            size = os.stat(path)[_STAT_SIZE]
            if size > self._largest:
                return None
            with open(path, "rb") as file:
                return file.read(size)
        except OSError:
            return None

    def write(self, name, sequence, kind, *parts):
        """Write a file; it is on flash when this returns. Raises `flash_full` or `flash_failed`, without a trace."""
        try:
            self._make_folder()
            with open(self._path(name, sequence, kind), "wb") as file:
                for part in parts:
                    file.write(part)
            if hasattr(os, "sync"):
                os.sync()
        except OSError as problem:
            self.remove_if_there(name, sequence, kind)
            raise storage_error("writing", name, problem)

    def remove(self, name, sequence, kind):
        """Remove a file. Raises `flash_failed`."""
        try:
            os.remove(self._path(name, sequence, kind))
        except OSError as problem:
            raise storage_error("removing", name, problem)

    def remove_if_there(self, name, sequence, kind):
        """Remove a file that may not be there, or be removed by a later start."""
        try:
            os.remove(self._path(name, sequence, kind))
        except OSError:
            pass

    def of(self, name, kind):
        """The sequence numbers of a record's files of this kind, newest first."""
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        found = []
        for file in names:
            parts = file.split(".")
            if len(parts) == 3 and parts[0] == name and parts[2] == kind and _is_sequence(parts[1]):
                found.append(int(parts[1]))
        return sorted(found, reverse=True)

    def _path(self, name, sequence, kind):
        return "%s/%s.%d.%s" % (self._folder, name, sequence, kind)

    def _make_folder(self):
        try:
            os.mkdir(self._folder)
        except OSError as problem:
            if problem.errno != _EXISTS:
                raise


def _is_sequence(text):
    return 0 < len(text) <= _LONGEST_SEQUENCE and text.isdigit() and text[0] != "0"
