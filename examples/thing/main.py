"""Publish and subscribe with a certificate that the device was given: it echoes what it is told.

devices/<thing>/in    anything, to the device
devices/<thing>/out   {"n": 3, "said": "hello"}: the third message, repeated
"""

import json

import awsesp
import errors


async def application(device):
    await device.aws.connected()
    # Without a handler messages wait in a ring buffer; the oldest is dropped, and counted, when nobody reads it.
    await device.aws.subscribe("devices/%s/in" % device.name, qos=1)
    n = 0
    while True:
        message = await device.aws.messages.get()
        n += 1
        said = text_of(message.payload)
        print("application: told %s (%d dropped so far)" % (said, device.aws.messages.dropped))
        try:
            answer = json.dumps({"n": n, "said": said})
            await device.aws.publish("devices/%s/out" % device.name, answer, qos=1)
        except errors.RetryError as error:
            print("application: not sent, %s" % error)


def text_of(payload):
    """What was said; whoever may publish there may send anything, and no message may end the application."""
    try:
        return bytes(payload).decode()
    except UnicodeError:
        return "%d bytes that are no text" % len(payload)


if __name__ == "__main__":
    awsesp.run(application)
