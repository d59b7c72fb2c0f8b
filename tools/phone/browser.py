"""The browser whose Bluetooth is the simulated radio: how it is started."""

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile

# They know Web Bluetooth on Linux, behind the flag below.
_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
)
_FLAGS = ("--enable-features=WebBluetooth", "--no-first-run", "--no-default-browser-check")
_END_S = 5


def program():
    """The first that this machine has, or None."""
    return next((name for name in _PROGRAMS if shutil.which(name)), None)


def command(address, profile):
    """The words of it. A profile of its own: a browser that runs already would not hear of the simulated radio."""
    as_root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    return [program() or "chromium", *_FLAGS, *as_root, f"--user-data-dir={profile}", address]


def shell_line(address, environment, profile):
    """The same, for a shell."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
    return " ".join([*variables, shlex.join(command(address, profile))])


@contextlib.contextmanager
def opened(address, environment):
    """Start it; it ends when this does, and its profile with it."""
    with (
        tempfile.TemporaryDirectory(prefix="phone-page-", ignore_cleanup_errors=True) as profile,
        subprocess.Popen(
            command(address, profile),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for us
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
