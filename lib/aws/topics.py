"""Topic names and filters: whether one is valid for AWS IoT, and which filter covers which topic.

Pure. Names travel as bytes inside the room, because a character of a bytes object costs no memory to look at.
Rules: MQTT 3.1.1 section 4.7; limits: AWS IoT Core message broker quotas.
"""

import errors


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


def check_client_id(client_id):
    """Errors `limit` when the client id (str) is empty or too long."""
    size = len(client_id.encode())
    if not 0 < size <= 128:
        raise errors.error("limit", "A client id of %d bytes" % size, "1 to 128 bytes")


def _encoded(topic):
    name = topic.encode() if isinstance(topic, str) else bytes(topic)
    slashes = name.count(b"/")
    if name.startswith(b"$aws/rules/"):
        slashes -= 3  # Basic Ingest: the rule's own prefix "$aws/rules/<name>/" is not counted
    if not 0 < len(name) <= 256 or b"\0" in name or slashes > 7:
        raise errors.error("limit", "Topic '%s'" % topic, "1 to 256 bytes, 7 slashes, no zero byte")
    return name


def matches(topic_filter, topic):
    """Whether the checked filter covers the topic, both bytes. Allocates nothing."""
    size = len(topic)
    if topic[0] == 0x24 and topic_filter[0] != 0x24:  # "$"
        return False  # MQTT 3.1.1, 4.7.2: a leading wildcard does not cover $aws
    at = 0  # in the topic
    last = len(topic_filter) - 1
    for i in range(last + 1):
        wanted = topic_filter[i]
        if wanted == 0x23:  # "#"
            return True
        if wanted == 0x2B:  # "+"
            while at < size and topic[at] != 0x2F:  # "/"
                at += 1
        elif at < size and topic[at] == wanted:
            at += 1
        else:
            # "sport/#" covers "sport" itself, too
            return at == size and i == last - 1 and topic_filter[last] == 0x23
    return at == size
