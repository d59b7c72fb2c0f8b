"""Candidate settings: new ones that are tried before they replace the confirmed ones, which stay untouched meanwhile.

    document = candidate.base(flash)                                  # what changes are laid on
    document = settings.merged(document, "CFG", {"networks": [...]})  # as often as needed; or "CERT"
    candidate.check(system, document)                                 # raises what a person must correct
    await candidate.save(system, document, "job")                     # in one step; then restart

The next start uses the candidate. When the cloud is reached with it, `credentials` makes it the confirmed
settings; when not, `road` leads into CONFIG, and from there back to the confirmed ones, if there are any that work.
"""

import sys

import errors
import events
import settings as settings_words
from identity import Identity
from settings_types import Group


def base(flash):
    """The document to lay changes on: of the candidate that is there already, else of the confirmed settings."""
    for name in ("candidate", "settings"):
        record = flash.load(name)
        if record is None:
            continue
        try:
            document = settings_words.from_record(*record)
        except errors.PersonError:
            continue  # of a newer firmware
        if name == "settings":
            document.pop("identity", None)  # its credentials are not new any more
        if document:
            return document
    return {}


def check(system, document):
    """Raises `settings_missing` when the device could not work with this document.

    Its fields were checked when they were merged. To read all of the settings as a start does takes more memory than
    there is beside a phone or the cloud.
    """
    import settings_lacking as lacking

    sys.modules.pop("settings_lacking")
    settings, fresh = system.settings, document.get("identity")
    roles = [entry["role"] for entry in document.get("certs", ())]
    endpoint = _aws(system, document, "endpoint")
    missing = lacking.of_device(networks(system, document), endpoint, "ca" in roles or settings.roots)
    thing = fresh != "claim" and ("thing" in roles or settings.thing)
    claim = fresh != "thing" and ("claim" in roles or settings.claim)
    if fresh or not system.identity.known():
        names = _aws(system, document, "thing"), _aws(system, document, "template")
        missing.extend(lacking.of_identity(thing, names[0], claim, names[1]))
    if missing:
        raise errors.error("settings_missing", ", ".join(missing))


def networks(system, document):
    """The Wi-Fi networks that a start with this document would have, by priority: `Group`s of ssid and password."""
    own = [Group(entry) for entry in document.get("networks", ())]
    if "networks" in document.get("emptied", ()):
        return own
    names = [network.ssid for network in own]
    return own + [network for network in system.settings.networks if network.ssid not in names]


def _aws(system, document, name):
    fields = document.get("aws", {})
    if name in fields or "aws" in document.get("emptied", ()):
        return fields.get(name)
    return getattr(system.settings.aws, name)


def load(system, record, fresh=None):
    """The `Settings` of a record over the settings file, unless that is broken. `fresh`: what `brings` says."""
    loaded = settings_words.load(system.flash.settings_file() if system.file_is_good else None, record)
    # New credentials are given to be used, whatever the device was before.
    if fresh == "claim":
        loaded.thing = None
        loaded.lacking_identity = [] if loaded.aws.template else ["the provisioning template (aws.template)"]
    elif fresh == "thing":
        loaded.lacking_identity = [] if loaded.aws.thing else ["the thing's name (aws.thing)"]
    return loaded


async def save(system, document, source):
    """Keep the document as the candidate, replacing another one. `source`: who gave it, for the event. See `check`."""
    if document.get("identity"):
        await system.flash.erase("pending")  # what another claim had begun
    if source != "job":
        import notes  # one that a job has left would take it for the cloud's: back without a word, for nobody is there

        await notes.change(system.flash, trial=None)
    await system.flash.save("candidate", *settings_words.to_record(document))
    system.bus.emit(events.SETTINGS_RECEIVED, source=source)


def without_person(flash):
    """The document of the confirmed settings without network, endpoint and thing: the claim's part and the app's."""
    record = flash.load("settings")
    try:
        before = settings_words.from_record(*record) if record is not None else {}
    except errors.PersonError:
        before = {}
    kept = {name: before[name] for name in ("app",) if name in before}
    certs = [entry for entry in before.get("certs", ()) if entry["role"] != "thing"]
    if certs:
        kept["certs"] = certs
    fields = before.get("aws", {})
    if "template" in fields:
        kept["aws"] = {name: fields[name] for name in ("template", "parameters") if name in fields}
    return kept


def has_better(system):
    """Whether the device could work without the candidate."""
    try:
        loaded = load(system, system.flash.load("settings"))
        return not loaded.missing(Identity(system.flash, loaded).known())
    except (errors.PersonError, errors.StorageError):
        return False


def brings(record):
    """Which credentials are new in the record of a candidate: "thing", "claim" or None."""
    return settings_words.from_record(*record).get("identity")


async def drop(flash):
    """Back to the confirmed settings: nothing of the candidate stays, also not what a claim of its own had begun."""
    record = flash.load("candidate")
    if record is None:
        return
    try:
        is_claim = brings(record) == "claim"
    except errors.PersonError:
        is_claim = False
    await flash.erase_all(("pending", "candidate") if is_claim else ("candidate",))
