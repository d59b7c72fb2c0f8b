"""Records that survive power cuts: each is the old or the new one, never a mixture, and has two copies.

The *main* copy is a blob in NVS, with the rest of the record in a file; the *spare* copy is all of it in one file. The
port erases all of NVS when it finds it full, and a file can be damaged: neither alone is enough. The files are
`/secure/<record>.<sequence>.<kind>`, kind `rest` or `copy`; others in the folder are left alone.

`flash_saving` saves a record, step by step. After a power cut `start` takes the newer whole copy, repairs the other,
and removes what is left over. Erasing begins with the spare copy, so that nothing comes back. Both are in
`flash_repair`.

`flash` loads it for as long as it reads a record; `store` is its `Flash`.
"""

import esp32

import errors
import flash_blobs
from flash_blobs import RECORDS
from flash_files import REST, check_name, path, storage_error

_NAMESPACE = "awsesp"


async def start(store):
    """Open the storage and repair what a power cut left. Raises `flash_failed` when NVS itself cannot be opened."""
    try:
        store._nvs = esp32.NVS(_NAMESPACE)
    except OSError as problem:
        raise storage_error("opening", "NVS", problem)
    import flash_repair

    await flash_repair.start(store)


def load(store, name):
    """As `Flash.load`, for a record that may be there."""
    check_name(name)
    sequence = store._sequences.get(name, 0)
    if not sequence:
        return None
    found, data = read_main(store, name)
    if found != sequence:
        store.warn("%s: its main copy is damaged, the spare one is used" % name)
        import flash_repair

        found, data = flash_repair.read_spare(store, name, sequence)
    if not found:
        raise errors.error("flash_failed", "reading %s" % name, "both copies are damaged")
    return data


async def erase_all(store, names):
    """As `Flash.erase_all`, under its lock; one name alone as `Flash.erase`."""
    for name in names:
        if name[0] != "/":
            check_name(name)
    import flash_repair

    if len(names) == 1 and names[0][0] != "/":
        await flash_repair.erase(store, names[0])
    else:
        await flash_repair.erase_all(store, *names)


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
