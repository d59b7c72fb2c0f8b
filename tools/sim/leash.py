"""Ends a device's process with this one, however this one ends: a program that loops would run on for ever."""

import fcntl
import os


class Leash:
    """A pipe that nobody writes to: `fileno()` is the end for the process to hold.

    When the other end closes, as it does at our death, the kernel sends SIGIO to whom it is tied to, which ends it.
    """

    def __init__(self):
        self._held, self._ours = os.pipe()
        fcntl.fcntl(self._held, fcntl.F_SETFL, os.O_ASYNC)

    def fileno(self):
        return self._held

    def tie(self, process):
        """To a process that has inherited it."""
        fcntl.fcntl(self._held, fcntl.F_SETOWN, process.pid)
        os.close(self._held)

    def close(self):
        """Once the process has ended."""
        os.close(self._ours)
