"""The messages of a phone in CONFIG other than CFG and CERT: a function for each, of (configuring, dat).

`configuring` loads it for one message; the protocol is in docs/ble-protocol.md.
"""

import sys

import candidate
import errors
from ble import codes
from settings_types import Group


async def on_apply(configuring, _):
    """Join the Wi-Fi that is staged, keep it all, restart."""
    ble = configuring.ble
    await ble.progress()
    try:
        await _join(configuring, _checked(configuring))
        await ble.set_state("saving", last={})
        await candidate.save(configuring.system, configuring.document, "phone")
    except BaseException as failure:  # also no memory, or its time is up: while STATE says "joining" a phone waits
        told = failure if isinstance(failure, errors.DeviceError) else codes.refuse(codes.FAILED)
        number = codes.number_of(told)
        configuring.last = {"code": number, "message": told.message}
        await ble.set_state("failed", number, told.message, configuring.last)
        raise
    await configuring.leave("new settings", codes.DONE)
    return {"code": codes.DONE}


def _checked(configuring):
    """The networks of what is staged, when the device could work with it."""
    system = configuring.system
    configuring.document = document = configuring.document or candidate.base(system.flash)
    candidate.check(system, document)
    return candidate.networks(system, document)


async def _join(configuring, networks):
    # Only those that the phone gave: one known before would hide that the new password is wrong.
    given = [network for network in networks if network.ssid in configuring.ssids]
    old = configuring.system.settings
    settings = {"networks": given or networks, "hostname": old.hostname, "timeouts": old.timeouts}
    await configuring.ble.set_state("joining")
    wifi = _wifi(configuring.system, Group(settings))
    try:
        await wifi.join_once()
    finally:
        await _stop_wifi(configuring.system)


def _wifi(system, settings=None):
    system.wifi = system.make_wifi(system.bus, settings or system.settings)
    sys.modules.pop("wifi", None)
    return system.wifi


async def _stop_wifi(system):
    wifi, system.wifi = system.wifi, None
    await wifi.stop()


async def on_scan(configuring, _):
    """The networks around."""
    await configuring.ble.progress()
    wifi = _wifi(configuring.system)
    try:
        found = await wifi.scan()
    finally:
        await _stop_wifi(configuring.system)
    return {"aps": [{"ssid": ssid, "rssi": rssi, "secure": secure} for ssid, rssi, secure in found]}


async def on_sts(configuring, _):
    """How the device is."""
    system = configuring.system
    system.identity.known()  # learns the name
    return {
        "mode": system.mode,
        "version": configuring.version,
        "thing": system.identity.name,
        "rssi": None,  # no network is joined but for APPLY
        "uptime_s": system.board.uptime_ms() // 1000,
        "heap_free": system.board.heap()["gc_free"],
        "restart": system.restart_reason,
        "last": configuring.last,
    }


async def on_time(configuring, dat):
    """The clock is set until a time server says better."""
    import notes

    system = configuring.system
    try:
        _wifi(system).keep_time(dat["time"], notes.last_known_time(system.flash))
    finally:
        system.wifi = None  # a time that is refused must not keep its code in memory


async def on_app(configuring, dat):
    """The application's own message."""
    if configuring.system.configure is None:
        raise codes.refuse(codes.INVALID, "the application takes no messages")
    from device import Device

    return await configuring.system.configure(Device(configuring.system, None), dat)


async def on_reset(configuring, dat):
    """A factory reset."""
    import notes
    import resetting

    flash = configuring.system.flash
    try:
        await resetting.erase(configuring.system, dat["what"])
    except errors.StorageError:
        await notes.change(flash, reset=None)  # the phone is told: it is not for a later start
        raise
    await configuring.leave("settings were reset")


async def on_rst(configuring, _):
    """A restart."""
    await configuring.leave("a phone asked for it")
