"""A new key and certificate for the thing: {"operation": "rotate"}, or with "cert" and "key" (PEM).

Without them the cloud makes both, by fleet provisioning: the chip can make no keys (no CSR). By the claim that the
device has, else over the thing's own connection, where its policy allows that. The new certificate is tried by a
restart; the old one stays until the cloud was reached with the new one, and is what the device goes back to. Which one
can be deactivated in the cloud is in the status details: the ids are AWS's, the SHA-256 of the certificate.
"""

import sys
from binascii import hexlify
from hashlib import sha256

import errors
import notes
import tryout


async def run(system, job):
    """The first part brings the new certificate and restarts, the second one judges."""
    sys.modules.pop("tryout")
    old = job.kept.get("old")
    if old is not None:
        await tryout.settled(system)
        new = _certificate_id(system)
        if new != old:
            job.result = {"certificate": new, "old": old}
            return
        if "refused" in notes.read(system.flash):
            await tryout.fail(system, job)
            return
    # A power cut came before there was anything to try.
    await _try(system, job)


async def _try(system, job):
    await notes.change(system.flash, refused=None)
    await job.keep(old=_certificate_id(system))
    identity = system.identity
    if "cert" in job.document:
        await identity.rotate(_given(job.document, identity.name))
    elif identity.can_claim():
        await identity.rotate({})
    elif system.settings.aws.template:
        await identity.enrol(system.aws, system.board.unique_id(), _nothing, by_thing=True)
    else:
        raise errors.error("settings_missing", "the provisioning template (aws.template), or cert and key in the job")
    await system.restart("job %s: a new certificate" % job.id)


def _given(document, name):
    others = [module for module in ("certificates", "pem", "der") if module in sys.modules]
    try:
        import certificates

        cert, key = certificates.pair(document["cert"], document.get("key"), "the new certificate")
    finally:
        for module in ("certificates", "pem", "der"):
            if module not in others:
                sys.modules.pop(module, None)
    return {"name": name, "cert": cert, "key": key}


def _certificate_id(system):
    return hexlify(sha256(system.identity.current()[1]).digest()).decode()


def _nothing():
    """The supervisor hears from whoever runs the job."""
