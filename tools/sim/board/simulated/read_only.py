"""A file system of which nothing can be changed, whoever walks through all folders and removes what is there."""

_READ_ONLY = 30  # EROFS


class ReadOnly:
    """Shows the files of `files`, a file system; a change raises EROFS. For `vfs.mount`."""

    def __init__(self, files):
        self.stat = files.stat
        self.statvfs = files.statvfs
        self.ilistdir = files.ilistdir
        self.chdir = files.chdir
        self.getcwd = files.getcwd
        self._open = files.open

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        for letter in "wax+":
            if letter in mode:
                _refuse()
        return self._open(path, mode)

    def remove(self, path):
        _refuse()

    rmdir = mkdir = remove

    def rename(self, old, new):
        _refuse()


def _refuse():
    raise OSError(_READ_ONLY)
