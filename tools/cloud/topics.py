"""Topic names and topic filters: what is valid, and which filter matches which name.

MQTT 3.1.1 chapter 4.7 and AWS IoT's limits. Which topics below `$` exist is in `reserved`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from tools.cloud.limits import Limits
from tools.cloud.packets import PacketError

Subscriber = TypeVar("Subscriber")


class TopicError(PacketError):
    """A topic or filter that AWS IoT does not take."""

    code = 0x90  # topic name invalid


def check_name(topic: str, limits: Limits) -> None:
    """Raise TopicError unless a message may be published to `topic`."""
    if "+" in topic or "#" in topic:
        raise TopicError(f"a topic name must not contain + or #: {topic!r}")
    _check_size(topic, limits)


def check_filter(topic_filter: str, limits: Limits) -> None:
    """Raise TopicError unless `topic_filter` can be subscribed to."""
    levels = topic_filter.split("/")
    for level in levels:
        if level not in ("+", "#") and ("+" in level or "#" in level):
            raise TopicError(f"+ and # must fill a level of their own: {topic_filter!r}")
    if "#" in levels[:-1]:
        raise TopicError(f"# must be the last level: {topic_filter!r}")
    _check_size(topic_filter, limits)


def _check_size(topic: str, limits: Limits) -> None:
    if not topic or "\0" in topic:
        raise TopicError("a topic must not be empty or contain U+0000")
    relevant = _without_rule(topic)
    if len(relevant.encode()) > limits.topic_bytes:
        raise TopicError(f"a topic has at most {limits.topic_bytes} bytes: {topic[:40]!r}...")
    if not relevant.startswith("$aws/") and relevant.count("/") > limits.topic_slashes:
        raise TopicError(f"a topic has at most {limits.topic_slashes} slashes: {topic!r}")


def _without_rule(topic: str) -> str:
    """Basic Ingest's `$aws/rules/NAME/` is not counted by AWS."""
    if not topic.startswith("$aws/rules/"):
        return topic
    return topic.split("/", 3)[-1]


def matches(topic_filter: str, topic: str) -> bool:
    """Does a subscription to `topic_filter` get what is published to `topic`?"""
    tree: Subscriptions[None] = Subscriptions()
    tree.add(topic_filter, None, 0)
    return bool(tree.matching(topic))


class _Node(Generic[Subscriber]):
    __slots__ = ("children", "subscribers")

    def __init__(self):
        self.children: dict[str, _Node[Subscriber]] = {}
        self.subscribers: dict[Subscriber, int] = {}


class Subscriptions(Generic[Subscriber]):
    """Who subscribed to what: a tree with one node for each level of a filter, and remembered answers."""

    _CACHE_SIZE = 4096

    def __init__(self):
        self._root: _Node[Subscriber] = _Node()
        self._cache: dict[str, tuple[tuple[Subscriber, int], ...]] = {}

    def add(self, topic_filter: str, subscriber: Subscriber, qos: int) -> None:
        """Subscribe, or change the QoS of what there is."""
        node = self._root
        for level in topic_filter.split("/"):
            node = node.children.setdefault(level, _Node())
        node.subscribers[subscriber] = qos
        self._cache.clear()

    def remove(self, topic_filter: str, subscriber: Subscriber) -> None:
        """Unsubscribe; nothing happens when there was no such subscription. Empty branches go with it."""
        path = [self._root]
        levels = topic_filter.split("/")
        for level in levels:
            node = path[-1].children.get(level)
            if node is None:
                return
            path.append(node)
        path[-1].subscribers.pop(subscriber, None)
        self._cache.clear()
        for parent, level in zip(reversed(path[:-1]), reversed(levels), strict=True):
            child = parent.children[level]
            if child.children or child.subscribers:
                return
            del parent.children[level]

    def matching(self, topic: str) -> tuple[tuple[Subscriber, int], ...]:
        """Every subscriber whose filters match, once, with the highest QoS of them [MQTT-3.3.5-1]."""
        found = self._cache.get(topic)
        if found is None:
            best: dict[Subscriber, int] = {}
            for node in self._walk(topic.split("/"), topic.startswith("$")):
                for subscriber, qos in node.subscribers.items():
                    best[subscriber] = max(qos, best.get(subscriber, 0))
            found = tuple(best.items())
            if len(self._cache) >= self._CACHE_SIZE:
                self._cache.clear()
            self._cache[topic] = found
        return found

    def _walk(self, levels: list[str], reserved: bool) -> Iterator[_Node[Subscriber]]:
        """The nodes whose filter matches. Wildcards in the first level do not match `$...` [MQTT-4.7.2-1].

        Other than MQTT has it, but as AWS does: `a/#` does not match `a`.
        """
        nodes = [self._root]
        for depth, level in enumerate(levels):
            wild = not (reserved and depth == 0)
            if wild:
                yield from _children(nodes, "#")
            nodes = [*_children(nodes, level), *(_children(nodes, "+") if wild else ())]
        yield from nodes


def _children(nodes: Iterable[_Node[Subscriber]], level: str) -> Iterator[_Node[Subscriber]]:
    for node in nodes:
        child = node.children.get(level)
        if child is not None:
            yield child
