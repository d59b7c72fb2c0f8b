"""Records that survive power cuts: each is the old or the new one, never a mixture, and there are two copies of it.

*Main* is the blob in NVS with its rest in a file; *spare* is both in one file. The port erases all of NVS when it finds
it full, and a file can be damaged: neither alone is enough. The files are `/secure/<record>.<sequence>.<kind>`, kind
`rest` or `copy`; others in the folder are left alone.

To save: 1. write the new rest under a new name, 2. replace the blob in NVS: from here on the record is the new one,
3. remove the old rest, 4. write the new spare, 5. remove the old spare. After a power cut `start` takes the newer whole
copy, mends the other, and removes what is left over. Erasing begins with the spare, so that nothing comes back. What
mends and erases is in `flash_mending`.

`flash` imports it for as long as it reads or writes a record; `store` is its `Flash`.
"""

import asyncio
import os

import esp32
from micropython import const

import errors
import flash_blobs
from flash_blobs import RECORDS

REST = "rest"
COPY = "copy"

_NAMESPACE = "awsesp"
_NO_SPACE = const(28)
_NVS_FULL = (-4357, -4365)  # ESP_ERR_NVS_NOT_ENOUGH_SPACE, ESP_ERR_NVS_NO_FREE_PAGES
_LONGEST_SEQUENCE = const(10)


async def start(store):
    """Open the storage and mend what a power cut left. Raises `flash_failed` when NVS itself cannot be opened."""
    try:
        store._nvs = esp32.NVS(_NAMESPACE)
    except OSError as problem:
        raise storage_error("opening", "NVS", problem)
    import flash_mending

    await flash_mending.start(store)


def load(store, name):
    """As `Flash.load`, for a record that may be there."""
    _check_name(name)
    sequence = store._sequences.get(name, 0)
    if sequence <= 0:
        return None
    found, data = read_main(store, name)
    if found != sequence:
        store.warn("%s: its main copy is damaged, the spare one is used" % name)
        import flash_mending

        found, data = flash_mending.read_spare(store, name, sequence)
    if not found:
        raise errors.error("flash_failed", "reading %s" % name, "both copies are damaged")
    return data


async def erase_all(store, names):
    """As `Flash.erase_all`, for who holds the lock; one name alone as `Flash.erase`."""
    for name in names:
        if name[0] != "/":
            _check_name(name)
    import flash_mending

    if len(names) == 1 and names[0][0] != "/":
        await flash_mending.erase(store, names[0])
    else:
        await flash_mending.erase_all(store, *names)


async def replace(store, name, secret, bulk=b""):
    """As `Flash.save`, for who holds the lock."""
    _check_name(name)
    if len(secret) + len(bulk) > RECORDS[name][1]:
        raise errors.error("flash_full", "%d bytes as %s" % (len(secret) + len(bulk), name))
    sequence = abs(store._sequences.get(name, 0)) + 1
    blob, rest = flash_blobs.encode(name, sequence, secret, bulk)
    write_main(store, name, sequence, blob, rest)
    await asyncio.sleep_ms(0)
    write_spare(store, name, sequence, blob, rest)


async def renew(store, name, secret):
    """As `replace`, unless that is what is there: one import for both, because it may be often."""
    try:
        if load(store, name) == (secret, b""):
            return
    except errors.StorageError:
        pass  # both copies are damaged
    await replace(store, name, secret)


def read_main(store, name):
    """(sequence, (secret, bulk)) as NVS and its file have them; (0, None) when they are not whole."""
    buffer = bytearray(flash_blobs.OVERHEAD + RECORDS[name][0])
    try:
        size = store._nvs.get_blob(name, buffer)
    except OSError:  # not there, or larger than any of ours
        return 0, None
    found = flash_blobs.decode(name, memoryview(buffer)[:size])
    if found is None:
        return 0, None
    sequence, _, shares = found
    data = flash_blobs.join(shares, b"") or flash_blobs.join(shares, read(store, name, sequence, REST))
    return (sequence, data) if data else (0, None)


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
    """The record is safe already: a file system without room for the copy is a warning, no failure."""
    try:
        _write(store, name, sequence, COPY, blob, rest)
    except errors.StorageError as problem:
        store.warn("%s has no second copy: %s" % (name, problem))
    else:
        remove(store, name, sequence - 1, COPY)


def sweep(store, name, kind, wanted=None):
    """Remove the files of a kind but the wanted one. One that stays does no harm, the next start tries again.

    Not with each save: to look for files takes littlefs ten times as long as to remove the one that is known.
    """
    for sequence in files(store, name, kind):
        if sequence != wanted:
            remove(store, name, sequence, kind)


# Files


def path(store, name, sequence, kind):
    return "%s/%s.%d.%s" % (store._folder, name, sequence, kind)


def entries(store):
    """The names of all files in the folder. littlefs reads all of the folder for each of them."""
    try:
        return os.listdir(store._folder)
    except OSError:
        return []


def files(store, name, kind):
    """The sequence numbers of a record's files of this kind, newest first."""
    found = []
    for file in store._entries if store._entries is not None else entries(store):
        parts = file.split(".")
        if len(parts) != 3 or parts[0] != name or parts[2] != kind:
            continue
        if len(parts[1]) <= _LONGEST_SEQUENCE and parts[1].isdigit() and parts[1][0] != "0":
            found.append(int(parts[1]))
    return sorted(found, reverse=True)


def read(store, name, sequence, kind):
    """The bytes of a file; None when it is not there, cannot be read or is too large to be ours."""
    try:
        with open(path(store, name, sequence, kind), "rb") as file:
            # Of the size it has: read(n) takes n bytes of memory first, and only then looks how many there are.
            size = file.seek(0, 2)
            if size > flash_blobs.OVERHEAD + RECORDS[name][1]:
                return None
            file.seek(0)
            return file.read(size)
    except OSError:
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


def remove(store, name, sequence, kind):
    """Remove a file that may not be there, or be removed by a later start."""
    try:
        os.remove(path(store, name, sequence, kind))
    except OSError:
        pass


def storage_error(doing, name, problem):
    """The StorageError for an OSError of NVS or of a file system."""
    if problem.errno == _NO_SPACE or problem.errno in _NVS_FULL:
        return errors.error("flash_full", name)
    return errors.error("flash_failed", "%s %s" % (doing, name), problem)


def _check_name(name):
    if name not in RECORDS:
        raise errors.error("not_supported", "The record '%s'" % name)
