"""The operations that the firmware itself does for a job of AWS IoT, behind the allow-list `jobs.allow`.

One operation: a coroutine function of `system` and `job` (lib/aws/job.py), in the table below, imported only for the
job. What it raises decides how the job ends: a PersonError is REJECTED, for the document must be changed; any other
error is FAILED and may be tried again. One that restarts the device leaves the job IN_PROGRESS: it is called again
after the restart, with `job.kept` as it has left it. docs/jobs.md is for who writes the documents.
"""

import sys

import errors


def find(system, name):
    """The handler of the operation `name`, None when there is none. Errors: `not_allowed`."""
    operation = _OPERATIONS.get(name)
    if operation is None:
        return None
    if name not in system.settings.jobs.allow:
        raise errors.error("not_allowed", name)

    async def handler(job):
        try:
            await operation(system, job)
        except errors.PersonError as failure:
            await job.reject(failure.code, failure.message)

    return handler


async def _restart(system, job):
    """{"operation": "restart"}: done when the device is back."""
    if job.kept.get("restarting"):
        return  # by this restart, or by a power cut just before it
    await job.keep(restarting=True)
    await system.restart("job %s" % job.id)


async def _ota(system, job):
    """An update over the air: docs/ota.md."""
    if system.slot is None:
        raise errors.error("not_supported", "The update over the air")
    try:
        import update_job

        await update_job.do(system, job)
    finally:
        for name in ("update_job", "updates", "ota.document", "ota.keys"):
            sys.modules.pop(name, None)


_OPERATIONS = {
    "ota": _ota,
    "restart": _restart,
}
