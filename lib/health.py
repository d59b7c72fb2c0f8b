"""Makes and sends one report on the device's health, to where `health.to` of the settings says. Loaded for one."""

import json
import sys

from micropython import const

import errors

_DEFENDER = "defender"
_ANSWER_S = const(20)  # the task that waits for it cannot beat meanwhile
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


async def tell(system):
    """Tell it; returns the errors.DeviceError of a report that failed, else None."""
    try:
        if system.settings.health.to == _DEFENDER:
            await to_defender(system, _report(system))
        else:
            await _shadow_report().tell(system, "health", _report(system))
    except errors.DeviceError as failure:
        return failure
    except MemoryError:
        return errors.error("no_memory")  # a report that is left out is no reason to restart
    return None


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


def _report(system):
    import diagnosis

    del sys.modules["diagnosis"]
    return diagnosis.report(system)


def _shadow_report():
    import shadow_report

    del sys.modules["shadow_report"]
    return shadow_report
