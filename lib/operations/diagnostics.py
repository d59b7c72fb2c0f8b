"""Reports the state of the device: {"operation": "diagnostics", "topic": where to, "clear": true}.

The report with the log goes into the shadow `diagnostics`, or to the `topic` if there is one, most of it also into the
job's details. With `clear` the log is emptied afterwards. docs/diagnosis.md explains the fields.
"""

import json
import sys

from micropython import const

import errors

_TRIES = const(3)


async def run(system, job):
    """Make the report and send it, again where that was interrupted: telling takes memory, for want of which a small
    chip may lose its connection just here."""
    for left in range(_TRIES - 1, -1, -1):
        try:
            await _tell(system, job)
            break
        except errors.RetryError:
            if not left:
                raise
        await system.aws.connected()
    if job.document.get("clear") and system.console.log is not None:
        system.console.log.clear()


async def _tell(system, job):
    document = _report(system)
    job.result = _details(document)
    topic = job.document.get("topic")
    if topic:
        document.update(_log(system))
        await system.aws.publish(topic, json.dumps(document), qos=1)
    else:  # in two parts: for one a fragmented heap may have no piece that is large enough
        await _shadow_report().tell(system, "diagnostics", document)
        await _shadow_report().tell(system, "diagnostics", _log(system))


def _report(system):
    import diagnosis

    del sys.modules["diagnosis"]
    return diagnosis.report(system)


def _log(system):
    log = system.console.log
    return {"log": log.read() if log is not None else None}


def _shadow_report():
    import shadow_report

    del sys.modules["shadow_report"]
    return shadow_report


def _details(document):
    heap, starts = document["heap"], document["starts"]
    return {
        "version": document["version"],
        "uptime_s": document["uptime_s"],
        "restart": "%s, %s" % (starts["cause"], starts["reason"]),
        "starts": "%d, %d in a row" % (starts["number"], starts["row"]),
        "gc_free": heap["gc_free"],
        "idf_free": "%d, largest %d" % (heap["idf_free"], heap["idf_largest"]),
        "rssi": document["wifi"]["rssi"],
        "connections": document["connections"],
        "stall_ms": document["stall_ms"],
    }
