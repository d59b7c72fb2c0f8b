"""Notes from one start to the next: whether to open CONFIG, what failed last, what a job is trying out.

They are the record `notes`, a JSON object. In brackets the files that write a note, and say more about it:

    into         "CONFIG": the next start opens it (road_outcome, mode_requests)
    last         {"code", "message"}: the failure of the last attempt to reach the cloud (road_outcome, starting)
    trial        "job": the candidate came from the cloud, nobody is there (operations/wanted)
    tried        what that candidate is known by (operations/wanted)
    refused      {"code", "message", "rejected"}: why what a job tried was taken back, or never tried
                 (tryout, starting, operations/wanted)
    reset        "settings" or "all": the factory reset that must be done, whatever happens (resetting, operations)
    enrol_first  True: enrol before the application runs; beside it there was no memory for that (road_outcome)
    anew         starts because there was no memory for TLS, since the cloud was reached (road_outcome)
    windows      how often CONFIG was opened by itself since the cloud was reached (road_outcome)
    offline      seconds without the cloud, before the last restart or sleep (road_outcome)
"""

import json

import errors


def read(flash):
    """The notes (dict); empty when there are none, or none that can be read."""
    try:
        record = flash.load("notes")
        notes = json.loads(record[0] + record[1]) if record else {}
    except (ValueError, errors.StorageError):
        notes = {}
    return notes if isinstance(notes, dict) else {}


async def change(flash, **changes):
    """Keep these notes beside the others; None forgets one. Nothing is written when nothing changes.

    Errors: `flash_full`, `flash_failed`.
    """
    # One after the other: what another task notes, while this one waits for the flash, would be lost.
    await flash.changing.acquire()
    try:
        await _change(flash, changes)
    finally:
        flash.changing.release()


async def _change(flash, changes):
    before = read(flash)
    after = dict(before)
    for name in changes:
        if changes[name] is None:
            after.pop(name, None)
        else:
            after[name] = changes[name]
    if after == before:
        return
    if after:
        try:
            await flash.save("notes", b"", json.dumps(after).encode())
            return
        except errors.StorageError:
            # To forget takes room, too: rather all of it than a device that is sent into CONFIG at each start. What is
            # to be reset is not forgotten.
            if "reset" in after or any(changes[name] is not None for name in changes):
                raise
    await flash.erase("notes")


def last_known_time(flash):
    """Unix seconds that were surely past once: the time of the last day on which the cloud was reached; 0 if never."""
    record = flash.load("clock")
    return int.from_bytes(record[0][:8], "big") if record else 0
