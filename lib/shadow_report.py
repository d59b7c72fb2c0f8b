"""Sends a report as the reported state of one of the device's own named shadows. Loaded for one.

No answer is awaited: that it was accepted would repeat all of it, in 2 to 3 KB that a chip at work may not have free.
AWS has it when it has acknowledged the message.
"""

import json

from micropython import const

_ANSWER_S = const(20)  # the task that waits for it cannot beat meanwhile


async def tell(system, name, document):
    """Let the document (dict, which is emptied) be what the shadow `name` reports. Errors: those of `Aws.publish`."""
    # As bytes at once, for `publish` would make them beside the text, which is kept here; and whoever called keeps the
    # document: with a log 2 KB more, while AWS acknowledges.
    payload = json.dumps({"state": {"reported": document}}).encode()
    document.clear()
    topic = "$aws/things/%s/shadow/name/%s/update" % (system.identity.name, name)
    await system.aws.publish(topic, payload, qos=1, timeout_s=_ANSWER_S)
