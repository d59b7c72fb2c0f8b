"""A restart into CONFIG: {"operation": "config"}. Done when the device is back, configured by somebody or not."""

import sys


async def run(system, job):
    """The first part restarts, the second one is the end of it."""
    if not job.kept.get("restarting"):
        await job.keep(restarting=True)
        import mode_requests

        del sys.modules["mode_requests"]
        await mode_requests.enter_config(system, "job %s" % job.id)
