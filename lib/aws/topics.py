"""Topic names and filters: whether one is valid for AWS IoT, and which filter covers which topic.

Pure. Names travel as bytes inside the room, because a character of a bytes object costs no memory to look at.
Rules: MQTT 3.1.1 section 4.7; limits: AWS IoT Core message broker quotas.
"""

import errors

PAYLOAD_LIMIT = 131072  # bytes
TOPIC_LIMIT = 256  # bytes of UTF-8
SLASH_LIMIT = 7
CLIENT_ID_LIMIT = 128  # bytes of UTF-8
FILTERS_PER_SUBSCRIBE = 8
SUBSCRIPTION_LIMIT = 50
IN_FLIGHT_LIMIT = 100

_HASH = 0x23
_PLUS = 0x2B
_SLASH = 0x2F
_DOLLAR = 0x24

_BASIC_INGEST = b"$aws/rules/"


def check_topic(topic):
    """`topic` (str or bytes) as bytes, fit to publish to; else errors `limit`."""
    name = _encoded(topic)
    if b"#" in name or b"+" in name:
        raise errors.error("limit", "Publishing to '%s'" % topic, "a topic without the wildcards # and +")
    return name


def check_filter(topic_filter):
    """`topic_filter` (str or bytes) as bytes, fit to subscribe to; else errors `limit`."""
    name = _encoded(topic_filter)
    levels = name.split(b"/")
    for position, level in enumerate(levels):
        misplaced_hash = b"#" in level and (level != b"#" or position != len(levels) - 1)
        if misplaced_hash or (b"+" in level and level != b"+"):
            raise errors.error("limit", "Filter '%s'" % topic_filter, "+ as a whole level, # as the whole last level")
    return name


def check_retain(name):
    """Errors `limit` when nothing can be retained under this checked topic name."""
    if name.startswith(b"$aws/"):
        raise errors.error("limit", "Retaining on '%s'" % str(name, "utf-8"), "a topic outside $aws")


def check_client_id(client_id):
    """Errors `limit` when the client id (str) is empty or too long."""
    size = len(client_id.encode())
    if not 0 < size <= CLIENT_ID_LIMIT:
        raise errors.error("limit", "A client id of %d bytes" % size, "1 to %d bytes" % CLIENT_ID_LIMIT)


def _encoded(topic):
    name = topic.encode() if isinstance(topic, str) else bytes(topic)
    slashes = name.count(b"/")
    if name.startswith(_BASIC_INGEST):
        slashes -= 3  # the rule's own prefix "$aws/rules/<name>/" is not counted
    if not 0 < len(name) <= TOPIC_LIMIT or b"\0" in name or slashes > SLASH_LIMIT:
        allowed = "1 to %d bytes, %d slashes, no zero byte" % (TOPIC_LIMIT, SLASH_LIMIT)
        raise errors.error("limit", "Topic '%s'" % topic, allowed)
    return name


def matches(topic_filter, topic):
    """Whether the checked filter covers the topic, both bytes. Allocates nothing."""
    size = len(topic)
    if topic[0] == _DOLLAR and topic_filter[0] != _DOLLAR:
        return False  # MQTT 3.1.1, 4.7.2: a leading wildcard does not cover $aws
    at = 0  # in the topic
    last = len(topic_filter) - 1
    for i in range(last + 1):
        wanted = topic_filter[i]
        if wanted == _HASH:
            return True
        if wanted == _PLUS:
            while at < size and topic[at] != _SLASH:
                at += 1
        elif at < size and topic[at] == wanted:
            at += 1
        else:
            # "sport/#" covers "sport" itself, too
            return at == size and i == last - 1 and topic_filter[last] == _HASH
    return at == size
