"""The table of modes: which event leads from which mode to which, and what is done there.

None: the mode itself. For the way out, "restart": a function of `leaving`, or "reset", at once.
"""

import errors

INIT = "INIT"
IDLE = "IDLE"
CONFIG = "CONFIG"
NORMAL = "NORMAL"
OTA = "OTA"
RESTART = "restart"

# mode, event, next mode, what is done there
TABLE = (
    (INIT, "ready", NORMAL, None),
    # A crash loop must not cut the cloud off: jobs and updates are how a bad application is replaced from afar.
    (INIT, "crash_loop", NORMAL, None),
    (INIT, "update_accepted", OTA, None),
    # An update wants the memory that the application takes: boot.py begins it, before main.py is loaded.
    (INIT, "update_delayed", RESTART, "restart"),
    # boot.py has begun the device for an update, and something else comes first. It is no start: a trial must not end.
    (INIT, "application_wanted", RESTART, "load_application"),
    (INIT, "settings_incomplete", CONFIG, None),
    (INIT, "config_requested", CONFIG, None),
    # Flash that cannot be used, or code in a form that can never fit. Where only memory was short, the next start may
    # have some.
    (INIT, "failed", IDLE, None),
    (INIT, "task_failed", RESTART, "restart_after_crash"),
    # A new image that does not come to its work must not stay: the bootloader goes back to the one before.
    (INIT, "trial_failed", RESTART, "restart"),
    (IDLE, "trial_failed", RESTART, "reset"),
    (CONFIG, "restart_requested", RESTART, "restart"),
    # Somebody pressed the button and did nothing: a device with complete settings goes back to work.
    (CONFIG, "window_closed", RESTART, "restart"),
    # The application asks for them when a phone has sent it something.
    (CONFIG, "config_requested", RESTART, "restart"),
    (CONFIG, "sleep_requested", RESTART, "sleep"),
    (CONFIG, "task_failed", RESTART, "restart_after_crash"),
    (CONFIG, "failed", RESTART, "restart_after_crash"),
    (NORMAL, "restart_requested", RESTART, "restart"),
    # CONFIG wants a clean heap: Bluetooth and TLS do not fit beside each other.
    (NORMAL, "config_requested", RESTART, "restart"),
    (NORMAL, "candidate_refused", RESTART, "restart"),
    (NORMAL, "cloud_unreached", RESTART, "restart"),
    # The update itself wants a clean heap: it is kept in flash and done after the restart.
    (NORMAL, "update_requested", RESTART, "restart"),
    # A new image has found itself bad: the bootloader goes back to the one before.
    (NORMAL, "trial_failed", RESTART, "restart"),
    (NORMAL, "sleep_requested", RESTART, "sleep"),
    (NORMAL, "task_failed", RESTART, "restart_after_crash"),
    (NORMAL, "failed", RESTART, "restart_after_crash"),
    (OTA, "update_written", RESTART, "restart"),
    (OTA, "update_failed", RESTART, "restart"),
    (OTA, "task_failed", RESTART, "restart_after_crash"),
    (OTA, "failed", RESTART, "restart_after_crash"),
    # Nothing that goes wrong on the way out may keep the device from restarting.
    (RESTART, "failed", RESTART, "reset"),
)


def way_out(mode, event):
    """(next mode, what is done there) after `event`. Raises `bad_transition` for a pair that is not listed."""
    for row in TABLE:
        if row[:2] == (mode, event):
            return row[2:]
    raise errors.error("bad_transition", mode, event)
