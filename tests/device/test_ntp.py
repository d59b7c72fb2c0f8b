"""The time: answers that are believed, and those that are not."""

import errors
import ntp
from harness import equal, raises

NONCE = b"\x01\x02\x03\x04\x05\x06\x07\x08"
NOVEMBER_2026 = 1793491200
UNIX = 2208988800


def reply(unix, nonce=NONCE, leap=0, mode=4, stratum=2, reference=b"GPS\x00"):
    stamp = ((unix + UNIX) & 0xFFFFFFFF).to_bytes(4, "big") + b"\x80\x00\x00\x00"
    head = bytes((leap << 6 | 4 << 3 | mode, stratum, 6, 0xEC)) + bytes(8) + reference + bytes(8)
    return head + nonce + stamp + stamp


def test_request_is_a_client_of_version_4_that_tells_no_time():
    packet = ntp.request(NONCE)
    equal(packet, b"\x23" + bytes(39) + NONCE)


def test_time_is_read():
    equal(ntp.answer(reply(NOVEMBER_2026 + 5), NONCE), NOVEMBER_2026 + 5)


def test_time_behind_the_overflow_of_2036_is_read():
    for unix in (2085978495, 2085978496, 2085978497, 4000000000):
        equal(ntp.answer(reply(unix), NONCE), unix)


def test_what_is_no_answer_to_us_is_ignored():
    good = reply(NOVEMBER_2026)
    for packet in (reply(NOVEMBER_2026, nonce=bytes(8)), reply(NOVEMBER_2026, mode=3), reply(NOVEMBER_2026, mode=5)):
        equal(ntp.answer(packet, NONCE), None)
    for size in range(len(good)):
        equal(ntp.answer(good[:size], NONCE), None)


def test_kiss_of_death_is_told_by_its_code():
    refusal = raises(ntp.Refused, lambda: ntp.answer(reply(NOVEMBER_2026, stratum=0, reference=b"RATE"), NONCE))
    equal("RATE" in str(refusal), True)


def test_server_that_does_not_know_the_time_is_not_believed():
    silent = reply(NOVEMBER_2026)[:40] + bytes(8)
    for packet in (reply(NOVEMBER_2026, leap=3), reply(NOVEMBER_2026, stratum=16), silent):
        raises(ntp.Refused, lambda: ntp.answer(packet, NONCE))


def test_server_that_has_just_started_is_told_to_have_no_time():
    for letters in (bytes(4), b"INIT", b"STEP"):  # as chrony and OpenNTPD, and ntpd twice
        packet = reply(NOVEMBER_2026, leap=3, stratum=0, reference=letters)
        equal(str(raises(ntp.Refused, lambda it=packet: ntp.answer(it, NONCE))), "not synchronised")


class Servers:
    """Time servers: name -> what they say: a packet made from the nonce, None for silence, an error to raise."""

    def __init__(self, **answers):
        self._answers = answers

    async def resolve(self, name):
        if self._answers[name] in ("no_dns", "unknown_name"):
            raise errors.error(self._answers[name], name)
        return name

    async def ask(self, address, port, packet, read):
        equal(port, 123)
        result = self._answers[address]
        if isinstance(result, OSError):
            raise result
        return result and read(result(packet[40:]))

    async def time(self, not_before=NOVEMBER_2026):
        return await ntp.ask_time(sorted(self._answers), self.resolve, self.ask, not_before)


def says(unix, **fields):
    return lambda nonce: reply(unix, nonce, **fields)


async def test_first_believable_server_is_taken():
    later = NOVEMBER_2026 + 7
    for bad in (
        None,
        "no_dns",
        "unknown_name",
        OSError(113),
        says(later, stratum=0, reference=b"DENY"),
        says(NOVEMBER_2026 - 1),
        says(4102444800),
    ):
        equal(await Servers(a=bad, b=says(later)).time(), (later, "b"))


async def test_time_that_the_port_has_no_date_for_is_refused():
    error = await raises(errors.RetryError, Servers(a=says(3092601600)).time())  # 2068
    equal(error.code, "no_ntp")


async def test_time_before_the_last_one_known_is_refused_with_its_reason():
    error = await raises(errors.RetryError, Servers(a=says(NOVEMBER_2026 - 1)).time())
    equal(error.code, "no_ntp")
    equal("a: a time that cannot be" in error.message, True)


async def test_time_decades_ahead_is_believed_only_when_no_server_tells_an_earlier_one():
    ahead, right = NOVEMBER_2026 + 619315200, NOVEMBER_2026 + 60  # 1024 weeks
    equal(await Servers(a=says(ahead), b=None, c=says(right)).time(), (right, "c"))
    equal(await Servers(a=says(ahead), b=says(ahead - 3)).time(), (ahead - 3, "b"))
    equal(await Servers(a=says(ahead - 3), b=says(ahead)).time(), (ahead - 3, "a"))
    equal(await Servers(a=says(ahead), b=None).time(), (ahead, "a"))


async def test_time_more_than_a_month_ahead_is_held_against_what_the_other_servers_say():
    ahead, right = NOVEMBER_2026 + 365 * 86400, NOVEMBER_2026 + 60
    equal(await Servers(a=says(ahead), b=says(right)).time(), (right, "b"))
    equal(await Servers(a=says(ahead), b=says(right), c=None).time(NOVEMBER_2026 + 300 * 86400), (ahead, "a"))


async def test_server_without_a_time_of_its_own_does_not_lead_into_2036():
    unset = says(-UNIX + 7)  # 1900, which is 2036 as well
    equal(await Servers(a=unset, b=says(NOVEMBER_2026 + 60)).time(), (NOVEMBER_2026 + 60, "b"))
    for never in (0, 7, 86400 * 365 * 30):  # 1970, 2000
        equal((await raises(errors.RetryError, Servers(a=says(never)).time())).code, "no_ntp")


async def test_leap_second_to_come_is_no_reason_to_refuse():
    for leap in (1, 2):
        equal(await Servers(a=says(NOVEMBER_2026 + 7, leap=leap)).time(), (NOVEMBER_2026 + 7, "a"))


async def test_each_server_has_its_reason_in_the_error():
    servers = Servers(a=None, b=says(NOVEMBER_2026, stratum=0, reference=b"RATE"), c="no_dns", d=OSError(113))
    error = await raises(errors.RetryError, servers.time())
    equal(error.code, "no_ntp")
    for part in ("a: no answer", "b: it said RATE", "c: no_dns", "d: [Errno 113]"):
        equal(part in error.message, True)


async def test_names_that_cannot_be_resolved_are_the_fault_of_dns():
    equal((await raises(errors.RetryError, Servers(a="no_dns", b="no_dns").time())).code, "no_dns")


async def test_no_servers_at_all_is_told():
    equal("servers.ntp" in (await raises(errors.RetryError, Servers().time())).message, True)
