"""A service of AWS IoT (shadow, jobs) on its reserved topics: requests, and messages that it sends unasked. Pure.

    service = Service("shadow", ("get/accepted", "get/rejected", "update/delta"), heard, online)
    aws.attach(service)
    document = await service.ask("get", {})             $aws/things/<thing>/shadow/get

`Aws` subscribes to the topics whenever the cloud has not kept the session. The clientToken tells which request an
answer belongs to, so that several may be under way, and answers to others are ignored.
"""

import asyncio
import os
import sys
from binascii import hexlify

_ANSWERS = ("/accepted", "/rejected")


class Service:
    """The topics `$aws/things/<thing>/<base>/...`.

    `listens`: the ends of those to subscribe to, at most 8, `+` allowed. `heard(end, payload)` is given what is no
    answer: the end of its topic (str) and a memoryview that is valid until it returns. `online()` is called on every
    connection, as soon as it is subscribed, and when something came that was too large to be heard. Both are plain
    functions that do not wait. `one_by_one`: a request is sent when the one before has its answer.
    """

    qos = 1
    cuts = 0
    # (operation, the CloudError, ticks): the last one for which the cloud ended the connection, too often.
    forbidden = None

    def __init__(self, base, listens, heard, online, one_by_one=False):
        self.base = base
        self.listens = listens
        self.heard = heard
        self.online = online
        self.prefix = b"\0"  # of its topics; until `belong` tells it, one that no topic has
        self.granted = False  # as of an inbox.Subscription
        self.refusal = None  # the CloudError of a SUBSCRIBE that was refused
        self.ready = asyncio.Event()  # connected and subscribed
        self.turn = asyncio.Lock() if one_by_one else None
        self.publish = None
        self.asked = {}  # clientToken -> asking.Question: what is under way
        self.take_answer = None  # asking.hear, while something is
        self.token = hexlify(os.urandom(4)).decode()
        self.number = 0  # of questions so far

    def belong(self, thing, publish):
        """Be that of this thing. `publish(topic, payload, timeout_ms)`: a coroutine function, QoS 1."""
        self.prefix = ("$aws/things/%s/%s/" % (thing, self.base)).encode()
        self.publish = publish

    def filters(self):
        """What to subscribe to: list of bytes."""
        return [self.prefix + end.encode() for end in self.listens]

    async def ask(self, operation, document, timeout_s=20):
        """The answer (dict) to `document` (dict) on the topic with this end; waits for a connection, too.

        What the cloud asks to send again later is sent again within the time. So is what has lost its connection before
        its answer, unless it is meant for a certain version of something: whether it was done nobody knows then.
        Errors: `not_connected`, `no_answer`, `subscribe_refused`; `rejected`, with AWS's code as `reason` (int or str)
        and all of the `answer`; `limit` for an answer that is too large; `no_memory`.
        """
        return await _asking().ask(self, operation, document, timeout_s)

    def lost(self):
        """The connection has ended."""
        self.ready.clear()
        for question in self.asked.values():
            question.lost()

    # Hearing

    def hear(self, end, payload):
        """Take a message of ours: the end of its topic (str), and a buffer."""
        if end[-9:] not in _ANSWERS:
            self.heard(end, payload)
        elif self.asked:  # else it is somebody else's: not worth the memory
            self.take_answer(self, end, payload)

    def skipped(self, end, reason):
        """A message of ours was not taken, for the reason "too_large" or "no_memory"."""
        if end[-9:] not in _ANSWERS:
            self.online()  # whatever it told: what is true now can be asked for
            return
        for question in self.asked.values():
            question.skipped(end, reason)


def _asking():
    # Loaded for a question; whoever asks often, as a shadow does, keeps it.
    is_kept = "aws.asking" in sys.modules
    from . import asking

    if not is_kept:
        del sys.modules["aws.asking"]
        delattr(sys.modules["aws"], "asking")
    return asking
