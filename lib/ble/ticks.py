"""Time between two readings of `time.ticks_ms()`, without asking the `time` module: CPython's has no ticks."""

# The ESP32 counts to 2**30 and starts again, 64-bit ports to 2**62: the difference modulo 2**30 is right on both, and
# is a small integer on both. It is good for spans of up to 12 days.
_SPAN = 0x3FFFFFFF


def elapsed_ms(now_ms, then_ms):
    """Milliseconds from `then_ms` to `now_ms`, also across the counter's wrap."""
    return (now_ms - then_ms) & _SPAN
