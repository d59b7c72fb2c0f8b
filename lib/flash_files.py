"""The files of records: how they are named and removed, and what their failures are called. Read and written by
`flash_records` and `flash_saving`."""

import os

from micropython import const

import errors
from flash_blobs import RECORDS

REST = "rest"
COPY = "copy"

_NO_SPACE = const(28)
_NVS_FULL = (-4357, -4365)  # ESP_ERR_NVS_NOT_ENOUGH_SPACE, ESP_ERR_NVS_NO_FREE_PAGES


def path(store, name, sequence, kind):
    return "%s/%s.%d.%s" % (store._folder, name, sequence, kind)


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


def check_name(name):
    if name not in RECORDS:
        raise errors.error("not_supported", "The record '%s'" % name)
