"""The MQTT engine: messages of 64 bytes a second, and bytes allocated for each."""

from tools.bench.registry import measurement

ROOM = "8M"  # for garbage that is counted, not collected

# Name, what it is, arguments of device/mqtt.py.
SPEEDS = (
    ("publish.0", "QoS 0 published", ("publish", 0, 1)),
    ("publish.1", "QoS 1 published in sequence", ("publish", 1, 1)),
    ("publish.1.window", "QoS 1 published, window of 10", ("publish", 1, 10)),
    ("receive.0", "QoS 0 received", ("receive", 0, "handler")),
    ("receive.1", "QoS 1 received", ("receive", 1, "handler")),
    ("receive.1.ring", "QoS 1 received through the ring buffer", ("receive", 1, "ring")),
)
ALLOCATIONS = (
    ("publish.0.bytes", "allocated per QoS 0 publish", ("publish", 0, 1)),
    ("publish.1.bytes", "allocated per QoS 1 publish", ("publish", 1, 1)),
    ("receive.0.bytes", "allocated per QoS 0 message handled", ("receive", 0, "handler")),
    ("receive.1.bytes", "allocated per QoS 1 message handled", ("receive", 1, "handler")),
    ("receive.ring.bytes", "allocated per message through the ring buffer", ("receive", 1, "ring")),
)
GOALS = {
    "publish.1.tcp": 5000,
    "publish.1.window.tcp": 25000,
    "publish.1.window.tls": 2000,
    "receive.1.tcp": 25000,
    "publish.0.bytes": 48,
    "receive.0.bytes": 64,
    "receive.1.bytes": 64,
}


def _speed(name, what, arguments, transport):
    @measurement(name, f"{what}, {transport.upper()}", "messages/s", at_least=GOALS.get(name))
    def _(desk):
        return desk.run("mqtt", desk.port(transport == "tls"), transport, "speed", *arguments)["per_s"]


def _allocation(name, what, arguments):
    @measurement(name, what, "bytes", at_most=GOALS.get(name), less_is_better=True, repeat=False)
    def _(desk):
        return desk.run("mqtt", desk.port(), "tcp", "bytes", *arguments, heap=ROOM)["bytes"]


for _name, _what, _arguments in SPEEDS:
    for _transport in ("tcp", "tls"):
        _speed(f"{_name}.{_transport}", _what, _arguments, _transport)
for _name, _what, _arguments in ALLOCATIONS:
    _allocation(_name, _what, _arguments)
