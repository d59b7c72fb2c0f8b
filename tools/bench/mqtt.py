"""The MQTT engine: messages of 64 bytes a second, and bytes allocated for each."""

from tools.bench.registry import measurement

_ROOM = "8M"  # for garbage that is counted, not collected


def _speed(name, what, *arguments, tcp=None, tls=None):
    for secure, transport, goal in ((False, "TCP", tcp), (True, "TLS", tls)):

        @measurement(f"{name}.{transport.lower()}", f"{what}, {transport}", "messages/s", at_least=goal)
        def _(desk, secure=secure, transport=transport):
            return desk.run("mqtt", desk.port(secure), transport.lower(), "speed", *arguments)["per_s"]


def _allocation(name, what, *arguments, at_most=None):
    @measurement(name, what, "bytes", at_most=at_most, less_is_better=True, repeat=False)
    def _(desk):
        return desk.run("mqtt", desk.port(), "tcp", "bytes", *arguments, heap=_ROOM)["bytes"]


_speed("publish.0", "QoS 0 published", "publish", 0, 1)
_speed("publish.1", "QoS 1 published in sequence", "publish", 1, 1, tcp=5000)
_speed("publish.1.window", "QoS 1 published, window of 10", "publish", 1, 10, tcp=25000, tls=2000)
_speed("receive.0", "QoS 0 received", "receive", 0, "handler")
_speed("receive.1", "QoS 1 received", "receive", 1, "handler", tcp=25000)
_speed("receive.1.ring", "QoS 1 received through the ring buffer", "receive", 1, "ring")
_allocation("publish.0.bytes", "allocated per QoS 0 publish", "publish", 0, 1, at_most=48)
_allocation("publish.1.bytes", "allocated per QoS 1 publish", "publish", 1, 1)
_allocation("receive.0.bytes", "allocated per QoS 0 message handled", "receive", 0, "handler", at_most=64)
_allocation("receive.1.bytes", "allocated per QoS 1 message handled", "receive", 1, "handler", at_most=64)
_allocation("receive.ring.bytes", "allocated per message through the ring buffer", "receive", 1, "ring")
