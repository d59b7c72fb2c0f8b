"""The head of a PUBLISH, written into a buffer that is kept, because it is sent often. Pure.

The other packets that are sent are made by requests.py, what is received is cut by receiver.py.
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
