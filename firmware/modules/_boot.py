"""The first code that runs (main.c): mounts the file system, mending it where the port's own would print for ever."""

import gc

from flashbdev import bdev

if bdev:
    import repair

    repair.mount(bdev)
gc.collect()
