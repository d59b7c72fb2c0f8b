"""`select` as on the chip (extmod/modselect.c): with `select.select`, which the interpreter of a desk lacks."""

from uselect import *  # noqa: F403
from uselect import POLLIN, POLLOUT, poll


def select(readable, writable, exceptional, timeout=None):
    """([those of `readable` that are], [...], [...]); waits at most `timeout` seconds, without one for ever."""
    wanted = {}
    for streams, event in ((readable, POLLIN), (writable, POLLOUT), (exceptional, 0)):
        for stream in streams:
            wanted[id(stream)] = stream, wanted.get(id(stream), (None, 0))[1] | event
    poller = poll()
    for stream, events in wanted.values():
        poller.register(stream, events)
    found = ([], [], [])
    for stream, events, *_ in poller.poll(-1 if timeout is None or timeout < 0 else int(timeout * 1000)):
        if events & POLLIN:
            found[0].append(stream)
        if events & POLLOUT:
            found[1].append(stream)
        if events & ~(POLLIN | POLLOUT):
            found[2].append(stream)
    return found
