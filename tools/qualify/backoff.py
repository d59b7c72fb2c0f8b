"""What kind of waiting a series of attempts shows: fitted, named, and judged as Device Advisor does."""

import itertools
import math
from dataclasses import dataclass
from statistics import mean, pstdev

_STEADY = 0.1  # relative scatter below which a series follows its law without jitter
_GROWTH = 1.3  # per attempt, of what counts as exponential
_AT_ONCE_S = 0.5  # what is below is no waiting, but the time that a connection takes
_REALLY = 2  # times the first ceiling: what the longest of random waits must come to


@dataclass(frozen=True)
class Verdict:
    """`grows` exponentially, with `jitter`; `name` says it in words."""

    grows: bool
    jitter: bool
    name: str


def judge(rounds):
    """The `Verdict` on waits in seconds: one list for each round, which all began anew."""
    waits = [wait for each in rounds for wait in each]
    if len(waits) < 3:
        return Verdict(False, False, f"{len(waits)} waits: too few to tell")
    if max(waits) < _AT_ONCE_S:
        return Verdict(False, False, f"none, back within {max(waits):.1f} s")
    if pstdev(waits) <= _STEADY * mean(waits):
        return Verdict(False, False, f"constant, {mean(waits):.1f} s")
    strict = [_strict(each) for each in rounds if len(each) >= 3]
    if strict and all(name == "linear" for name in strict):
        return Verdict(False, False, f"linear, up to {max(waits):.1f} s")
    if strict and all(name == "exponential" for name in strict):
        return Verdict(True, False, f"strictly exponential, up to {max(waits):.1f} s")
    return _jittered(rounds, waits)


def _strict(waits):
    """ "linear" or "exponential" when the series follows that law without jitter, else None."""
    steps = [after - before for before, after in itertools.pairwise(waits)]
    if min(steps) > 0 and pstdev(steps) <= _STEADY * mean(steps):
        return "linear"
    ratios = [after / before for before, after in itertools.pairwise(waits) if before > 0]
    if len(ratios) == len(steps) and min(ratios) >= _GROWTH and pstdev(ratios) <= _STEADY * mean(ratios):
        return "exponential"
    return None


def _jittered(rounds, waits):
    """Which law the ceilings of random waits follow: the likeliest of three."""
    laws = {
        "exponential": lambda attempt: 2.0**attempt,
        "linear": lambda attempt: attempt + 1.0,
        "constant": lambda _: 1.0,
    }
    likelihoods = {name: _likelihood(rounds, law) for name, law in laws.items()}
    best = max(likelihoods, key=likelihoods.get)
    # A few random waits may fit another law a little better by chance: exponential is denied only on evidence. Under
    # ceilings that hardly grow the law cannot be told from a constant one.
    really = max(waits) >= _REALLY * _scale(rounds, laws["exponential"])
    grows = really and likelihoods["exponential"] > likelihoods[best] - 2.0
    name = "exponential" if grows else best if best != "exponential" else "constant"
    return Verdict(grows, True, f"jitter under {name} ceilings, {min(waits):.1f} to {max(waits):.1f} s")


def _scale(rounds, law):
    """The least first ceiling that no wait exceeds, if ceilings follow the law."""
    return max(wait / law(attempt) for each in rounds for attempt, wait in enumerate(each))


def _likelihood(rounds, law):
    """Log likelihood of waits spread evenly under `scale * law(attempt)`, capped where the longest one is."""
    longest = max(wait for each in rounds for wait in each)
    scale = _scale(rounds, law)
    ceilings = [min(longest, scale * law(attempt)) for each in rounds for attempt in range(len(each))]
    return -sum(math.log(ceiling) for ceiling in ceilings if ceiling > 0)
