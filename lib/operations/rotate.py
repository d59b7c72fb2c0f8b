"""A new key and certificate for the thing: {"operation": "rotate"}, or with "cert" and "key" (PEM).

Without them the cloud makes both, by fleet provisioning, because the chip can make no keys (no CSR): by the claim of
the device, else over the thing's own connection, where its policy allows that. The new certificate is tried after a
restart; the old one stays until the cloud was reached with the new one, for the device to go back to. The status
details say which one can be deactivated in the cloud, by AWS's ids: the SHA-256 of the certificate.
"""

import sys
from binascii import hexlify
from hashlib import sha256

import errors
import notes
import tryout


async def run(system, job):
    """Get the new certificate and restart; called again after that, tell how it went."""
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
    # The first call, or a power cut came before there was anything to try.
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
    """No beat of its own: the task that runs the job beats."""
