"""Whether a device's heap grows: what is still allocated after collections, in one life of the device. Pure.

At the end the least of several measurements counts: the collector takes whatever looks like a pointer for one, so that
now and then a file that was let go of stays for a while longer. At the beginning the second least counts: a single
one that fell into a moment without what serves a connection is no beginning to grow from.
"""

import statistics
from dataclasses import dataclass

_WARM_UP_S = 20  # files are loaded, buffers and names are made
_LEAST = 6  # measurements


@dataclass(frozen=True)
class Growth:
    """Of one life: bytes in its first third (second least) and in its last (least), the slope of all, bytes an hour."""

    first: int
    last: int
    slope: float
    seconds: int

    @property
    def grown(self):
        return self.last - self.first


def growth(lives):
    """Of the longest of `lives`, lists of (seconds, bytes); None when none was long enough to tell."""
    warm = [[each for each in life if each[0] >= _WARM_UP_S] for life in lives]
    longest = max(warm, key=lambda life: life[-1][0] - life[0][0] if life else 0, default=[])
    if len(longest) < _LEAST:
        return None
    third = len(longest) // 3
    sizes = [size for _, size in longest]
    first, last = sorted(sizes[:third])[1], min(sizes[-third:])
    slope = statistics.linear_regression(*zip(*longest, strict=True)).slope
    return Growth(first, last, slope * 3600, longest[-1][0] - longest[0][0])
