"""The stand-in for umqtt.simple behaves as the package of micropython-lib does: both run the same program."""

import inspect
import os
import subprocess
from pathlib import Path

import pytest

from tools import interpreter
from tools.cloud.open_broker import open_broker

PROGRAM = """
import os
from umqtt.simple import MQTTClient, MQTTException

port = int(os.getenv("BROKER_PORT"))
client = MQTTClient("first", "127.0.0.1", port, keepalive=30)
client.set_callback(lambda topic, message: print("message", topic, message))
client.set_last_will(b"will", b"gone", qos=1)
print("session present", client.connect())
print("nothing there", client.check_msg())
print(client.subscribe(b"a/#", qos=1))
print(client.publish(b"a/b", b"qos 0"))
print("op", client.wait_msg())
client.publish("a/c", "text", qos=1)
print("op", client.wait_msg() & 0xF0)
client.publish(b"a/long", b"x" * 300, retain=True, qos=1)
print("op", client.wait_msg() & 0xF0)
client.ping()
print("pong", client.wait_msg())
client.unsubscribe(b"a/#")
client.publish(b"a/b", b"unheard", qos=1)
client.ping()
print("pong", client.wait_msg())
client.disconnect()
client = MQTTClient(b"first", "127.0.0.1", port, user="name", password="word")
print("again", client.connect(clean_session=False, timeout=5))
client.sock.close()
try:
    client.ping()
except OSError:
    print("closed")
print(MQTTClient("x", "y", ssl=True).port, MQTTClient("x", "y").port, issubclass(MQTTException, Exception))
try:
    client.subscribe("a")
except AssertionError as error:
    print("no callback", error)
"""

EXPECTED = """session present 0
nothing there None
None
None
message b'a/b' b'qos 0'
op 48
message b'a/c' b'text'
op 48
message b'a/long' b'%s'
op 48
pong None
pong None
again 0
closed
8883 1883 True
no callback Subscribe callback is not set
""" % ("x" * 300)


def packages():
    """Folders that hold a umqtt.simple: the stand-in, and the real one where it is."""
    checkout = os.environ.get("MICROPYTHON_LIB")
    real = [Path(checkout) / "micropython" / "umqtt.simple"] if checkout else []
    return [folder for folder in [interpreter.STAND_INS, interpreter.DEPS, *real] if (folder / "umqtt").is_dir()]


@pytest.mark.parametrize("folder", packages(), ids=lambda folder: folder.name)
def test_program_runs_the_same_with(folder):
    with open_broker() as broker:
        done = subprocess.run(
            [interpreter.micropython(), "-c", PROGRAM],
            env={"MICROPYPATH": f"{folder}:.frozen", "BROKER_PORT": str(broker.port)},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.stdout.splitlines() == EXPECTED.splitlines()
    assert done.returncode == 0


SIGNATURES = """
import umqtt.simple as module
print(sorted(name for name in dir(module.MQTTClient) if not name.startswith("_")))
print(sorted(vars_ for vars_ in module.MQTTClient("a", "b").__dict__))
"""


def test_names_are_those_of_the_package():
    names = _names(interpreter.STAND_INS)
    for folder in packages():
        assert _names(folder) == names


def _names(folder):
    done = subprocess.run(
        [interpreter.micropython(), "-c", inspect.cleandoc(SIGNATURES)],
        env={"MICROPYPATH": f"{folder}:.frozen"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


ROBUST = """
import os
from umqtt.robust import MQTTClient

class Quick(MQTTClient):
    DELAY = 0

client = Quick("robust", "127.0.0.1", int(os.getenv("BROKER_PORT")), keepalive=30)
client.set_callback(lambda topic, message: print("message", topic, message))
client.connect()
client.sock.close()
client.publish(b"a/b", b"all the same")
client.subscribe(b"a/#")
client.publish(b"a/b", b"heard")
client.wait_msg()
client.sock.close()
print("nothing", client.check_msg())
"""


def test_the_robust_one_connects_again():
    with open_broker() as broker:
        done = subprocess.run(
            [interpreter.micropython(), "-c", ROBUST],
            env={"MICROPYPATH": f"{interpreter.STAND_INS}:.frozen", "BROKER_PORT": str(broker.port)},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.stdout == "message b'a/b' b'heard'\nnothing None\n", done.stderr
