"""The operations that the firmware itself does for a job of AWS IoT, behind the allow-list `jobs.allow`.

One operation: a coroutine function of `system` and `job` (lib/aws/job.py), in the table below, imported only for the
job. What it raises decides how the job ends: a PersonError is REJECTED, for the document must be changed; any other
error is FAILED and may be tried again. One that restarts the device leaves the job IN_PROGRESS: it is called again
after the restart, with `job.kept` as it has left it. docs/jobs.md is for who writes the documents.
"""

import asyncio
import sys

import errors

_CROWDED_S = 5
_TRIES = 12  # a minute, in all


def find(system, name):
    """The handler of the operation `name`, None when there is none. Errors: `not_allowed`."""
    operation = _OPERATIONS.get(name)
    if operation is None:
        return None
    if operation is not _steps and name not in system.settings.jobs.allow:
        raise errors.error("not_allowed", name)

    async def handler(job):
        for tries_left in range(_TRIES, -1, -1):
            try:
                await operation(system, job)
                return
            except errors.PersonError as failure:
                await job.reject(failure.code, failure.message)
                return
            except MemoryError:
                # A job comes while the connection is made, which needs much: all of it once more when that stands.
                if not tries_left or job.outcome is not None or operation is _steps:
                    raise
            await asyncio.sleep(_CROWDED_S)

    return handler


async def _restart(system, job):
    """{"operation": "restart"}: done when the device is back, be it by this restart or by a power cut before it."""
    if not job.kept.get("restarting"):
        await job.keep(restarting=True)
        await system.restart("job %s" % job.id)


async def _config(system, job):
    """{"operation": "config"}: done when the device is back from CONFIG, where somebody could configure it."""
    if not job.kept.get("restarting"):
        await job.keep(restarting=True)
        import wishes

        del sys.modules["wishes"]
        await wishes.enter_config(system, "job %s" % job.id)


# The others have a file each, in memory for as long as the job takes.


async def _settings(system, job):
    import settings_job

    del sys.modules["settings_job"]
    await settings_job.run(system, job)


async def _rotate(system, job):
    import rotate_job

    del sys.modules["rotate_job"]
    await rotate_job.run(system, job)


async def _factory_reset(system, job):
    import reset_job

    del sys.modules["reset_job"]
    await reset_job.run(system, job)


async def _steps(system, job):
    import steps_job

    del sys.modules["steps_job"]
    await steps_job.run(system, job, find)


async def _diagnostics(system, job):
    import diagnosis

    del sys.modules["diagnosis"]
    await diagnosis.diagnose(system, job)


async def _download(system, job):
    if system.make_download is None:
        raise errors.error("not_supported", "The download of files")
    try:
        import download_job

        await download_job.run(system, job)
    finally:
        sys.modules.pop("download_job", None)
        if system.slot is not None:
            system.slot().forget("files", "https")
        if sys.modules.pop("aws.door", None):
            delattr(sys.modules["aws"], "door")


async def _ota(system, job):
    """An update over the air: docs/ota.md."""
    if system.slot is None:
        raise errors.error("not_supported", "The update over the air")
    ended = await _judged(system, job)
    await _update_end().tell(system.flash, ended, job)


async def _judged(system, job):
    try:
        return await _update_job().do(system, job)
    finally:
        for name in ("update_job", "updates"):
            sys.modules.pop(name, None)
        system.slot().forget("document", "foreign")


def _update_end():
    import update_end

    del sys.modules["update_end"]
    return update_end


def _update_job():
    import update_job  # not in the coroutine, which would hold it fast

    return update_job


_OPERATIONS = {
    "ota": _ota,
    "afr_ota": _ota,
    "OTA": _ota,
    "restart": _restart,
    "config": _config,
    "diagnostics": _diagnostics,
    "download": _download,
    "settings": _settings,
    "rotate": _rotate,
    "factory-reset": _factory_reset,
    "steps": _steps,
}
