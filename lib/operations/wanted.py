"""Makes the settings that a job brings (the record `wanted`) the candidate. INIT loads it for moments."""

import json

import candidate
import errors
import notes
import settings

from .new_settings import fingerprint


async def apply(system):
    """Lay them over the settings and keep that as the candidate; returns whether there is one to try now."""
    flash = system.flash
    wanted = flash.load("wanted")[1]
    await flash.erase("wanted")  # first: should they break this start, the next one is an ordinary one
    try:
        document = _changed(candidate.base(flash), json.loads(wanted))
        candidate.check(system, document)
        # The note first: a candidate without one would count as a phone's, and the job would end as failed.
        await notes.change(flash, trial="job", tried=fingerprint(settings.to_record(document)))
        await candidate.save(system, document, "job")
        return True
    except errors.DeviceError as failure:
        refused = {"code": failure.code, "message": failure.message}
        refused["rejected"] = isinstance(failure, errors.PersonError)
    except Exception as failure:  # noqa: BLE001 - a device that starts is worth more than new settings
        system.bus.trace(failure)
        refused = {"code": "task_failed", "message": "%s: %s" % (type(failure).__name__, failure)}
    await notes.change(flash, refused=refused)
    # The failure may have come when it was saved already: a later start would try it, of which the job would not know.
    return flash.load("candidate") is not None


def _changed(document, wanted):
    if "settings" in wanted:
        document = settings.merged(document, "CFG", wanted["settings"])
    certs = wanted.get("certs", [])
    if not isinstance(certs, list):
        raise errors.error("invalid_setting", "certs", "no list", "a list of certificates")
    for entry in certs:
        document = settings.merged(document, "CERT", entry)
    return document
