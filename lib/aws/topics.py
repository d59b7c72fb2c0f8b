"""Topic names, filters and client ids: whether one is valid for AWS IoT. Pure. Loaded for a new one, then unloaded.

Rules: MQTT 3.1.1 section 4.7; limits: AWS IoT Core message broker quotas. Which filter covers which topic: packets.py.
"""

import errors

_SHADOW_NAME = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:_-$"


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
    if levels[0] == b"$share" and not b"/".join(levels[2:]):
        raise errors.error("limit", "Filter '%s'" % topic_filter, "$share/<group>/<filter>")
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


def shadow_base(name):
    """Where in the thing's topics the shadow of this name is; None: the classic one. Errors: `limit`."""
    if name is None:
        return "shadow"
    if not 0 < len(name) <= 64 or not all(byte in _SHADOW_NAME for byte in name.encode()):
        raise errors.error("limit", "The shadow's name '%s'" % name, "64 letters, digits and characters of :_-$")
    return "shadow/name/" + name


def _encoded(topic):
    name = topic.encode() if isinstance(topic, str) else bytes(topic)
    slashes = name.count(b"/")
    if name.startswith(b"$aws/rules/"):
        slashes -= 3  # Basic Ingest: the rule's own prefix "$aws/rules/<name>/" is not counted
    try:
        str(name, "utf-8")
    except UnicodeError:  # bytes, of a chip's number for example, for which AWS would end the connection
        raise errors.error("limit", "Topic %r" % name, "UTF-8")
    if not 0 < len(name) <= 256 or b"\0" in name or slashes > 7:
        raise errors.error("limit", "Topic '%s'" % topic, "1 to 256 bytes, 7 slashes, no zero byte")
    return name
