"""The operations that the firmware itself does for a job of AWS IoT, behind the allow-list `jobs.allow`.

Each is a file of this folder (an update: update_job.py), loaded for as long as its job takes, with a coroutine function
`run(system, job)`; `job` is that of lib/aws/job.py. What it raises decides how the job ends: a PersonError is REJECTED,
for the document must be changed; any other error is FAILED and may be tried again. One that restarts the device leaves
the job IN_PROGRESS: it is called again after the restart, with `job.kept` as it has left it. docs/jobs.md is for
authors of job documents.
"""

import asyncio
import sys

import errors

_CROWDED_S = 5
_TRIES = 12  # a minute, in all
_NAMES = (
    "restart", "config", "diagnostics", "download", "settings", "rotate", "factory-reset", "ota", "afr_ota", "OTA",
    "steps",
)  # fmt: skip


def find(system, name):
    """The handler of the operation `name`, None when there is none. Errors: `not_allowed`."""
    if name not in _NAMES:
        return None
    if name != "steps" and name not in system.settings.jobs.allow:
        raise errors.error("not_allowed", name)

    async def handler(job):
        for tries_left in range(_TRIES, -1, -1):
            try:
                await _do(system, name, job)
                return
            except errors.PersonError as failure:
                await job.reject(failure.code, failure.message)
                return
            except MemoryError:
                # Jobs arrive while the connection is still being set up, which takes memory: try again when it stands.
                if not tries_left or job.outcome is not None or name == "steps":
                    raise
            await asyncio.sleep(_CROWDED_S)

    return handler


async def _do(system, name, job):
    ended = await _file_of(name).run(system, job)
    if ended is not None:  # an update, whose file is unloaded by now, which makes room for update_end
        await _update_end().tell(system.flash, ended, job)


def _update_end():
    import update_end

    del sys.modules["update_end"]
    return update_end


def _file_of(name):
    # Not in the coroutine, whose frame would keep it in memory.
    if name == "restart":
        from . import restart as file
    elif name == "config":
        from . import config as file
    elif name == "diagnostics":
        from . import diagnostics as file
    elif name == "download":
        from . import download as file
    elif name == "settings":
        from . import new_settings as file
    elif name == "rotate":
        from . import rotate as file
    elif name == "factory-reset":
        from . import factory_reset as file
    elif name == "steps":
        from . import steps as file
    else:
        import update_job as file
    for module in (file.__name__, "operations"):  # the package would hold it
        sys.modules.pop(module, None)
    return file
