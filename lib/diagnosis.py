"""How the device is, for whoever looks from afar. Imported for moments; docs/diagnosis.md tells what is what.

`report(system)` is a dict of JSON without any secret; `to_shadow` and `to_defender` tell it.
"""

import json
import sys

import errors
import release
from aws.service import Service

_DEFENDER = "defender"
_ANSWER_S = 20  # as that of `Service.ask`: who waits for the report shows no sign of life meanwhile
# What Device Defender gets as custom metrics of type "number": name there, path here.
_METRICS = (
    ("uptime_s", "uptime_s"),
    ("starts", "starts.number"),
    ("starts_row", "starts.row"),
    ("connections", "connections"),
    ("stall_ms", "stall_ms"),
    ("rssi", "wifi.rssi"),
    ("heap_gc_free", "heap.gc_free"),
    ("heap_idf_free", "heap.idf_free"),
    ("heap_idf_largest", "heap.idf_largest"),
    ("messages_dropped", "messages_dropped"),
)


def report(system):
    """How the device is now (dict)."""
    board, settings, aws, wifi = system.board, system.settings, system.aws, system.wifi
    record = board.start_record()
    return {
        "version": release.VERSION,
        "micropython": ".".join([str(part) for part in sys.implementation[1][:3]]),
        "hardware": settings.hardware,
        "slot": system.slot().name() if system.slot else None,
        "time": wifi.now(),
        "uptime_s": board.uptime_ms() // 1000,
        "starts": {
            "number": record.number(),
            "row": record.in_a_row(),
            "cause": board.reset_cause(),
            "reason": system.restart_reason,
        },
        "heap": board.heap(),
        "wifi": {"ssid": wifi.ssid, "rssi": wifi.rssi()},
        "connections": aws.connections,
        "stall_ms": system.supervisor.longest_stall_ms,
        "messages_dropped": aws.messages.dropped,
    }


async def to_shadow(system, name, document):
    """Let the document be what the named shadow reports. Errors: those of `Service.ask`."""
    await _ask(system.aws, "shadow/name/" + name, "update", {"state": {"reported": document}})


async def to_defender(system, document):
    """Tell it as metrics of AWS IoT Device Defender. Errors: those of `Aws.publish`."""
    topic = "$aws/things/%s/%s/metrics/json" % (system.identity.name, _DEFENDER)
    await system.aws.publish(topic, json.dumps(metrics(document)), qos=1, timeout_s=_ANSWER_S)


def metrics(document):
    """The document as a report of Device Defender's, with custom metrics."""
    custom = {}
    for name, path in _METRICS:
        value = document
        for part in path.split("."):
            value = value[part]
        if value is not None:
            custom[name] = [{"number": value}]
    custom["version"] = [{"string_list": [document["version"]]}]
    return {
        "header": {"report_id": document["time"], "version": "1.0"},
        "metrics": {"tcp_connections": {"established_connections": {"total": 1}}},
        "custom_metrics": custom,
    }


async def _ask(aws, base, operation, document):
    service = aws.service(base)
    if service is not None:  # the application has it, too
        return await service.ask(operation, document)
    service = Service(base, (operation + "/accepted", operation + "/rejected"), _nothing, _nothing)
    aws.attach(service)
    try:
        return await service.ask(operation, document)
    finally:
        await aws.detach(service)


def _nothing(*_):
    """Nothing but answers is expected."""


# Who asks


async def diagnose(system, job):
    """The operation "diagnostics": the report with the log into the shadow `diagnostics`, the most of it into the job.

    {"operation": "diagnostics", "clear": true}: the log begins anew.
    """
    document = report(system)
    log = system.console.log
    document["log"] = log.read() if log is not None else None
    if job.document.get("topic"):
        await system.aws.publish(job.document["topic"], json.dumps(document), qos=1)
    else:
        await to_shadow(system, "diagnostics", document)
    if job.document.get("clear") and log is not None:
        log.clear()
    heap, starts = document["heap"], document["starts"]
    await job.succeed(
        version=document["version"],
        uptime_s=document["uptime_s"],
        restart="%s, %s" % (starts["cause"], starts["reason"]),
        starts="%d, %d in a row" % (starts["number"], starts["row"]),
        gc_free=heap["gc_free"],
        idf_free="%d, largest %d" % (heap["idf_free"], heap["idf_largest"]),
        rssi=document["wifi"]["rssi"],
        connections=document["connections"],
        stall_ms=document["stall_ms"],
    )


async def tell_health(system):
    """The periodic report, where `health.to` of the settings wants it. Its failure is told and nothing else."""
    try:
        if system.settings.health.to == _DEFENDER:
            await to_defender(system, report(system))
        else:
            await to_shadow(system, "health", report(system))
    except errors.DeviceError as failure:
        return failure
    except MemoryError:
        return errors.error("no_memory")  # a report that is left out is no reason to restart
    return None
