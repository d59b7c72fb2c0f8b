"""AWS IoT Jobs: the handlers of the application and of the firmware's own operations, and when to look for a job.

    device.aws.jobs.on("blink", blink)

    async def blink(job):                       # a `Job` of job.py
        for n in range(job.document["times"]):
            await job.progress(100 * n // job.document["times"])

How a job is done is in job_start.py, job_handler.py and job_work.py, which are loaded one after the other.
"""

import asyncio

from micropython import const

import errors
import events

from .link import borrow
from .service import Service

_LOOK_MS = const(200)
_AGAIN_MS = const(30000)  # after a failure that passes by itself
_FORBIDDEN_MS = const(3600000)  # asking's: before that it fails without being sent
_GRACE_MS = const(20000)
_GRACE_MORE_MS = const(3000)  # once it has named one
# Not notify-next: the document that it brings is asked for anyway. The last: answers of $next/get and <job>/update.
_LISTENS = ("notify", "start-next/+", "+/+/+")

MOST_STARVED = const(20)  # ten minutes
CALM_MS = 2000  # a new connection has other work first: beside a job that takes more memory than a small chip has


class Jobs(Service):
    """The jobs of a thing. `attach` is that of `Aws`, `settings` are those of lib/settings.py."""

    def __init__(self, attach, bus, settings):
        super().__init__("jobs", _LISTENS, self._look, self._connected)
        self._attach = attach
        self.bus = bus
        self.timeouts = settings.timeouts
        self.step_minutes = (settings.timeouts.job_step_s + 59) // 60  # as AWS wants them
        self.handlers = {}
        self.news = asyncio.Event()  # there may be another job, or the one at work may be gone
        self.flash = self.find = None
        self.with_application = True
        self.calm = False  # the connection stands for a while
        self.working = False  # on a job: no time to sleep
        self.starved = 0  # how often in a row there was no memory
        self.time = None  # unix seconds, as the cloud told it last; `road` takes it
        self.grace_ms = _GRACE_MS  # left for the application to register its handlers, before a job is rejected

    def on(self, operation, handler):
        """Let `handler(job)`, a coroutine function or a plain one, do the jobs with this "operation" (or "action").

        A handler that returns has SUCCEEDED, one that raises has FAILED; see `Job` in job.py for the rest. It comes
        before an operation of the firmware with the same name.
        """
        self.handlers[operation] = handler
        self.grace_ms = min(self.grace_ms, _GRACE_MORE_MS)
        self.news.set()

    async def run(self, beat, flash, find, with_application=True):
        """Do the jobs, one after the other; never returns, an owned task.

        `flash` keeps the record "job"; `find(operation)` gives the handler of one of the firmware's own operations, or
        None, and raises the error for one that is not allowed.
        """
        self.flash, self.find, self.with_application = flash, find, with_application
        for again in (True, True, False):
            try:
                self._attach(self)
                break
            except MemoryError:  # other tasks start at the same time, and will soon need less
                if not again:
                    raise
            beat()
            await asyncio.sleep_ms(CALM_MS)
        while True:
            await _until(self.news, beat)
            self.news.clear()
            if self.ready.is_set():
                done = asyncio.Event()
                work = asyncio.create_task(self._work(done))
                try:
                    await _until(done, beat)
                finally:
                    work.cancel()
                if self.starved >= MOST_STARVED:
                    raise MemoryError  # others have taken it for good: a new start may divide it better

    async def _work(self, done):
        try:
            # Without its document, which may be larger than the receive buffer.
            answer = await self.ask("$next/get", {"includeJobDocument": False})
            self.time = answer.get("timestamp")
            summary = answer.get("execution")
            if summary:
                self.working = True  # at once, else a device that sleeps between its reports would never do it
                if not self.calm:
                    await asyncio.sleep_ms(CALM_MS)
                    self.calm = True
                picked_up = await borrow("job_start").pick_up(self, summary)
                answer = summary = None
                # Step by step, and nothing kept of the last one: beside a handler a small chip has no room for more.
                if picked_up is not None:
                    found = borrow("job_handler", "job").find(self, *picked_up)
                    picked_up = None
                    found = await found
                    if found is not None:
                        job, work = found[0], borrow("job_work").begin(self, *found)
                        found = None
                        await work
                        work = None
                        await job.end()
                self.news.set()  # there may be another one
            self.starved = 0
        except errors.DeviceError as failure:
            await self._wait_after(failure)
        except MemoryError:
            if self.starved < MOST_STARVED:
                await self._wait_after(errors.error("no_memory"))
        except Exception as failure:  # noqa: BLE001 - an unforeseen answer must not end all jobs
            self.bus.trace(failure)
            await self._wait_after(errors.error("task_failed", "jobs", repr(failure)))
        finally:
            self.working = False
            done.set()

    async def _wait_after(self, failure):
        is_forbidden = self.forbidden is not None and failure is self.forbidden[1]
        try:
            if failure.code == "no_memory" or not isinstance(failure, errors.RetryError):
                self.bus.emit(events.TASK_FAILED, task="jobs", code=failure.code, message=failure.message)
            await asyncio.wait_for_ms(self.news.wait(), _FORBIDDEN_MS if is_forbidden else _AGAIN_MS)
        except asyncio.TimeoutError:
            self.starved += failure.code == "no_memory"
            if self.refusal is None:  # a session that was refused is refused again
                self.news.set()
        except MemoryError:  # for the waiting itself: else nobody would look again before there are news
            await asyncio.sleep_ms(_AGAIN_MS)
            self.starved += 1
            self.news.set()

    def _connected(self):
        self.calm = False
        self.news.set()

    def _look(self, *_):
        self.news.set()


async def _until(event, beat):
    # A time limit would take a task of its own, for as long as the device is at work.
    while not event.is_set():
        beat()
        await asyncio.sleep_ms(_LOOK_MS)
