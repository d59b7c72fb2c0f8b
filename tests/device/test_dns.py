"""Names: what a name server says, cut, forged and broken answers, aliases, silence."""

import dns
import errors
from harness import equal, raises

HEADER = b"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00"
POINTER = b"\xc0\x0c"  # to the name in the question


def header(ident=0x1234, flags=0x8180, questions=1, answers=1):
    packet = b""
    for value in (ident, flags, questions, answers, 0, 0):
        packet += bytes((value >> 8, value & 0xFF))
    return packet


def wire(name):
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\x00"


def question(name):
    return wire(name) + b"\x00\x01\x00\x01"


def record(owner, kind, data):
    return owner + bytes((0, kind, 0, 1, 0, 0, 0, 60, len(data) >> 8, len(data) & 0xFF)) + data


def a(address, owner=POINTER):
    return record(owner, 1, bytes(int(part) for part in address.split(".")))


def reply(name, *records, **fields):
    return header(answers=len(records), **fields) + question(name) + b"".join(records)


def test_question_as_on_the_wire():
    equal(dns.question("ab.example", 0x0102), b"\x01\x02\x01\x00\x00\x01" + bytes(6) + question("ab.example"))


def test_name_is_asked_without_its_final_dot():
    equal(dns.question("ab.example.", 1), dns.question("ab.example", 1))


def test_what_cannot_be_a_name_is_told_at_once():
    for host in ("https://ab.example/", "two words", "", ".", "a..b", "a" * 64 + ".example", "ab.exämple", "a." * 130):
        equal(raises(errors.PersonError, lambda: dns.question(host, 1)).code, "unknown_name")


def test_addresses_are_recognised():
    for host in ("1.2.3.4", "0.0.0.0", "255.255.255.255"):
        equal(dns.is_address(host), True)
    for host in ("256.1.1.1", "1.2.3", "1.2.3.4.5", "a.b.c.d", "1.2.3.", "0001.1.1.1", ""):
        equal(dns.is_address(host), False)


def test_all_addresses_are_given():
    packet = reply("ab.example", a("10.0.0.1"), a("10.0.0.2"))
    equal(dns.answer(packet, "ab.example", 0x1234), (["10.0.0.1", "10.0.0.2"], None))


def test_case_of_the_name_does_not_matter():
    equal(dns.answer(reply("AB.example", a("10.0.0.1")), "ab.EXAMPLE", 0x1234), (["10.0.0.1"], None))


def test_alias_is_followed_inside_the_answer():
    chain = (
        record(POINTER, 5, wire("mid.example")),
        record(wire("mid.example"), 5, wire("end.example")),
        a("10.0.0.9", wire("end.example")),
    )
    equal(dns.answer(reply("ab.example", *chain), "ab.example", 0x1234), (["10.0.0.9"], None))


def test_alias_alone_is_given_back_to_be_asked():
    packet = reply("ab.example", record(POINTER, 5, wire("end.example")))
    equal(dns.answer(packet, "ab.example", 0x1234), ([], "end.example"))


def test_aliases_in_a_ring_end():
    for end in ("ab.example", "b.example"):
        ring = (record(POINTER, 5, wire("b.example")), record(wire("b.example"), 5, wire(end)))
        error = raises(errors.RetryError, lambda: dns.answer(reply("ab.example", *ring), "ab.example", 0x1234))
        equal(error.code, "no_dns")


def test_answer_with_a_name_that_is_too_long_is_ignored():
    # Pointers could make one of 512 bytes many thousand long.
    for last, is_broken in (("d" * 61, False), ("d" * 62, True)):
        owner = wire(".".join(("a" * 63, "b" * 63, "c" * 63, last)))
        packet = reply("ab.example", a("10.0.0.1"), a("10.0.0.2", owner))
        equal(dns.answer(packet, "ab.example", 0x1234) is None, is_broken)


def test_address_of_another_name_is_not_taken():
    packet = reply("ab.example", a("6.6.6.6", wire("evil.example")))
    equal(raises(errors.PersonError, lambda: dns.answer(packet, "ab.example", 0x1234)).code, "unknown_name")


def test_answer_to_another_question_is_ignored():
    good = a("6.6.6.6")
    for packet in (
        reply("ab.example", good, ident=0x1235),
        reply("other.example", good),
        reply("ab.example", good, flags=0x0100),  # a question, not an answer
        reply("ab.example", good, flags=0x8980),  # another operation
        reply("ab.example", good, questions=2),
        header() + wire("ab.example") + b"\x00\x1c\x00\x01" + good,  # about IPv6
    ):
        equal(dns.answer(packet, "ab.example", 0x1234), None)


def test_name_that_does_not_exist():
    packet = reply("ab.example", flags=0x8183)
    equal(raises(errors.PersonError, lambda: dns.answer(packet, "ab.example", 0x1234)).code, "unknown_name")


def test_server_that_cannot_tell():
    for code in (1, 2, 5):
        packet = reply("ab.example", flags=0x8180 | code)
        equal(raises(errors.RetryError, lambda: dns.answer(packet, "ab.example", 0x1234)).code, "no_dns")


def test_server_that_refuses_without_repeating_the_question():
    for code in (1, 2, 4, 5):
        packet = header(flags=0x8100 | code, questions=0, answers=0)  # unbound, where it refuses a network
        equal(raises(errors.RetryError, lambda it=packet: dns.answer(it, "ab.example", 0x1234)).code, "no_dns")
    for fields in ({"ident": 1}, {"flags": 0x0105}, {"flags": 0x8905}, {"flags": 0x8103}, {"flags": 0x8100}):
        packet = header(**dict({"flags": 0x8105, "questions": 0, "answers": 0}, **fields))
        equal(dns.answer(packet, "ab.example", 0x1234), None)


def test_an_address_behind_as_many_aliases_as_name_servers_follow_is_found():
    names = ["ab.example"] + ["x%d.example" % number for number in range(12)]
    chain = [record(wire(names[at]), 5, wire(names[at + 1])) for at in range(12)]
    packet = reply("ab.example", *(chain + [a("10.0.0.3", wire(names[-1]))]))
    equal(dns.answer(packet, "ab.example", 0x1234), (["10.0.0.3"], None))


def test_blocked_name_leads_nowhere():
    packet = reply("ab.example", a("0.0.0.0"))
    failure = raises(errors.PersonError, lambda: dns.answer(packet, "ab.example", 0x1234))
    equal((failure.code, "is blocked, or has no IPv4 address" in failure.message), ("unknown_name", True))


def test_name_server_that_refuses_to_say_has_answered():
    failure = raises(errors.RetryError, lambda: dns.answer(reply("ab.example", flags=0x8185), "ab.example", 0x1234))
    equal((failure.code, "No name server told the address" in failure.message), ("no_dns", True))


def test_answer_cut_by_the_server_keeps_what_is_whole():
    packet = reply("ab.example", a("10.0.0.1"), a("10.0.0.2"), flags=0x8380)[:-3]
    equal(dns.answer(packet, "ab.example", 0x1234), (["10.0.0.1"], None))


def test_answer_cut_by_the_server_to_nothing_may_be_tried_again():
    packet = reply("ab.example", a("10.0.0.1"), flags=0x8380)[:-3]
    equal(raises(errors.RetryError, lambda: dns.answer(packet, "ab.example", 0x1234)).code, "no_dns")


def test_every_cut_of_an_answer_is_ignored():
    packet = reply("ab.example", record(POINTER, 5, wire("end.example")), a("10.0.0.9", wire("end.example")))
    for size in range(len(packet)):
        equal(dns.answer(packet[:size], "ab.example", 0x1234), None)


def test_compression_pointers_that_loop_are_ignored():
    first = len(header() + question("ab.example"))
    itself = bytes((0xC0, first))
    each_other = bytes((0xC0, first + 2, 0xC0, first))
    forward = bytes((0xC0, first + 12))
    beyond = b"\xff\xff"
    for owner in (itself, each_other, forward, beyond, b"\x80\x01", b"\x40a"):
        equal(dns.answer(reply("ab.example", a("10.0.0.1", owner)), "ab.example", 0x1234), None)


class Servers:
    """Answers by script: server -> list of replies, each a function of the name asked, None for silence, or OSError."""

    def __init__(self, **scripts):
        self._scripts = scripts
        self.asked = []

    async def ask(self, server, port, packet, read):
        name = b".".join(label for label in _labels(packet))
        self.asked.append((server, name.decode()))
        script = self._scripts[server]
        step = script.pop(0) if script else None
        if isinstance(step, OSError):
            raise step
        return step and read(packet[:2] + step(name.decode())[2:])


def _labels(packet):
    at = 12
    while packet[at]:
        yield packet[at + 1 : at + 1 + packet[at]]
        at += 1 + packet[at]


def gives(*records, **fields):
    return lambda name: reply(name, *records, **fields)


async def test_a_name_with_more_addresses_than_an_answer_has_room_for_is_found():
    # Of a longer answer the chip's socket gives the first 512 bytes.
    long = reply("ab.example", *[a("10.0.0.%d" % number) for number in range(60)])[: dns.LIMIT]
    servers = Servers(first=[gives(flags=0x8380), lambda name: long])
    found = await dns.resolve("ab.example", ["first"], servers.ask)
    equal((found[:2], len(found), len(servers.asked)), (["10.0.0.0", "10.0.0.1"], 30, 2))


async def test_a_server_that_gives_no_longer_answers_either_is_asked_no_more():
    servers = Servers(first=[gives(flags=0x8380), gives(flags=0x8181)], second=[gives(a("10.0.0.2"))])
    equal(await dns.resolve("ab.example", ["first", "second"], servers.ask), ["10.0.0.2"])


def test_a_question_for_a_longer_answer_says_so():
    packet = dns.question("ab.example", 1, dns._MAY_BE_LONG)
    equal((packet[4:12], len(packet) - len(dns.question("ab.example", 1))), (b"\x00\x01\x00\x00\x00\x00\x00\x01", 11))


async def test_lost_question_is_asked_once_more():
    servers = Servers(first=[None, gives(a("10.0.0.1"))])
    equal(await dns.resolve("ab.example", ["first"], servers.ask), ["10.0.0.1"])
    equal(len(servers.asked), 2)


async def test_second_server_is_asked_when_the_first_fails():
    for trouble in (None, OSError(113), gives(flags=0x8182)):
        servers = Servers(first=[trouble], second=[gives(a("10.0.0.2"))])
        equal(await dns.resolve("ab.example", ["first", "second"], servers.ask), ["10.0.0.2"])


async def test_name_known_not_to_exist_is_not_asked_again():
    servers = Servers(first=[gives(flags=0x8183)], second=[])
    error = await raises(errors.PersonError, dns.resolve("ab.example", ["first", "second"], servers.ask))
    equal(error.code, "unknown_name")
    equal(len(servers.asked), 1)


async def test_silence_of_all_servers_is_told_apart_from_a_refusal():
    equal(await dns.resolve("ab.example", ["first", "second"], Servers(first=[], second=[]).ask), None)
    servers = Servers(first=[gives(flags=0x8185)])
    equal((await raises(errors.RetryError, dns.resolve("ab.example", ["first"], servers.ask))).code, "no_dns")


async def test_alias_is_asked_for():
    servers = Servers(first=[gives(record(POINTER, 5, wire("end.example"))), gives(a("10.0.0.7"))])
    equal(await dns.resolve("ab.example", ["first"], servers.ask), ["10.0.0.7"])
    equal(servers.asked[1], ("first", "end.example"))


async def test_endless_aliases_end():
    servers = Servers(first=[gives(record(POINTER, 5, wire("x%d.example" % n))) for n in range(50)])
    equal((await raises(errors.RetryError, dns.resolve("ab.example", ["first"], servers.ask))).code, "no_dns")
    equal(len(servers.asked) < 20, True)


async def test_each_question_has_an_id_of_its_own():
    idents = []

    async def ask(server, port, packet, read):
        idents.append(bytes(packet[:2]))

    for _ in range(20):
        await dns.resolve("ab.example", ["first"], ask)
    equal(len(set(idents)) > 30, True)
