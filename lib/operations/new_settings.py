"""Changes the settings from afar: {"operation": "settings", "settings": dat of CFG, "certs": [dats of CERT]}.

They are put into flash unread, because reading and checking settings needs a fresh heap: INIT does it after a restart
(wanted.py), and tries them at once. The job has succeeded once the cloud was reached with them; it has failed when the
device had to go back, and is rejected when they cannot be used.
"""

import json
import sys
from binascii import crc32

import errors
import notes
import tryout


async def run(system, job):
    """Keep what is wanted and restart; called again after that, tell how it went."""
    sys.modules.pop("tryout")
    if not job.kept.get("wanted"):
        await _want(system, job)
        return
    tried = notes.read(system.flash).get("tried")
    if await tryout.settled(system) and tried is not None and tried == fingerprint(system.flash.load("settings")):
        try:
            await notes.change(system.flash, trial=None, tried=None, refused=None)
        except (errors.StorageError, MemoryError):
            pass  # the settings are in force; the next job that brings some forgets these notes
    else:
        await tryout.fail(system, job)


async def _want(system, job):
    wanted = {name: job.document[name] for name in ("settings", "certs") if job.document.get(name)}
    if not wanted:
        raise errors.error("invalid_setting", "settings", "missing", "settings, certs, or both")
    await notes.change(system.flash, refused=None, tried=None)
    try:
        await system.flash.save("wanted", b"", json.dumps(wanted).encode())
        await job.keep(wanted=True)
    except BaseException:  # the job has failed, or is cancelled: no later start is to try what it wanted
        await system.flash.erase("wanted")
        raise
    await system.restart("job %s: new settings" % job.id)


def fingerprint(record):
    """CRC-32 of a record, by which the settings on trial are recognised after restarts; None without one."""
    return crc32(record[1], crc32(record[0])) if record is not None else None
