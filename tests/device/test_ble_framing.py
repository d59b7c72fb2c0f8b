"""Frames and the stream they come out of, on the device."""

import gc
import json

import errors
from ble import codes, framing, ticks
from harness import equal, raises

PAYLOAD = b'{"typ":"SCAN","id":7,"dat":{}}'


def vectors():
    with open(__file__.rsplit("/", 2)[0] + "/vectors/ble.json") as file:
        return json.load(file)["session"]


def feed(parser, data, now_ms=0):
    """What the parser finds in `data`: types with payloads, and damage."""
    rest, found = memoryview(data), []
    while rest:
        rest = rest[parser.feed(rest, now_ms) :]
        found += drain(parser)
    return found


def drain(parser):
    found = []
    while True:
        what = parser.next()
        if what is None:
            return found
        if what in (framing.CLEAR, framing.SEALED):
            found.append((what, bytes(parser.payload)))
        elif what != framing.SEARCHING:
            found.append(what)


def test_crc_is_ccitt_false():
    equal(framing.crc16(b"123456789"), 0x29B1)
    equal(framing.crc16(b"6789", framing.crc16(b"12345")), 0x29B1)


def test_frames_of_the_specification_are_made_and_read():
    values = vectors()
    for kind, text in ((framing.CLEAR, values["frame_type_1"]), (framing.SEALED, values["frame_type_2"])):
        wire = bytes.fromhex(text)
        equal(bytes(framing.frame(kind, wire[6:])), wire)
        equal(feed(framing.Parser(), wire), [(kind, wire[6:])])


def test_message_arrives_whole_however_it_was_cut():
    wire = bytes(framing.frame(framing.SEALED, bytes(range(200))))
    for size in (1, 5, 6, 7, 20, 205, 206, 509):
        parser = framing.Parser()
        found = []
        for chunk in framing.chunks(wire, size):
            found += feed(parser, chunk)
        equal(found, [(framing.SEALED, bytes(range(200)))])


def test_empty_and_largest_messages_pass():
    largest = bytes(6144)
    wire = bytes(framing.frame(framing.CLEAR, b"")) + bytes(framing.frame(framing.SEALED, largest))
    equal(feed(framing.Parser(), wire), [(framing.CLEAR, b""), (framing.SEALED, largest)])


def test_message_that_is_too_large_is_refused_where_it_is_made():
    equal(raises(codes.Refusal, lambda: framing.frame(framing.CLEAR, bytes(6145))).number, codes.TOO_LARGE)


def test_refusal_is_an_error_that_a_person_can_act_on():
    error = raises(errors.PersonError, lambda: framing.frame(framing.CLEAR, bytes(6145)))
    equal(error.code, "too_large")
    equal(error.message, "The message is too large for the device: send less at once (6145 bytes, at most 6144).")


def test_header_of_another_type_or_length_is_skipped():
    wire = bytes(framing.frame(framing.CLEAR, PAYLOAD))
    for header in (b"\xa5\x00\x00\x01\x00\x00", b"\xa5\x03\x00\x01\x00\x00", b"\xa5\x01\x18\x01\x00\x00"):
        parser = framing.Parser()
        equal(feed(parser, header + wire), [(framing.CLEAR, PAYLOAD)])
        equal(parser.rubbish, len(header))


def test_damaged_message_is_told_and_the_next_one_read():
    parser = framing.Parser()
    wire = framing.frame(framing.CLEAR, PAYLOAD)
    wire[10] ^= 1
    equal(feed(parser, wire), [framing.BAD_CRC])
    equal(feed(parser, framing.frame(framing.CLEAR, PAYLOAD)), [(framing.CLEAR, PAYLOAD)])
    equal((parser.bad_crc, parser.rubbish, parser.late), (1, len(wire), 0))


def test_message_that_began_inside_a_false_one_is_found():
    inner = bytes(framing.frame(framing.SEALED, PAYLOAD))
    false = b"\xa5\x01\x00" + bytes((len(inner) + 3,)) + b"\x12\x34"
    equal(feed(framing.Parser(), false + b"xyz" + inner), [framing.BAD_CRC, (framing.SEALED, PAYLOAD)])


def test_false_headers_inside_a_damaged_message_are_not_told_again():
    parser = framing.Parser()
    false = b"\xa5\x01\x00\x01\x00\x00!"
    wire = framing.frame(framing.CLEAR, false * 20)
    wire[4] ^= 0xFF
    equal(feed(parser, wire), [framing.BAD_CRC])
    equal(parser.bad_crc, 1)


def test_gap_of_five_seconds_drops_the_message():
    parser = framing.Parser()
    wire = bytes(framing.frame(framing.CLEAR, PAYLOAD))
    equal(feed(parser, wire[:9], 1000), [])
    equal(parser.waiting, True)
    parser.expire(5999)
    equal(drain(parser), [])
    parser.expire(6000)
    equal(drain(parser), [framing.LATE])
    equal((parser.waiting, parser.late), (False, 1))
    equal(feed(parser, wire, 6001), [(framing.CLEAR, PAYLOAD)])


def test_rest_of_a_message_after_a_gap_is_rubbish():
    parser = framing.Parser()
    wire = bytes(framing.frame(framing.CLEAR, PAYLOAD))
    feed(parser, wire[:9], 1000)
    equal(feed(parser, wire[9:], 6000), [framing.LATE])
    equal(parser.rubbish, len(wire) - 9)


def test_gap_is_measured_from_the_last_byte_and_only_inside_a_message():
    parser = framing.Parser()
    wire = bytes(framing.frame(framing.CLEAR, PAYLOAD))
    equal(feed(parser, wire[:9], 0), [])
    equal(feed(parser, wire[9:20], 4999), [])
    equal(feed(parser, wire[20:], 9998), [(framing.CLEAR, PAYLOAD)])
    equal(feed(parser, wire, 60000), [(framing.CLEAR, PAYLOAD)])


def test_gap_across_the_wrap_of_the_clock():
    last = (1 << 30) - 1000
    equal(ticks.elapsed_ms(999, last), 1999)
    parser = framing.Parser()
    feed(parser, b"\xa5\x01", last)
    parser.expire(3999)
    equal(drain(parser), [])
    parser.expire(4000)
    equal(drain(parser), [framing.LATE])


def test_disconnecting_clears_what_had_begun():
    parser = framing.Parser()
    wire = bytes(framing.frame(framing.CLEAR, PAYLOAD))
    feed(parser, wire[:20])
    parser.clear()
    equal(feed(parser, wire), [(framing.CLEAR, PAYLOAD)])


def test_searching_through_hostile_bytes_stops_often():
    # False headers every six bytes, each with a length that ends inside the buffer: searched in one go these are
    # millions of bytes of CRC.
    hostile = bytearray()
    for index in range(1024):
        hostile += b"\xa5\x01" + (6 * (1023 - index)).to_bytes(2, "big") + b"\x00\x01"
    parser = framing.Parser()
    rest = memoryview(hostile)
    seen = []
    while rest:
        rest = rest[parser.feed(rest, 0) :]
        seen += steps(parser)
    equal(len(seen) > 2000, True)
    equal(seen.count(framing.BAD_CRC), 1)


def steps(parser):
    """What each step found, none of them long."""
    seen = []
    while True:
        before = parser._checked
        what = parser.next()
        if parser._checked - before > 1024:
            raise AssertionError("looked at %d bytes in one step" % (parser._checked - before))
        if what is None:
            return seen
        seen.append(what)


def test_large_message_has_its_memory_only_while_it_is_there():
    parser = framing.Parser()
    small = len(parser._view)
    wire = bytes(framing.frame(framing.SEALED, bytes(6000)))
    equal(feed(parser, wire + wire[:9]), [(framing.SEALED, bytes(6000))])
    parser.free()
    equal(len(parser._view) > small, True)  # the next one has begun
    equal(feed(parser, wire[9:]), [(framing.SEALED, bytes(6000))])
    parser.free()
    equal((len(parser._view), parser.payload), (small, None))
    equal(feed(parser, wire), [(framing.SEALED, bytes(6000))])


def test_message_without_memory_for_it_is_told_once_and_the_next_one_read():
    def none(size):
        raise MemoryError

    parser = framing.Parser()
    framing.bytearray = none
    try:
        found = feed(parser, (b"\xa5\x01\x10\x00ab" + bytes(20)) * 40)
    finally:
        del framing.bytearray
    equal(found, [framing.NO_MEMORY])
    equal(feed(parser, bytes(4096)), [])
    equal(feed(parser, bytes(framing.frame(framing.CLEAR, PAYLOAD))), [(framing.CLEAR, PAYLOAD)])


def test_parsing_allocates_a_bounded_little_per_chunk():
    parser = framing.Parser()
    wire = memoryview(framing.frame(framing.SEALED, bytes(1000)))
    chunks = [wire[start : start + 100] for start in range(0, len(wire), 100)]
    for chunk in chunks:
        feed_only(parser, chunk)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for chunk in chunks:
        feed_only(parser, chunk)
    used = gc.mem_alloc() - before
    gc.enable()
    equal((used // len(chunks) < 400, parser.bad_crc), (True, 0))


def feed_only(parser, chunk):
    parser.feed(chunk, 0)
    while parser.next() is not None:
        pass
