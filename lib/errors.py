"""Every error of the device: who must act, a short code, and a sentence that says what to do.

    raise errors.error("wrong_password", "home")

The codes are stable: they travel in events, over BLE and in reports. The classes say who must act, so that a caller
decides by class (wait, ask a person, give up) and reports by code. Codes, classes and sentences are one table in
error_table.py, which is loaded while an error is made, then unloaded.
"""

import sys


class DeviceError(Exception):
    """Base of all errors of the device: `code` is short and stable, `message` is a sentence a person can act on."""

    def __init__(self, code, message):
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self):
        return "%s: %s" % (self.code, self.message)


class PersonError(DeviceError):
    """Somebody at the device or the phone has to change something."""


class RetryError(DeviceError):
    """It passes by itself: wait, then try again."""


class CloudError(DeviceError):
    """Something has to be changed in the AWS account."""


class StorageError(DeviceError):
    """The flash did not do what it must."""


class BugError(DeviceError):
    """Our own mistake, or a misuse of this library by the application."""


def error(code, *details):
    """The error of the table with this `code`, its sentence filled with `details`. Raise what it returns.

    Raises KeyError for a code that is not in the table. Where no memory is left to look it up, or the file system
    fails, it is a `RetryError` with the details alone: the next try tells more.
    """
    try:
        import error_table

        who, sentence = error_table.find(code)
    except (MemoryError, ImportError, OSError):
        return RetryError(code, ", ".join([str(each) for each in details]) or code)
    finally:
        sys.modules.pop("error_table", None)
    return globals()[who](code, sentence % details if details else sentence)
