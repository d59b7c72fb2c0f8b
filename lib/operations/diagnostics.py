"""How the device is, asked from afar: {"operation": "diagnostics", "topic": where to, "clear": true}.

The report with the log goes into the shadow `diagnostics`, or to the `topic` if there is one, the most of it into the
job's details. With `clear` the log begins anew. docs/diagnosis.md tells what is what.
"""

import json
import sys


async def run(system, job):
    """Tell it."""
    document = _report(system)
    job.result = _details(document)
    topic = job.document.get("topic")
    if topic:
        document.update(_log(system))
        await system.aws.publish(topic, json.dumps(document), qos=1)
    else:  # in two parts: all in one would need a larger piece of memory than is left of a worn heap
        await _shadow_report().tell(system, "diagnostics", document)
        await _shadow_report().tell(system, "diagnostics", _log(system))
    if job.document.get("clear") and system.console.log is not None:
        system.console.log.clear()


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
