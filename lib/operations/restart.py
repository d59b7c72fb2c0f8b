"""Restarts: {"operation": "restart"}. The job ends when the device is back, after this restart or a power cut."""


async def run(system, job):
    """Restart; called again after that, the job is done."""
    if not job.kept.get("restarting"):
        await job.keep(restarting=True)
        await system.restart("job %s" % job.id)
