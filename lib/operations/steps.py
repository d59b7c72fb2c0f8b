"""A job document with `steps`, as AWS's managed templates and the AWS IoT Device Client have it.

    {"version": "1.0",
     "steps": [{"action": {"name": "Reboot", "type": "runHandler", "input": {"handler": "reboot.sh"}}}],
     "finalStep": {"action": {...}}}

Steps run one after the other, the final one when all of them have succeeded; after a restart the job goes on with the
step at which it was. Handlers are no scripts here: those of AWS-Reboot and AWS-Download-File are operations of the
firmware; any other is the application's: `jobs.on("Install-Packages", handler)`, by the name of the action.
"""

import errors

_KNOWN = {"reboot.sh": "restart", "download-file.sh": "download"}


async def run(system, job):
    """Do the steps, once there is a handler for each of them."""
    steps = _steps(job.document)
    if not steps:
        await job.reject("bad_document", "Each of the steps needs an action with a name and an input.")
        return
    jobs, handlers = system.aws.jobs, []
    for step in steps:
        handler = jobs.handlers.get(step["operation"]) or jobs.find(step["operation"])
        if handler is None:
            await job.reject("unknown_operation", "Nothing on this device does the step '%s'." % step["operation"])
            return
        handlers.append(handler)
    for number in range(job.kept.get("step", 0), len(steps)):
        if job.kept.get("step") != number:
            job.kept = {}  # what the last step has kept does not belong to this one
            await job.keep(step=number)
        await _do(job, steps[number], handlers[number], number == len(steps) - 1)
        if job.outcome is not None:
            return
        await _told_by(job)(percent=100 * (number + 1) // len(steps), step=number + 1)
        if job.result and number < len(steps) - 1:
            result, job.result = job.result, {}
            await _told_by(job)(**result)


def _steps(document):
    """Each step as a document of its own; None when one cannot be understood."""
    steps = []
    try:
        wanted = document["steps"]
        if "finalStep" in document:
            wanted = wanted + [document["finalStep"]]
        for step in wanted:
            action = step["action"]
            given = action["input"]
            operation = _KNOWN.get(given.get("handler"), action["name"])
            if not isinstance(operation, str):
                return None
            ignored = action.get("ignoreStepFailure") in ("true", True)
            steps.append({"operation": operation, "args": given.get("args", []), "ignored": ignored})
    except (KeyError, TypeError, AttributeError):
        return None
    return steps


async def _do(job, step, handler, is_last):
    job.document = step
    if not is_last:
        job.succeed = _told_by(job)  # the end of a step is not the end of the job
    if step["ignored"]:
        job.fail = job.reject = _nothing
    try:
        work = handler(job)
        if hasattr(work, "send"):  # as in aws/job_work.py
            await work
    except Exception:  # whatever the step's handler raises
        if not step["ignored"]:
            raise
    finally:
        for name in ("succeed", "fail", "reject"):
            try:
                delattr(job, name)
            except AttributeError:
                pass  # it was not replaced


def _told_by(job):
    async def succeed(**details):
        try:
            await job.progress(**details)
        except errors.BugError:
            pass  # more than a job has room for

    return succeed


async def _nothing(*_):
    """A failure that is ignored."""
