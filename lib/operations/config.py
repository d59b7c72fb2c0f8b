"""Restarts into CONFIG: {"operation": "config"}. The job ends when the device is back, configured or not."""

import sys


async def run(system, job):
    """Restart; called again after that, the job is done."""
    if not job.kept.get("restarting"):
        await job.keep(restarting=True)
        import mode_requests

        del sys.modules["mode_requests"]
        await mode_requests.enter_config(system, "job %s" % job.id)
