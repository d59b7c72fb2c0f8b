"""What every message needs: the head of a PUBLISH that is sent, and whose filter covers one that is received. Pure.

The other packets that are sent are made by requests.py, what is received is cut by receiver.py. Topics are bytes inside
the room, because a character of a bytes object costs no memory to look at.
"""


def publish_head(buffer, first, topic, packet_id, payload_size):
    """Write all of a PUBLISH but its payload to the start of `buffer` (bytearray); returns how many bytes that is.

    `first` is the first byte with its flags, `topic` bytes; `packet_id` is left out where the flags say QoS 0. The
    buffer must have room for `len(topic) + 9` bytes.
    """
    size = len(topic)
    remaining = 2 + size + payload_size
    if first & 6:
        remaining += 2
    buffer[0] = first
    at = 1
    while remaining > 127:
        buffer[at] = remaining & 127 | 128
        remaining >>= 7
        at += 1
    buffer[at] = remaining
    buffer[at + 1] = size >> 8
    buffer[at + 2] = size & 255
    at += 3
    buffer[at : at + size] = topic
    at += size
    if first & 6:
        buffer[at] = packet_id >> 8
        buffer[at + 1] = packet_id & 255
        at += 2
    return at


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
