"""A restart: {"operation": "restart"}. Done when the device is back, by this restart or by a power cut before it."""


async def run(system, job):
    """The first part restarts, the second one is the end of it."""
    if not job.kept.get("restarting"):
        await job.keep(restarting=True)
        await system.restart("job %s" % job.id)
