"""Whole brokers that know nothing of our client: mosquitto where it is installed, and the local AWS IoT's own, open.

Environment: PORT_MOSQUITTO ("" without it), PORT_OPEN.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time

from tools.cloud.open_broker import open_broker

START_S = 10


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _mosquitto_path():
    return shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


@contextlib.contextmanager
def _mosquitto(folder):
    program = _mosquitto_path()
    if program is None:
        yield ""
        return
    port = _free_port()
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    process = subprocess.Popen([program, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_for(port, process):
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def companion(folder):
    with _mosquitto(folder) as port, open_broker() as broker:
        yield {"PORT_MOSQUITTO": port, "PORT_OPEN": broker.port}
