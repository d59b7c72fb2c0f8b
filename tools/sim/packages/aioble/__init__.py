"""Stand-in for the peripheral half of micropython-lib's `aioble`, for desks where that package cannot be fetched: the
same names, signatures, behaviour and limits of its core, device, peripheral and server. No central, client, security
or l2cap.
"""

from micropython import const

from .core import GattError, config, log_error, log_info, log_warn, stop
from .device import Device, DeviceDisconnectedError
from .peripheral import advertise
from .server import BufferedCharacteristic, Characteristic, Descriptor, Service, register_services

ADDR_PUBLIC = const(0)
ADDR_RANDOM = const(1)

__all__ = (
    "BufferedCharacteristic",
    "Characteristic",
    "Descriptor",
    "Device",
    "DeviceDisconnectedError",
    "GattError",
    "Service",
    "advertise",
    "config",
    "log_error",
    "log_info",
    "log_warn",
    "register_services",
    "stop",
)
