"""The last answer of a session: work is never done twice because an answer was lost.

A phone that was told of a damaged or late message sends it again under the same id. It may have arrived all the same.
"""

from ble import codes, messages


class Answers:
    """What is at work on this connection, and its last answer."""

    def __init__(self):
        self.forget()

    def forget(self):
        """For a new connection or HELLO: ids begin again, and nobody waits for work that still runs."""
        self._working = None
        self._last_id = None
        self._last = None

    def ready(self, message):
        """The ACK (bytes) to send at once, or None: then do the work and call `finish`.

        A message that was answered gets the same answer again, one still at work code 1, another meanwhile code 11.
        """
        if self._working:
            same = message.id == self._working.id
            return messages.ack(message.typ, message.id, codes.IN_PROGRESS if same else codes.BUSY)
        if message.id == self._last_id:
            return self._last
        self._working = message
        return None

    def finish(self, message, ack):
        """The work on `message` ended with the final `ack` (bytes); False when nobody waits for it any more."""
        if message is not self._working:
            return False
        self._last_id = message.id
        self._last = ack
        self._working = None
        return True
