"""MQTT packets for the tests of the AWS room's pure files, and a parser that shares nothing with theirs."""

import itertools

from aws import packets


def written(first, topic, packet_id, payload):
    buffer = bytearray(len(topic) + 9)
    return bytes(buffer[: packets.publish_head(buffer, first, topic, packet_id, len(payload))]) + payload


def packets_in(data):
    """(first, body) of each packet, by a parser that shares nothing with ours."""
    found = []
    stream = iter(data)
    for first in stream:
        size = 0
        for shift in itertools.count(0, 7):
            byte = next(stream)
            size += (byte & 127) << shift
            if byte < 128:
                break
        found.append((first, bytes(itertools.islice(stream, size))))
    return found
