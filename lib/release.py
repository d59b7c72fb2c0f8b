"""What this firmware is; frozen with the image. `BUILT` is unix seconds: the clock is never set to an earlier time."""

VERSION = "1.0.0"
BUILT = 1793491200  # 2026-11-01
