"""Who the device is for the cloud: which credentials it uses, how it gets them, when they are believed.

Order: the confirmed thing credentials in flash (by claim, phone or rotation), those of the settings, else a claim.
What a claim gives is *pending* until the cloud was reached with it; every step of it is kept in flash before the next
one begins, so that a power cut at any moment neither loses a certificate nor asks for two. In a *rotation* pending
credentials come before the thing's, which stay until the cloud was reached with the new ones.
"""

import sys
import time

from micropython import const

import errors
import records

# Pending credentials whose certificate is refused this often, and for this many times `timeouts.refused_s`, are thrown
# away, and the claim begins anew: often enough to leave a dead end, too seldom to fill the account with certificates.
# A missing policy (not_authorised) is no reason: a new certificate would get the same.
_REFUSALS = const(5)
_REFUSED_TIMES = const(10)
# What of the credentials is secret lives in NVS; the rest, which is larger, in the file system.
_SECRET = ("key", "token")
# More than certificate, key and token need, as AWS makes them (RSA of 2048 bits).
_CLAIMED_SIZE = 4096


class Identity:
    """`flash` and `settings` as the system has them; `name` is the thing's name, None until it is known.

    `trial`: None with confirmed settings; with a candidate the credentials that are new in it, "thing" or "claim",
    which are used whatever flash has, or "none". `rotating`: pending credentials are tried in place of the thing's.
    """

    def __init__(self, flash, settings, trial=None):
        self.name = None
        self.trial = trial
        self._flash = flash
        self._settings = settings
        self.rotating = False
        self._unconfirmed = False
        self._refusals = 0
        self._refused_ms = 0  # when the first of them was
        self._was_lost = False  # what the claim gave, because flash refused it

    def known(self):
        """Whether there are credentials to connect with, without a claim."""
        return self.current() is not None

    def current(self):
        """(name, cert, key): str, DER, DER; None when the device must be enrolled first."""
        for record in self._records():
            fields = self._load(record)
            if fields is not None and "name" in fields and "cert" in fields and "key" in fields:
                self._unconfirmed = record == "pending"
                return self._is(fields["name"], fields["cert"], fields["key"])
        thing, name = self._settings.thing, self._settings.aws.thing
        return self._is(name, thing.cert, thing.key) if thing is not None and name else None

    def _records(self):
        if self.trial == "thing":
            return ()
        pending = self._load("pending") or {}
        # Without its claim, or the name of its thing, a rotation leads nowhere.
        self.rotating = "rotates" in pending and ("name" in pending or self.can_claim())
        return ("pending",) if self.trial == "claim" or self.rotating else ("thing", "pending")

    def can_claim(self):
        """Whether the settings have what a claim needs."""
        return self._settings.claim is not None and self._settings.aws.template is not None

    def _is(self, name, cert, key):
        self.name = name
        claim = self._settings.claim
        if claim:  # nobody needs it before the next start, and TLS has use for its memory
            claim.cert = claim.key = None
        return name, cert, key

    async def enrol(self, aws, serial, beat, by_thing=False):
        """Become a thing by the claim of the settings; `by_thing`: over the connection of the thing that it is.

        `serial`: the base MAC. Errors: those of Aws.provision.
        """
        settings = self._settings
        parameters = {"SerialNumber": serial, "HardwareVersion": settings.hardware}
        parameters.update(settings.aws.parameters)
        claim = None if by_thing else (settings.claim.cert, settings.claim.key)
        if self._was_lost:
            await self._prove_room()
        pending = self._load("pending")
        wanted = self.name if by_thing else (pending or {}).get("rotates")

        async def keep(fields):
            if wanted is not None:
                _check_name(fields, wanted)
                fields["rotates"] = wanted
            await self._keep(fields)

        await aws.provision(settings.aws.template, parameters, claim, pending, keep, beat)

    async def rotate(self, fields):
        """From the next start on try these credentials (name, cert, key) in place of the thing's; with none of them
        ask for new ones by the claim. Errors: `flash_full`, `flash_failed`."""
        fields["rotates"] = self.name
        await self._keep(fields)

    async def confirm(self):
        """The cloud was reached: a candidate and pending credentials are the device's own from now on."""
        self._refusals = 0
        trial, flash = self.trial, self._flash
        if trial:
            await self._of_candidate("confirm")
        if self._unconfirmed:
            await flash.save("thing", *flash.load("pending"))
            self._unconfirmed = False
            self.rotating = False
        elif trial == "thing" and flash.load("thing") is not None:
            await flash.erase("thing")  # that of the settings is newer
        if trial:
            # Only now: until then a start after a power cut does all of this again.
            await self._of_candidate("forget")
            self.trial = None
        # Also what a power cut between these left behind.
        if flash.load("pending") is not None:
            await flash.erase("pending")

    async def _of_candidate(self, what):
        try:
            import candidate

            await getattr(candidate, what)(self._flash)
        finally:
            for name in ("candidate", "settings"):
                sys.modules.pop(name, None)

    async def refused(self, code):
        """A connection failed by `code`; returns True when pending credentials were thrown away for it."""
        if not self._unconfirmed or code != "cert_refused":
            return False
        if not self._refusals:
            self._refused_ms = time.ticks_ms()
        self._refusals += 1
        long_ms = self._settings.timeouts.refused_s * 1000 * _REFUSED_TIMES
        if self._refusals < _REFUSALS or time.ticks_diff(time.ticks_ms(), self._refused_ms) < long_ms:
            return False
        await self._flash.erase("pending")
        return True

    def _load(self, record):
        try:
            parts = self._flash.load(record)
            if parts is None:
                return None
            fields = records.unpack(parts[0])
            fields.update(records.unpack(parts[1]))
        except (ValueError, errors.StorageError):
            # Another firmware wrote it, or both of its copies are damaged: as good as nothing, a claim gets a new one.
            return None
        return fields

    async def _keep(self, fields):
        secret = {name: fields[name] for name in fields if name in _SECRET}
        public = {name: fields[name] for name in fields if name not in _SECRET}
        try:
            await self._flash.save("pending", records.pack(secret), records.pack(public))
        except errors.StorageError:
            self._was_lost = True
            raise

    async def _prove_room(self):
        """Raise the flash's error before the cloud makes one more certificate that nobody will use."""
        kept = self._flash.load("pending")
        await self._flash.save("pending", *(kept or (b"", bytes(_CLAIMED_SIZE))))
        if kept is None:
            await self._flash.erase("pending")


def _check_name(fields, wanted):
    # The same device: a template that names another thing would make it a stranger to its own cloud.
    if fields.get("name", wanted) != wanted:
        raise errors.error("claim_refused", "the template names '%s', this is '%s'" % (fields["name"], wanted))
