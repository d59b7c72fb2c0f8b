"""Who the device is for the cloud: which credentials it uses, how it gets them, when they are confirmed.

Order: the confirmed thing credentials in flash (by claim, phone or rotation), those of the settings, else a claim.
What a claim gives is *pending* until the cloud was reached with it; every step of it is kept in flash before the next
one begins: no power cut loses what was kept. What the cloud has just answered, and flash does not have yet, is asked
for anew, and that certificate is wasted. In a *rotation* pending credentials come before the thing's, which stay until
the cloud was reached with the new ones.

The state is kept here; the work on credentials, which is rare, is in `credentials`, loaded for as long as it takes.
"""

import sys


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
        return _credentials().current(self)

    def can_claim(self):
        """Whether the settings have what a claim needs."""
        return self._settings.claim is not None and self._settings.aws.template is not None

    async def enrol(self, aws, serial, beat, by_thing=False):
        """Enrol by the claim of the settings; `by_thing`: as the thing that it is, over that connection.

        `serial`: the base MAC. Errors: those of Aws.provision.
        """
        claim, pending, wanted = await _credentials().before_enrolling(self, by_thing)

        async def keep(fields):
            await _credentials().keep_claimed(self, fields, wanted)

        settings = self._settings
        parameters = {"SerialNumber": serial, "HardwareVersion": settings.hardware}
        parameters.update(settings.aws.parameters)
        await aws.provision(settings.aws.template, parameters, claim, pending, keep, beat)

    async def rotate(self, fields):
        """From the next start on try these credentials (name, cert, key) in place of the thing's; with none of them
        ask for new ones by the claim. Errors: `flash_full`, `flash_failed`."""
        fields["rotates"] = self.name
        await _credentials().keep(self, fields)

    async def confirm(self):
        """The cloud was reached: a candidate and pending credentials are the device's own from now on."""
        self._refusals = 0
        # Pending credentials without a trial are what a power cut left behind.
        if self.trial or self._flash.load("pending") is not None:
            await _credentials().confirm(self)

    async def refused(self, code):
        """A connection failed by `code`; returns True when pending credentials were thrown away for it."""
        return self._unconfirmed and code == "cert_refused" and await _credentials().refused(self)


def _credentials():
    import credentials

    for name in ("credentials", "records"):
        sys.modules.pop(name, None)
    return credentials
