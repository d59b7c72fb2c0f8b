"""How the device is, asked from afar: {"operation": "diagnostics", "topic": where to, "clear": true}.

The report with the log goes into the shadow `diagnostics`, or to the `topic` if there is one, the most of it into the
job's details. With `clear` the log begins anew. docs/diagnosis.md tells what is what.
"""

import json
import sys


async def run(system, job):
    """Tell it."""
    topic = job.document.get("topic")
    if topic:
        document = _report(system, job)
        document.update(_log(system))
        await system.aws.publish(topic, json.dumps(document), qos=1)
    else:
        await _shadow_report().to_shadow(system, "diagnostics", lambda system: _report(system, job), _log)
    log = system.console.log
    if job.document.get("clear") and log is not None:
        log.clear()


def _report(system, job):
    import diagnosis

    del sys.modules["diagnosis"]
    document = diagnosis.report(system)
    job.result = _details(document)
    return document


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
