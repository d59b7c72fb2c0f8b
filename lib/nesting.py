"""How deep JSON from outside may be nested. MicroPython's reader has no limit; but comparing, printing or merging the
result uses the chip's stack of 16 KB: `==` of two lists nested 100 deep overflows it, without an exception."""

DEEPEST = 20  # AWS's shadows: 8, in an answer 12


def too_deep(value):
    """Whether there are more than 20 lists or objects one within the other."""
    level = [value]
    for _ in range(DEEPEST):
        inner = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        level = inner
    return any(isinstance(one, (dict, list)) for one in level)
