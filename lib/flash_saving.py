"""Saves a record, so that a power cut leaves the old or the new one: see `flash_records`.

1. Write the new rest under a new name, 2. replace the blob in NVS: from here on the record is the new one, 3. remove
the old rest, 4. write the new spare, 5. remove the old spare.

`flash` loads it for as long as it writes a record; `store` is its `Flash`.
"""

import asyncio
import os

import errors
import flash_blobs
from flash_blobs import RECORDS
from flash_files import COPY, REST, check_name, path, remove, storage_error


async def replace(store, name, secret, bulk=b""):
    """As `Flash.save`, under its lock."""
    check_name(name)
    if len(secret) + len(bulk) > RECORDS[name][1]:
        raise errors.error("flash_full", "%d bytes as %s" % (len(secret) + len(bulk), name))
    sequence = store._sequences.get(name, 0) + 1
    blob, rest = flash_blobs.encode(name, sequence, secret, bulk)
    write_main(store, name, sequence, blob, rest)
    await asyncio.sleep_ms(0)
    problem = write_spare(store, name, sequence, blob, rest)
    if problem is not None:  # the main copy is safe already: a warning, no failure
        store.warn("%s has no second copy: %s" % (name, problem))


def write_main(store, name, sequence, blob, rest):
    if rest:
        _write(store, name, sequence, REST, rest)
    try:
        store._nvs.set_blob(name, blob)
        store._nvs.commit()
    except OSError as problem:
        remove(store, name, sequence, REST)
        raise storage_error("writing", name, problem)
    store._sequences[name] = sequence
    remove(store, name, sequence - 1, REST)


def write_spare(store, name, sequence, blob, rest):
    """Returns None, or the StorageError that has kept it from being written: then the one before stays."""
    try:
        _write(store, name, sequence, COPY, blob, rest)
    except errors.StorageError as problem:
        return problem
    remove(store, name, sequence - 1, COPY)
    return None


def _write(store, name, sequence, kind, *parts):
    """Write a file; it is on flash when this returns. Raises `flash_full` or `flash_failed`, without a trace."""
    try:
        with open(path(store, name, sequence, kind), "wb") as file:
            for part in parts:
                file.write(part)
        if hasattr(os, "sync"):
            os.sync()
    except OSError as problem:
        remove(store, name, sequence, kind)
        raise storage_error("writing", name, problem)
