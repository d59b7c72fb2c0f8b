"""The report on the state of the device, for diagnosis from afar. Loaded for moments; fields in docs/diagnosis.md."""

import sys

import release


def report(system):
    """How the device is now: a dict of JSON, without any secret."""
    board, wifi, aws = system.board, system.wifi, system.aws
    ring = aws._inbox.ring  # not `messages`, which would load one
    return {
        "version": release.VERSION,
        "micropython": ".".join([str(part) for part in sys.implementation[1][:3]]),
        "hardware": system.settings.hardware,
        "slot": system.slot().name() if system.slot else None,
        "time": wifi.now(),
        "uptime_s": board.uptime_ms() // 1000,
        "starts": _starts(system),
        "heap": board.heap(),
        "wifi": {"ssid": wifi.ssid, "rssi": wifi.rssi()},
        "connections": aws.connections,
        "stall_ms": system.supervisor.longest_stall_ms,
        "messages_dropped": ring.dropped if ring is not None else 0,
    }


def _starts(system):
    # Not in `report`: the record is a module, and a small chip has no room for it beside that of the slot.
    record = system.board.start_record()
    return {
        "number": record.number(),
        "row": record.in_a_row(),
        "cause": system.board.reset_cause(),
        "reason": system.restart_reason,
    }
