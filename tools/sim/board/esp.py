"""The esp32 port's `esp` (modesp.c), as far as programs begin with it; for the flash there is esp32.Partition."""

LOG_NONE, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_VERBOSE = range(6)


def osdebug(uart, level=LOG_VERBOSE):
    """What ESP-IDF tells: nothing here."""


def flash_size():
    """Bytes."""
    return 0x400000


def flash_user_start():
    return 0x200000


def __getattr__(name):
    if name in ("flash_read", "flash_write", "flash_erase", "gpio_matrix_in", "gpio_matrix_out"):
        raise NotImplementedError("esp.%s is not simulated" % name)
    raise AttributeError("'module' object has no attribute '%s'" % name)
