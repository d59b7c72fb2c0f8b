"""Changes the settings from afar: {"operation": "settings", "settings": dat of CFG, "certs": [dats of CERT]}.

What is wanted is put into flash as it is, because reading and checking settings wants a heap of its own: INIT does it
after a restart (wanted.py), and tries the new ones at once. The job has succeeded once the cloud was reached
with them; it has failed when the device had to go back, and is rejected when they cannot be used.
"""

import json
import sys
from binascii import crc32

import errors
import notes
import tryout


async def run(system, job):
    """The first part restarts, the second one judges."""
    sys.modules.pop("tryout")
    if not job.kept.get("wanted"):
        await _want(system, job)
        return
    tried = notes.read(system.flash).get("tried")
    if await tryout.settled(system) and tried is not None and tried == fingerprint(system.flash.load("settings")):
        await notes.change(system.flash, trial=None, tried=None, refused=None)
    else:
        await tryout.fail(system, job)


async def _want(system, job):
    wanted = {name: job.document[name] for name in ("settings", "certs") if job.document.get(name)}
    if not wanted:
        raise errors.error("invalid_setting", "settings", "missing", "settings, certs, or both")
    await notes.change(system.flash, refused=None, tried=None)
    await system.flash.save("wanted", b"", json.dumps(wanted).encode())
    await job.keep(wanted=True)
    await system.restart("job %s: new settings" % job.id)


def fingerprint(record):
    """By which the settings that are tried are known again."""
    return crc32(record[1], crc32(record[0])) if record is not None else None
