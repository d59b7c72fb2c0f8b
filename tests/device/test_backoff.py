"""How long to wait: it grows, it is spread, it is bounded, and only stability forgets."""

from backoff import Backoff
from harness import equal


def waits(backoff, count):
    return [backoff.next_ms() for _ in range(count)]


def test_each_wait_is_below_its_doubled_ceiling_and_the_cap():
    for _ in range(50):
        ceiling_ms = 1000
        for wait_ms in waits(Backoff(1000, 8000), 8):
            assert 0 <= wait_ms <= min(ceiling_ms, 8000), wait_ms
            ceiling_ms *= 2


def test_waits_are_spread_over_the_whole_range():
    first = [Backoff(1000, 60000).next_ms() for _ in range(400)]
    assert min(first) < 100 and max(first) > 900, (min(first), max(first))


def test_later_waits_are_longer_on_average():
    first = sum(Backoff(1000, 600000).next_ms() for _ in range(100))
    sixth = sum(waits(Backoff(1000, 600000), 6)[5] for _ in range(100))
    assert sixth > 8 * first, (first, sixth)


def test_the_floor_is_never_undercut():
    assert min(Backoff(1000, 60000, floor_ms=1000).next_ms() for _ in range(200)) >= 1000


def test_only_a_stable_connection_begins_small_again():
    backoff = Backoff(1000, 600000)
    waits(backoff, 12)
    equal(backoff.attempt, 12)
    backoff.stable()
    assert backoff.next_ms() <= 1000


def test_a_very_long_outage_does_not_overflow():
    assert waits(Backoff(1000, 300000), 200)[-1] <= 300000
    backoff = Backoff(1000, 300000)
    backoff.attempt = 1 << 28
    assert backoff.next_ms() <= 300000
