"""The chip's clock, set by a time server."""

import time

import machine

import dns
import errors
import ntp
from datagrams import Datagrams


async def ask(servers, timeout_s, resolve, not_before, beat):
    """(unix seconds, server): the first believable time, from `not_before` on. `resolve` is that of wifi.

    Raises `no_ntp` or `no_dns`.
    """
    # Silent name servers are waited for only once, not again for each time server.
    silence = []

    async def find(name):
        if silence and not dns.is_address(name):
            raise silence[0]
        try:
            return await resolve(name, beat)
        except errors.RetryError as error:
            silence.append(error)
            raise

    return await ntp.ask_time(servers, find, Datagrams(timeout_s, beat).ask, not_before)


def keep(seconds):
    """Put the chip's clock to `seconds`, counted from the port's own epoch."""
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
