"""The radio's loop in a thread of its own: the terminal waits for the person, and Bluetooth goes on meanwhile.

Ctrl-C then interrupts whoever waits, in the main thread, at a prompt as well as during a transfer; what was awaited is
cancelled and the loop ended in order.
"""

import asyncio
import concurrent.futures
import signal
import threading

_LOOK_S = 0.2  # Windows: a wait without an end is not interrupted by Ctrl-C
_END_S = 10


class Background:
    """A context manager: `run(coroutine)` waits for its result."""

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="bluetooth", daemon=True)
        self._thread.start()
        return self

    def _work(self):
        # Ctrl-C is for the main thread, which may wait for a line to be typed: a signal that the system hands to this
        # thread instead would not wake it.
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._loop.run_forever()

    def __exit__(self, *_):
        self.run(self._cancel_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END_S)

    def run(self, coroutine):
        """The coroutine's result, or what it raises."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            while not future.done():
                concurrent.futures.wait([future], _LOOK_S)
            return future.result()
        finally:
            future.cancel()

    async def _cancel_tasks(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_S)
