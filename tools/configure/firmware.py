"""The firmware's own words, which run here as well: the device's rules are checked before anything is sent to it."""

import sys

from tools.interpreter import LIB

if str(LIB) not in sys.path:
    sys.path.append(str(LIB))  # stays: `settings` imports its readers when it is asked to read

import certificates
import errors
import pem
import settings
import settings_certs
import settings_checks
import settings_schema
from ble import codes, framing, setup_code

__all__ = (
    "certificates",
    "codes",
    "errors",
    "framing",
    "pem",
    "settings",
    "settings_certs",
    "settings_checks",
    "settings_schema",
    "setup_code",
)
