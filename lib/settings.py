"""The device's settings: what the settings file, flash and the phone say -> checked and typed, or an error in words.

    settings.load(flash.settings_file(), flash.load("settings"), flash.load("candidate")).aws.endpoint

Every field, its default and its limits are in docs/settings.md, which a test holds against the code.

Reading and checking takes more code than the rest of a device's life needs: it is loaded for each call and unloaded
afterwards, which gives its memory back to TLS (where it is not frozen into the firmware anyway).
"""

import gc
import sys

_READERS = (
    "settings_json",
    "settings_schema",
    "settings_shapes",
    "settings_certs",
    "settings_documents",
    "settings_lacking",
    "settings_checks",
    "settings_numbers",
    "settings_pem",
    "settings_reader",
    "settings_records",
    "certificates",
    "pem",
    "der",
    "records",
    "nesting",
)


def load(file, stored=None, candidate=None):
    """The `Settings` of the settings file (open file, bytes, str or None), under what flash holds, under a candidate.

    `stored` and `candidate` are records as `flash.load` returns them, (secret, bulk), documents, or None. Raises
    `invalid_setting`, `settings_too_new`, `bad_certificate`, `key_mismatch`; each names the field.
    """
    # One after the other: together they would not fit into the heap.
    document = {} if file is None else _read("parse", file)
    document, warnings = _read("convert", document)
    if hasattr(gc, "mem_free"):  # MicroPython: while nothing on the stack still points to what was imported
        gc.collect()
    return _read("load", document, warnings, stored, candidate)


def merged(document, typ, dat, warnings=None):
    """A new document: `document` with the dat of a message CFG or CERT, whose texts are DER afterwards.

    Raises the errors of `merge_cfg` and `merge_cert`.
    """
    if typ == "CFG":
        return merge_cfg(document, dat, warnings)
    _read("decode", dat)
    result = merge_cert(document, dat, warnings)
    if dat["role"] != "ca":
        result["identity"] = dat["role"]  # its credentials are new
    return result


def merge_cfg(document, dat, warnings=None):
    """A new document: `document` with what the phone's CFG gives. Raises `invalid_setting`.

    A document is a dict, empty at first; what could not be used is told in the list `warnings`.
    """
    return _read("merge_cfg", document, dat, warnings)


def merge_cert(document, dat, warnings=None):
    """A new document: `document` with what the phone's CERT gives, as DER; it replaces what was there for the role.

    Raises `invalid_setting`, `bad_certificate` or `key_mismatch`, each with the role in its sentence.
    """
    return _read("merge_cert", document, dat, "", warnings)


def to_record(document):
    """What flash keeps of a document: (secret, bulk) for `flash.save`. Raises `invalid_setting` when it is too long."""
    return _read("to_record", document)


def from_record(secret, bulk=b""):
    """The document of what flash kept. Raises `invalid_setting`, `settings_too_new`."""
    return _read("from_record", secret, bulk)


def _read(what, *details):
    others = [name for name in _READERS if name in sys.modules]
    try:
        if what == "parse":
            import settings_json as reader
        elif what in ("convert", "merge_cert"):
            import settings_certs as reader
        elif what == "decode":
            import settings_pem as reader
        elif what == "merge_cfg":
            import settings_documents as reader
        elif what == "load":
            import settings_reader as reader
        else:
            import settings_records as reader
        return getattr(reader, what)(*details)
    finally:
        for name in _READERS:
            module = sys.modules.pop(name, None) if name not in others else None
            if module is not None:
                # The collector takes whatever looks like a pointer for one: in one of eight starts a whole file stayed.
                # Now the most that stays is an empty module.
                module.__dict__.clear()
