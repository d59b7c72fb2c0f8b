"""Changes the settings from afar: {"operation": "settings", "settings": dat of CFG, "certs": [dats of CERT]}.

They are laid over the confirmed ones, checked, and tried by a restart: the job has succeeded once the cloud was reached
with them, and has failed when the device had to go back.
"""

import sys
from binascii import crc32

import errors
import notes
import tryout


async def run(system, job):
    """The first part saves and restarts, the second one judges."""
    sys.modules.pop("tryout")
    if "record" not in job.kept:
        await _try(system, job)
    elif await tryout.settled(system) and _fingerprint(system.flash.load("settings")) == job.kept["record"]:
        await notes.change(system.flash, trial=None, refused=None)
    else:
        await tryout.fail(system, job)


async def _try(system, job):
    flash = system.flash
    try:
        import candidate

        document = _changed(candidate, candidate.base(flash), job.document)
        candidate.check(system, document)
        await notes.change(flash, trial="job", refused=None)
        await candidate.save(system, document, "job")
    finally:
        sys.modules.pop("candidate", None)
    await job.keep(record=_fingerprint(flash.load("candidate")))
    await system.restart("job %s: new settings" % job.id)


def _changed(candidate, document, wanted):
    certs = wanted.get("certs") or []
    if "settings" not in wanted and not certs:
        raise errors.error("invalid_setting", "settings", "missing", "settings, certs, or both")
    if "settings" in wanted:
        document = candidate.merged(document, "CFG", wanted["settings"])
    for entry in certs:
        document = candidate.merged(document, "CERT", entry)
    return document


def _fingerprint(record):
    return crc32(record[1], crc32(record[0])) if record is not None else None
