"""The rare work on records: repairs what a start finds after a power cut, and erases records.

`flash_records` loads it. `store` is the `Flash` of flash.py.
"""

import asyncio
import os

from micropython import const

import errors
import flash_blobs
import flash_records
import flash_saving
from flash_blobs import RECORDS
from flash_files import COPY, REST, path, remove, storage_error

_NVS_NOT_FOUND = const(-4354)
_NO_ENTRY = const(2)
_IS_FOLDER = const(0x4000)
_AT_ONCE = const(64)  # names in memory
_LONGEST_SEQUENCE = const(10)  # digits


async def start(store):
    """Repair every record; finish erasing where a power cut has interrupted it."""
    try:
        os.mkdir(store._folder)
    except OSError:
        pass  # it is there, or writing the first file will tell
    # Listed once for all records: files written meanwhile are the wanted ones, and removing one twice does no harm.
    store._entries = _entries(store)
    try:
        for name in RECORDS:
            store._sequences[name] = 0
            _repair(store, name)
            await asyncio.sleep_ms(0)
    finally:
        store._entries = None
    if store._sequences["erasing"]:
        try:
            await _finish_erasing(store)
        except errors.StorageError as problem:  # the device starts all the same, and tries again at the next start
            store.warn("what was to be erased is not all gone: %s" % problem)


def read_spare(store, name, sequence):
    """(sequence, (secret, bulk)) as the file has them; (0, None) when they are not whole."""
    data = flash_records.read(store, name, sequence, COPY)
    found = None if data is None else flash_blobs.decode(name, data)
    if found is None or found[0] != sequence:
        return 0, None
    record = flash_blobs.join(found[2], data[found[1] :])
    return (sequence, record) if record else (0, None)


async def erase(store, name):
    """Forget the record, if there is one. Raises `flash_failed`: then it may still be there."""
    for sequence in _files(store, name, COPY):
        try:
            os.remove(path(store, name, sequence, COPY))
        except OSError as problem:
            raise storage_error("removing", name, problem)
    try:
        store._nvs.erase_key(name)
        store._nvs.commit()
    except OSError as problem:
        if problem.errno != _NVS_NOT_FOUND:
            raise storage_error("erasing", name, problem)
    store._sequences[name] = 0
    _sweep(store, name, REST)


async def erase_all(store, *names):
    """Erase all these records and folders; after a power cut meanwhile the next start does the rest."""
    for at, name in enumerate(names):
        try:
            await flash_saving.replace(store, "erasing", ",".join(names[at:]).encode())
        except errors.StorageError as problem:
            if problem.code != "flash_full":
                raise
            await _erase(store, name)  # no room for the list of all: erasing the first makes some
        else:
            await _finish_erasing(store)
            return


async def _finish_erasing(store):
    names = flash_records.load(store, "erasing")[0].decode().split(",")
    left, trouble = [], None
    for name in names:
        try:
            await _erase(store, name)
        except errors.StorageError as problem:
            left.append(name)
            trouble = problem
    if trouble is None:
        await erase(store, "erasing")
        return
    if left != names:  # what is gone is not on the list any more: the next start would take what was saved since
        await flash_saving.replace(store, "erasing", ",".join(left).encode())
    raise trouble


async def _erase(store, name):
    if name in RECORDS:
        await erase(store, name)
    elif name[:1] == "/":
        await _remove(store, name)


async def _remove(store, folder):
    # Without recursion: a path of 64 letters could be too deep for the stack.
    top = path = store._folder[: store._folder.rfind("/")] + folder
    try:
        while len(path) >= len(top):
            path = _remove_some(path)
            await asyncio.sleep_ms(0)
    except OSError as problem:
        if problem.errno != _NO_ENTRY:
            raise storage_error("removing", folder, problem)


def _remove_some(path):
    """Remove files of this folder, the folder itself when it is empty; returns the folder to go on with."""
    found = []
    for entry in os.ilistdir(path):  # to its end, which closes it
        if len(found) < _AT_ONCE:
            found.append(entry)
    for entry in found:
        inner = "%s/%s" % (path, entry[0])
        if entry[1] == _IS_FOLDER:
            return inner
        os.remove(inner)
    if found:
        return path
    os.rmdir(path)
    return path[: path.rfind("/")]


def _repair(store, name):
    main, record = flash_records.read_main(store, name)
    spare = _newest_spare(store, name)
    sequence = max(main, spare)
    if not sequence:
        _repair_none(store, name)
        return
    store._sequences[name] = sequence
    if main != spare:
        if main != sequence:
            record = read_spare(store, name, sequence)[1]
        blob, rest = flash_blobs.encode(name, sequence, *record)
        if main != sequence:
            _repair_main(store, name, sequence, blob, rest)
        if spare != sequence:
            spare = _repair_spare(store, name, sequence, spare, blob, rest)
    _sweep(store, name, REST, sequence)
    _sweep(store, name, COPY, spare)


def _newest_spare(store, name):
    """The sequence number of the newest whole one, or 0."""
    for sequence in _files(store, name, COPY):
        if read_spare(store, name, sequence)[0]:
            return sequence
    return 0


def _repair_main(store, name, sequence, blob, rest):
    try:
        flash_saving.write_main(store, name, sequence, blob, rest)
        store.warn("%s: its main copy was written again" % name)
    except errors.StorageError as problem:
        store.warn("%s: its main copy cannot be written again: %s" % (name, problem))


def _repair_spare(store, name, sequence, spare, blob, rest):
    """Returns the sequence number of the copy that is there then, 0 for none. `spare`: that of the older one."""
    while True:
        problem = flash_saving.write_spare(store, name, sequence, blob, rest)
        if problem is None:
            store.warn("%s: its spare copy was written again" % name)
            return sequence
        if not spare or problem.code != "flash_full":
            store.warn("%s has no second copy: %s" % (name, problem))
            return spare
        _sweep(store, name, COPY)  # there is room for the new copy where the older one was
        spare = 0


def _repair_none(store, name):
    """No whole copy. What is in NVS stays: the newer firmware that an update went back from may be able to read it."""
    try:
        store._nvs.get_blob(name, bytearray(flash_blobs.OVERHEAD + RECORDS[name][0]))
    except OSError as problem:
        if problem.errno == _NVS_NOT_FOUND:
            _sweep(store, name, REST)
            _sweep(store, name, COPY)
            return
    store.warn("%s: no copy of it can be read" % name)


# Files


def _sweep(store, name, kind, wanted=None):
    """Remove all files of a kind but the wanted one. One that stays does no harm, the next start tries again.

    Not at each save: listing the folder takes littlefs ten times as long as removing the one file that is known.
    """
    for sequence in _files(store, name, kind):
        if sequence != wanted:
            remove(store, name, sequence, kind)


def _entries(store):
    """The names of all files in the folder. For each of them littlefs reads all of the folder."""
    try:
        return os.listdir(store._folder)
    except OSError:
        return []


def _files(store, name, kind):
    """The sequence numbers of a record's files of this kind, newest first."""
    found = []
    for file in store._entries if store._entries is not None else _entries(store):
        parts = file.split(".")
        if len(parts) != 3 or parts[0] != name or parts[2] != kind:
            continue
        if len(parts[1]) <= _LONGEST_SEQUENCE and parts[1].isdigit() and parts[1][0] != "0":
            found.append(int(parts[1]))
    return sorted(found, reverse=True)
