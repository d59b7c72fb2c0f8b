"""Shared subscriptions: of those who subscribe to `$share/NAME/FILTER` each message goes to one, by chance as in AWS.

Who is away gets messages only while nobody else of its share is there.
"""

from __future__ import annotations

import random

from tools.cloud.packets import PacketError
from tools.cloud.session import Message, Session
from tools.cloud.topics import Subscriptions

_SHARE = "$share/"


def share_of(topic_filter: str) -> tuple[str, str] | None:
    """`$share/NAME` and the filter; None: it is not shared. Raises PacketError."""
    if not topic_filter.startswith(_SHARE):
        return None
    name, _, shared = topic_filter[len(_SHARE) :].partition("/")
    if not name or not shared or "+" in name or "#" in name:
        raise PacketError(f"a shared subscription is $share/NAME/FILTER: {topic_filter!r}")
    return _SHARE + name, shared


class Share:
    """The sessions of one shared subscription, in the place of a session."""

    def __init__(self):
        self.members: dict[Session, int] = {}

    def deliver(self, message: Message, _: int) -> None:
        there = [session for session in self.members if session.outlet is not None] or list(self.members)
        session = random.choice(there)
        session.deliver(message, self.members[session])


class SharedSubscriptions(Subscriptions[Session | Share]):
    """Subscriptions, of which some are shared."""

    def __init__(self):
        super().__init__()
        self._shares: dict[str, Share] = {}

    def add(self, topic_filter: str, subscriber: Session, qos: int) -> None:
        shared = share_of(topic_filter)
        if shared is None:
            super().add(topic_filter, subscriber, qos)
            return
        share = self._shares.get(topic_filter)
        if share is None:
            share = self._shares[topic_filter] = Share()
            super().add(shared[1], share, 1)
        share.members[subscriber] = qos

    def remove(self, topic_filter: str, subscriber: Session) -> None:
        shared = share_of(topic_filter)
        if shared is None:
            super().remove(topic_filter, subscriber)
            return
        share = self._shares.get(topic_filter)
        if share is None:
            return
        share.members.pop(subscriber, None)
        if not share.members:
            del self._shares[topic_filter]
            super().remove(shared[1], share)
