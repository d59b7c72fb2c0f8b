"""The way out of every mode: tasks are stopped, what is not on flash yet is written, and the chip restarts."""

import asyncio
import time

from micropython import const

from supervisor import wrapped

_STOP_TIMEOUT_MS = const(3000)
_CLOSE_TIMEOUT_S = const(5)
_QUICK_STARTS = const(3)  # in a row, before the next one has to wait
_DOUBLINGS = const(12)
_CAP_S = const(300)


async def restart(system):
    """Restart, and let the next start know that this was wanted."""
    await _note_outage(system)
    await _stop_everything(system)
    system.board.start_record().mark_clean(system.reason)
    system.board.reset()


async def sleep(system):
    """As `restart`, but the chip sleeps first."""
    await _stop_everything(system)
    system.board.start_record().mark_clean(system.reason)
    system.board.deep_sleep(system.sleep_s)


async def load_application(system):
    """To main.py, in the same start: `System.run` ends in a soft reset, after which boot.py leaves an update alone."""
    raise SystemExit


async def restart_after_crash(system):
    """Restart without the clean mark, too many of which in a row lead into recovery; after the first few it waits."""
    system.good_from_ms = None  # this start has not lasted, however long its end may take
    await _note_outage(system)
    await _stop_everything(system)
    if system.trial:
        import trial

        await _bounded("trial", trial.fail(system, system.failure.message), _CLOSE_TIMEOUT_S)
    await _hold_off(system)
    system.board.reset()


async def _hold_off(system):
    """Wait, longer after each start in a row that has failed: a crash loop must neither wear out the flash nor flood
    the cloud. Before the restart and not after it: nobody who switches the device on has to wait."""
    row = system.board.start_record().in_a_row()
    if row <= _QUICK_STARTS:
        return
    settings = system.settings  # None: it failed before they were read
    wait_s = min(1 << min(row - _QUICK_STARTS, _DOUBLINGS), settings.timeouts.backoff_cap_s if settings else _CAP_S)
    system.console.say("system: %d starts in a row did not last, the next one is in %d s" % (row, wait_s))
    for _ in range(wait_s):
        if system.watchdog is not None:
            system.watchdog.feed()  # the supervisor does not while a task is stuck
        await asyncio.sleep(1)


async def _note_outage(system):
    """An outage goes on in the next start: an application that dies or restarts for it must not keep CONFIG closed."""
    if system.road is not None:
        await _bounded("notes", system.road.rest(0), _CLOSE_TIMEOUT_S)


async def _stop_everything(system):
    """End the tasks, then send and write what is left; each step has a timeout, so that it always ends."""
    if not await stop_tasks(system.supervisor, _STOP_TIMEOUT_MS):
        print("system: some tasks did not end in %d ms" % _STOP_TIMEOUT_MS)
    for name, hand in (("aws", system.aws), ("ble", system.ble), ("wifi", system.wifi)):
        if hand is not None:
            await close(system, name, hand)
    await _bounded("flash", system.flash.flush(), _CLOSE_TIMEOUT_S)


async def stop_tasks(supervisor, timeout_ms, names=None):
    """Cancel the owned tasks with these `names`, without any all of them; never the caller's own.

    Waits at most `timeout_ms` for all of them together; False when some did not end.
    """
    supervisor.stopping = True
    deadline_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
    current = asyncio.current_task()
    ending = [owned for owned in supervisor.owned if owned.task is not current and owned.name in (names or owned.name)]
    for owned in ending:
        owned.task.cancel()
    try:
        while any(not owned.task.done() for owned in ending):  # one that never began does not leave `owned`, either
            if time.ticks_diff(deadline_ms, time.ticks_ms()) <= 0:
                return False
            await asyncio.sleep_ms(10)
        return True
    finally:
        supervisor.stopping = names is None


async def close(system, name, hand):
    """Stop `aws`, `ble` or `wifi` within its timeout."""
    await _bounded(name, hand.stop(), _CLOSE_TIMEOUT_S + system.settings.timeouts.drain_s)


async def _bounded(name, closing, timeout_s):
    try:
        await asyncio.wait_for(closing, timeout_s)
    except Exception as failure:  # noqa: BLE001 - one room that fails to close must not keep the others from it
        print("system: closing %s failed: %s" % (name, wrapped(name, failure)))
