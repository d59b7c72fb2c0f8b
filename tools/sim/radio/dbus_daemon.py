"""A D-Bus of its own, for as long as it is held: nothing of the machine's own buses is touched."""

import contextlib
import select
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.interpreter import MissingTool

_START_S = 10
_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
# The shell ends the daemon when the pipe to us breaks: also when we are killed.
_GUARDED = 'dbus-daemon --config-file="$1" --nofork --print-address=1 & daemon=$!; read -r _; kill $daemon; wait'


def is_installed():
    """Whether this machine has a dbus-daemon."""
    return shutil.which("dbus-daemon") is not None


def require():
    """Raises `MissingTool` when it has none."""
    if not is_installed():
        raise MissingTool("no dbus-daemon on this machine; on Debian: apt-get install dbus")


class DBusDaemon:
    """`address` is where it listens. A context manager."""

    def __init__(self):
        require()
        self._cleanup = contextlib.ExitStack()
        try:
            self.address = self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="simulated-bluez-")))
        configuration = folder / "bus.conf"
        configuration.write_text(_CONFIGURATION.format(socket=folder / "socket"), encoding="utf-8")
        words = self._cleanup.enter_context((folder / "words").open("w+", encoding="utf-8"))
        process = subprocess.Popen(
            ["sh", "-c", _GUARDED, "sh", configuration],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,  # Ctrl-C in the terminal is for us
        )
        self._cleanup.callback(_end, process)
        answers = select.select([process.stdout], [], [], _START_S)[0]
        address = process.stdout.readline().decode().strip() if answers else ""
        if not address:
            words.seek(0)
            raise RuntimeError(f"dbus-daemon did not start in {_START_S} s: {words.read().strip()}")
        return address.partition(",")[0]  # its guid is only of use to who connects twice

    def close(self):
        """End it."""
        self._cleanup.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _end(process):
    process.stdin.close()
    process.wait(_START_S)
    process.stdout.close()
