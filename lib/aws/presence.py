"""Whether the device is online, for the cloud: a retained message and a last will, as AWS IoT's lifecycle events. Pure.

AWS itself publishes `$aws/events/presence/connected/<client id>` and `.../disconnected/...`, which are not retained and
tell what has changed. These, on a topic of the device's own, are: so whoever comes later knows what is. Fields that
both have, have the same names. https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html
Loaded for a moment on every connection, where `aws.status` is set.
"""

import json
import time

import errors

ONLINE = "connected"
LEAVING = "disconnected"
LOST = "lost"  # the last will

_EPOCH_2000 = 946684800
_LEAVING_MS = 3000
_CUTS = 5  # failures.CUTS


def leave_will(session):
    """Let the broker tell it when the next connection of a `Session` is lost."""
    client = session._client
    client.lw_topic, client.lw_msg = message(LOST, session._settings.aws.status, session._name)
    client.lw_qos, client.lw_retain = 1, True


async def tell(session, state):
    """Publish that the thing of a `Session` is in this state."""
    topic, payload = message(state, session._settings.aws.status, session._name)
    outbox = session._client._outbox
    if outbox.suspect == topic and outbox.cuts >= _CUTS:  # the policy lacks iot:Publish or iot:RetainPublish for it
        failure = errors.error("not_authorised", "for a message to '%s'" % str(topic, "utf-8"))
        session._bus.emit("task.failed", task="status", code=failure.code, message=failure.message)
        return
    client, timeout_ms = session._client, None if state == ONLINE else _LEAVING_MS
    while True:
        try:
            await client.publish(topic, payload, True, 1, timeout_ms, False)
            return
        except errors.RetryError:
            # The last will tells of a connection that is lost. While it stands, it waits behind other messages.
            if state != ONLINE or not client.is_connected:
                return


def message(state, template, thing):
    """(topic, payload), bytes, for a state of this thing; "{thing}" in the topic's template is its name."""
    fields = {"clientId": thing, "eventType": ONLINE if state == ONLINE else LEAVING}
    if state != ONLINE:
        fields["clientInitiatedDisconnect"] = state == LEAVING
    if state != LOST:  # which is written long before it is sent: AWS's rules have timestamp() for it
        fields["timestamp"] = _now_ms()
    return template.replace("{thing}", thing).encode(), json.dumps(fields).encode()


def _now_ms():
    since = _EPOCH_2000 if time.gmtime(0)[0] == 2000 else 0  # MicroPython's ports do not agree on when time began
    return (int(time.time()) + since) * 1000
