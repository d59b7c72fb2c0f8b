"""The work on the device's credentials, for `identity`: where they are looked for, how they are kept, enrolling, and
what becomes of pending ones.
"""

import time

from micropython import const

import errors
import records

# Pending credentials whose certificate is refused this often, and for this many times `timeouts.refused_s`, are thrown
# away, and the device enrols again: often enough to leave a dead end, too rarely to fill the account with certificates.
# A missing policy (not_authorised) is no reason: a new certificate would get the same.
_REFUSALS = const(5)
_REFUSED_TIMES = const(10)
_SPAN_MS = const(0x3FFFFFFF)  # the ticks' own
# What of the credentials is secret lives in NVS; the rest, which is larger, in the file system.
_SECRET = ("key", "token")
# More than certificate, key and token need, as AWS makes them (RSA of 2048 bits).
_CLAIMED_SIZE = 4096


def current(identity):
    """As `Identity.current`."""
    for record in _records(identity):
        fields = _load(identity, record)
        if fields is not None and "name" in fields and "cert" in fields and "key" in fields:
            identity._unconfirmed = record == "pending"
            return _is(identity, fields["name"], fields["cert"], fields["key"])
    if identity.rotating:  # the claim goes on, whatever the settings have
        return None
    thing, name = identity._settings.thing, identity._settings.aws.thing
    return _is(identity, name, thing.cert, thing.key) if thing is not None and name else None


def _records(identity):
    if identity.trial == "thing":
        return ()
    pending = _load(identity, "pending") or {}
    # Without its claim, or the name of its thing, a rotation leads nowhere.
    identity.rotating = "rotates" in pending and ("name" in pending or identity.can_claim())
    return ("pending",) if identity.trial == "claim" or identity.rotating else ("thing", "pending")


def _is(identity, name, cert, key):
    identity.name = name
    claim = identity._settings.claim
    if claim:  # not needed before the next start, and TLS needs the memory
        claim.cert = claim.key = None
    return name, cert, key


async def before_enrolling(identity, by_thing):
    """(claim or None, pending or None, the name that the thing must get or None) for `Identity.enrol`."""
    settings = identity._settings
    claim = None if by_thing else (settings.claim.cert, settings.claim.key)
    if identity._was_lost:
        await _prove_room(identity)
    pending = _load(identity, "pending")
    return claim, pending, identity.name if by_thing else (pending or {}).get("rotates")


async def keep_claimed(identity, fields, wanted):
    """Make what an enrolment has given so far the pending credentials, if it is for the thing that is wanted."""
    if wanted is not None:
        _check_name(fields, wanted)
        fields["rotates"] = wanted
    await keep(identity, fields)


async def confirm(identity):
    """As `Identity.confirm`, where there is something to confirm."""
    trial, flash = identity.trial, identity._flash
    if trial:
        record = flash.load("candidate")
        if record is not None:
            await flash.save("settings", *record)
        record = None  # memory is short beside an application
    if identity._unconfirmed:
        await flash.save("thing", *flash.load("pending"))
        identity._unconfirmed = False
        identity.rotating = False
    elif trial == "thing" and flash.load("thing") is not None:
        await flash.erase("thing")  # that of the settings is newer
    if trial:
        # Only now: until then a start after a power cut does all of this again.
        if flash.load("candidate") is not None:
            await flash.erase("candidate")
        identity.trial = None
    # Also what a power cut between these left behind.
    if flash.load("pending") is not None:
        await flash.erase("pending")


async def refused(identity):
    """Pending credentials were refused; returns True when they were thrown away for it."""
    if not identity._refusals:
        identity._refused_ms = time.ticks_ms()
    identity._refusals += 1
    long_ms = identity._settings.timeouts.refused_s * 1000 * _REFUSED_TIMES
    if identity._refusals < _REFUSALS or time.ticks_ms() - identity._refused_ms & _SPAN_MS < long_ms:
        return False
    await identity._flash.erase("pending")
    return True


def _load(identity, record):
    try:
        parts = identity._flash.load(record)
        if parts is None:
            return None
        fields = records.unpack(parts[0])
        fields.update(records.unpack(parts[1]))
    except (ValueError, errors.StorageError):
        # Another firmware wrote it, or both of its copies are damaged: as if there were none, a claim gets new ones.
        return None
    return fields


async def keep(identity, fields):
    """Make these the pending credentials. Errors: `flash_full`, `flash_failed`."""
    secret = {name: fields[name] for name in fields if name in _SECRET}
    public = {name: fields[name] for name in fields if name not in _SECRET}
    try:
        await identity._flash.save("pending", records.pack(secret), records.pack(public))
    except errors.StorageError:
        identity._was_lost = True
        raise


async def _prove_room(identity):
    """Raise the flash's error before the cloud makes one more certificate that nobody will use."""
    flash = identity._flash
    kept = flash.load("pending")
    await flash.save("pending", *(kept or (b"", bytes(_CLAIMED_SIZE))))
    if kept is None:
        await flash.erase("pending")


def _check_name(fields, wanted):
    # It must stay the same device: to its cloud application a thing of another name is a stranger.
    if fields.get("name", wanted) != wanted:
        raise errors.error("claim_refused", "the template names '%s', this is '%s'" % (fields["name"], wanted))
