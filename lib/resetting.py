"""Factory reset, for a phone or a job that asks for it. Loaded for moments."""

import candidate
import errors
import notes
import settings as settings_words

# The setup code stays, for it is on the label; so do the settings file and its credentials, which are the factory's.
_PERSONAL = ("candidate", "thing", "pending", "notes", "job", "wanted")
# Messages that wait are for the account of whoever had the device. The outbox comes last: an application may still run.
_ALL = ("settings", "claim", "roots", "user", "/files")
_OUTBOX = ("/outbox",)


async def erase(system, what):
    """Forget networks, endpoint, the thing's credentials and messages ("settings"), or everything ("all").

    Once begun, the next start ends it when the power goes meanwhile. Errors: `flash_full`, `flash_failed`.
    """
    flash = system.flash
    try:
        await notes.change(flash, reset=what)
    except errors.StorageError:
        pass  # no room: it makes some
    # Who notes something meanwhile waits: the note of the reset would be written once more, and the next owner's
    # settings be reset.
    await flash.changing.acquire()
    try:
        await _erase(system, flash, what)
    finally:
        flash.changing.release()


async def _erase(system, flash, what):
    if what == "all":
        if system.console.log is not None:
            system.console.log.clear()
        await flash.erase_all(_PERSONAL + _ALL + _OUTBOX)
        return
    # Of the confirmed settings what makes a device of a fleet stays: its claim, template and roots.
    kept = candidate.without_person(flash)
    if not kept:
        await flash.erase_all(_PERSONAL + ("settings",) + _OUTBOX)
        return
    record = settings_words.to_record(kept)
    try:
        await flash.save("settings", *record)
        await flash.erase_all(_PERSONAL + _OUTBOX)
    except errors.StorageError:  # no room: the rest makes some
        await flash.erase_all(_PERSONAL + _OUTBOX)
        await flash.save("settings", *record)
