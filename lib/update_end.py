"""Tells the job in the cloud how its update ended. Small, because it stays while it waits and memory is short."""

import sys


async def tell(flash, ended, job):
    """Returns when the cloud knows. `ended`: what the record of updates.py says of the job; `job`: of aws/job.py."""
    if ended["status"] == "SUCCEEDED":
        await job.succeed(version=ended["version"])
    else:
        await (job.reject if ended["status"] == "REJECTED" else job.fail)(ended["reason"], ended["message"])
    if ended["stage"] == "ended":
        await _updates(flash).forget()


def _updates(flash):
    import updates

    del sys.modules["updates"]
    return updates.Updates(flash)
