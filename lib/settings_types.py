"""The `Settings` once they are read: plain objects, in a file that stays when those that read them are unloaded."""


class Group:
    """Fields that belong together, each an attribute: `aws`, `servers`, `jobs`, `outbox`, `health`, `limits`...;
    a Wi-Fi network (`ssid`, `password`: None for an open one); a pair (`cert`, `key`: a certificate and key in DER)."""

    def __init__(self, fields):
        for name in fields:
            setattr(self, name, fields[name])


class Settings(Group):
    """The checked settings; docs/settings.md has the fields.

    `networks` (list of Group), `aws`, `servers`, `jobs`, `outbox`, `health`, `limits`, `timeouts`, `pins` (Group),
    `app` (dict), `hardware`, `security`, `prefix`, `page` (str), `hostname` (str or None), `thing`, `claim` (Group or
    None), `roots` (list of DER), `download_roots` (the same; None: they are `roots`), `warnings`: sentences about what
    was found and left out; `lacking`: what keeps the device from NORMAL, `lacking_identity`: what else does until it
    is a thing, in words.
    """

    def missing(self, has_thing=False):
        """What keeps the device from NORMAL, in words; empty when nothing does.

        `has_thing`: flash holds a thing's name, certificate and key from an earlier enrolment.
        """
        return self.lacking if has_thing else self.lacking + self.lacking_identity
