"""CONFIG opens for a phone: the setup code is read or made, and Bluetooth is started. See `configuration`."""

import sys

from ble import codes, setup_code
from configuring import Configuring
from console import plain
from errors import DeviceError, StorageError


async def open_ble(system, restart, missing):
    """`restart(reason)` restarts in order; `missing`: what keeps the device from NORMAL."""
    settings = system.settings
    _drop_certificates(settings)
    code = await _setup_code(system)
    configuring = Configuring(system, restart, _failure(system, missing))
    details = (system.name, settings.hardware, configuring.version, settings.security, code, configuring.handle)
    try:
        system.ble = configuring.ble = system.make_ble(system.bus, *details)
    except ImportError as problem:
        print("CONFIG: no Bluetooth in this firmware (%s)" % problem)
        return
    await configuring.begin()
    print("CONFIG: '%s' can be configured over Bluetooth" % system.name)
    if settings.security == "code":
        # Here and nowhere else: whoever reads the console has the device in hand.
        print("CONFIG: setup code %s, %s" % (setup_code.text(code), setup_code.link(settings.page, code)))


def _drop_certificates(settings):
    # No connection before the next start needs them: all that counts in CONFIG is which of them there are. They take 1
    # to 5 KB, which Bluetooth needs.
    settings.roots = [None for _ in settings.roots]
    settings.download_roots = None
    for pair in (settings.thing, settings.claim):
        if pair is not None:
            pair.cert = pair.key = None


async def _setup_code(system):
    flash = system.flash
    try:
        record = flash.load("code")
    except StorageError as failure:
        print("CONFIG: a new setup code is made: %s" % failure)
        record = None
    if record is not None:
        return record[0]
    # The chip's random numbers are true ones only while a radio is on.
    wifi = system.make_wifi(system.bus, system.settings)
    sys.modules.pop("wifi", None)
    wifi.start()
    code = setup_code.new()
    await wifi.stop()
    try:
        await flash.save("code", code)
    except StorageError as failure:  # rather this one than no way in at all
        print("CONFIG: the setup code is for this time only: %s" % failure)
    return code


def _failure(system, missing):
    """The failure that led here, as STATE's `last`; None without one."""
    import notes

    last = notes.read(system.flash).get("last")
    if last:
        failure = DeviceError(last["code"], last["message"])
        print("CONFIG: the last attempt failed: %s" % plain(failure))
    elif missing and system.failure.code != "settings_missing":
        failure = system.failure
    else:
        return None
    return {"code": codes.number_of(failure), "message": failure.message}
