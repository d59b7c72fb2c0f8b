"""A report as what one of the device's own named shadows says. Imported for one.

The answer that it was accepted repeats all of it, in 2 to 3 KB for which a chip at work may have no room: so only a
refusal is listened for, which comes at once.
"""

import asyncio
import json

from micropython import const

import errors
from aws.service import Service

_ANSWER_S = const(20)  # who waits for the report shows no sign of life meanwhile
_REFUSED_MS = const(2000)
_TICK_MS = const(100)


async def to_shadow(system, name, *parts):
    """Let the shadow `name` report the documents (dict) that the functions `parts` make of `system`, each by an update
    of its own: all in one would need a larger piece of memory than is left of a worn heap.

    They are made when the shadow is subscribed, which takes memory, too. Errors: `not_connected`, `rejected`,
    `subscribe_refused`, `limit`, and those of a publish.
    """
    aws = system.aws
    known = aws.service("shadow/name/" + name)
    if known is not None:  # the application has it, too, and hears the answers
        for make in parts:
            await known.ask("update", {"state": {"reported": make(system)}})
        return
    report = Report(name)
    aws.attach(report)
    try:
        await report.connected()
        for make in parts:
            await report.tell(make(system))
        await report.settled()
    finally:
        await aws.detach(report)


class Report(Service):
    """The service that hears whether a report was refused."""

    def __init__(self, name):
        super().__init__("shadow/name/" + name, ("update/rejected",), None, _nothing)
        self._answer = None  # the refusal

    async def connected(self):
        """Wait until it would be heard."""
        for _ in range(_ANSWER_S * 1000 // _TICK_MS):
            self._raise()
            if self.ready.is_set():
                return
            await asyncio.sleep_ms(_TICK_MS)
        raise errors.error("not_connected")

    async def tell(self, document):
        """Send a part."""
        payload = json.dumps({"state": {"reported": document}}).encode()
        document.clear()  # the caller has it, too, and waits
        await self.publish(self.prefix + b"update", payload, _ANSWER_S * 1000)

    async def settled(self):
        """Wait for as long as a refusal may take."""
        for _ in range(_REFUSED_MS // _TICK_MS):
            self._raise()
            await asyncio.sleep_ms(_TICK_MS)

    def _raise(self):
        refusal = self.refusal or self._answer
        if refusal is not None:
            raise refusal

    def hear(self, end, payload):
        """Take the refusal."""
        try:
            answer = json.loads(payload)
            reason = "%s %s" % (answer.get("code"), answer.get("message", ""))
        except (ValueError, AttributeError, TypeError):
            reason = "no reason that can be read"
        self._answer = errors.error("rejected", self.base, reason.strip())


def _nothing():
    """Only a refusal is expected."""
