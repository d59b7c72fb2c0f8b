"""Leaves the cloud for work that needs the memory: Wi-Fi stays, and `System.reach_cloud` connects again.

Half of what a device holds at work is for MQTT. All of it is freed, code included, which is read from flash again.
"""

import asyncio
import gc
import sys

from micropython import const

import leaving

_STOP_MS = const(3000)
_UNREFERRED_MS = const(500)  # before that, what has just ended still refers to much of it


async def leave_cloud(system, *tasks):
    """End these owned tasks and the connection; then `system.aws` is None until `reach_cloud`."""
    await leaving.stop_tasks(system.supervisor, _STOP_MS, ("cloud",) + tasks)
    await leaving.close(system, "aws", system.aws)
    system.aws = system.road = None
    forget_cloud()
    await asyncio.sleep_ms(_UNREFERRED_MS)
    gc.collect()


def forget_cloud():
    """Unload the code that connects: to the cloud, or for a download."""
    for name in list(sys.modules):
        if name in ("aws", "road", "leaving") or name.startswith("aws."):
            del sys.modules[name]
    gc.collect()
