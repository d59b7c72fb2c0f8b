"""esp32.wake_on_...: what the port refuses is refused (modesp32.c). It wakes nobody: the button and the time do."""

import machine

_RTC_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39)

_set = {"ext0": None, "touch": False}


def wake_on_ext0(pin=-1, level=False):
    _refuse_if(_set["touch"])
    if pin != -1:
        _set["ext0"] = None if pin is None else _rtc_pin(pin)


def wake_on_ext1(pins=None, level=False):
    for pin in pins or ():
        _rtc_pin(pin)


def wake_on_touch(wake):
    _refuse_if(_set["ext0"] is not None)
    _set["touch"] = bool(wake)


def wake_on_ulp(wake):
    _refuse_if(_set["ext0"] is not None)


def _refuse_if(is_taken):
    if is_taken:
        raise ValueError("no resources")


def _rtc_pin(pin):
    number = machine.Pin(pin)._id
    if number not in _RTC_PINS:
        raise ValueError("invalid pin")
    return number
