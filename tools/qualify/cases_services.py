"""Shadow, jobs, policies, and a long time with all of it."""

import itertools
import json
import time

from tools.cloud import interference
from tools.qualify.backoff import judge
from tools.qualify.bench import THING
from tools.qualify.case import Failed, case, require
from tools.qualify.cases_mqtt import _is_own, _listens

_JOB_S = 60


def _reported(bench):
    data = bench.cloud.iot_data()
    try:
        answer = data.get_thing_shadow(thingName=THING)
    except data.exceptions.ResourceNotFoundException:
        return {}
    return json.loads(answer["payload"].read())["state"].get("reported", {})


def _until(bench, condition, timeout_s, complaint):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(complaint() if callable(complaint) else complaint)
        bench.watch.pause(0.1)


@case("Shadow", "Shadow_Publish_Reported_State", short=True)
def publish_reported(bench, evidence):
    bench.start()
    _until(bench, lambda: _reported(bench), bench.patience_s(), "it reported nothing to its shadow")
    evidence(f"reported {json.dumps(_reported(bench))}")


@case("Shadow", "Shadow_Update_Reported_State", short=True)
def update_reported(bench, evidence):
    bench.start()
    _until(bench, lambda: _reported(bench), bench.patience_s(), "it reported nothing to its shadow")
    payload = json.dumps({"state": {"desired": {"colour": "green"}}})
    bench.cloud.iot_data().update_thing_shadow(thingName=THING, payload=payload)
    _until(
        bench,
        lambda: _reported(bench).get("colour") == "green",
        bench.patience_s(),
        "it did not follow what is desired",
    )
    evidence("desired colour green, reported colour green")


@case("Job_Execution", "Job_Execution", short=True)
def job_execution(bench, evidence):
    bench.start()
    bench.watch.wait_for("connected", bench.patience_s())
    iot = bench.cloud.iot()
    job = f"qualify-{time.time_ns()}"
    arn = iot.describe_thing(thingName=THING)["thingArn"]
    iot.create_job(jobId=job, targets=[arn], document=json.dumps({"operation": "blink"}))
    statuses = []

    def ended():
        status = iot.describe_job_execution(jobId=job, thingName=THING)["execution"]["status"]
        if status not in statuses:
            statuses.append(status)
        return status not in ("QUEUED", "IN_PROGRESS")

    _until(bench, ended, _JOB_S, lambda: f"the job did not end: {' -> '.join(statuses)}")
    require(statuses[-1] == "SUCCEEDED", f"the job ended as {' -> '.join(statuses)}")
    evidence(" -> ".join(statuses))


@case("Security", "Security_Device_Policies", short=True)
def device_policies(bench, evidence):
    iot = bench.cloud.iot()
    for principal in iot.list_thing_principals(thingName=THING)["principals"]:
        for policy in iot.list_attached_policies(target=principal)["policies"]:
            document = json.loads(iot.get_policy(policyName=policy["policyName"])["policyDocument"])
            complaints = list(excesses(document))
            require(not complaints, "; ".join(complaints))
            evidence(f"policy {policy['policyName']}: {len(document['Statement'])} statements, no excess wildcards")


def excesses(document):
    """What of a policy's statements allows more than a device's own: in sentences."""
    for statement in document["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        for action in _listed(statement["Action"]):
            if action in ("*", "iot:*"):
                yield f"action {action}"
        for resource in _listed(statement["Resource"]):
            name = resource.split(":", 5)[-1]
            if resource == "*" or name.startswith(("*", "topic/*", "topicfilter/*", "client/*")):
                yield f"resource {resource}"


def _listed(value):
    return [value] if isinstance(value, str) else value


@case("MQTT", "MQTT_Long_Duration")
def long_duration(bench, evidence):
    """AWS lets it run for hours, one scenario after the other; here each of them once."""
    bench.start()
    bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), where=_listens)
    for name, scenario in _SCENARIOS.items():
        place = bench.watch.now()
        evidence(f"{name}: {scenario(bench, place)}")


def _puback(bench, place):
    bench.say(b"one")
    bench.wait_until_taken(b"one", since=place)
    return "acknowledged"


def _large_payload(bench, place):
    payload = b"x" * 128 * 1024
    bench.say(payload)
    bench.wait_until_taken(payload, since=place)
    bench.watch.wait_for("PUBLISH", bench.patience_s(), since=place, where=_is_own)
    return "128 KB acknowledged, and it goes on"


def _keep_alive(bench, place):
    seen = bench.watch.wait_for("PUBLISH", bench.patience_s(), since=place)
    bench.watch.pause(10)
    require(not bench.watch.since(place, "disconnected"), "the connection was lost")
    return f"signs of life on connection {seen.connection}, the same one for 10 s"


def _intermittent(bench, place):
    for _ in range(3):
        here = bench.watch.now()
        bench.cloud.interfere(interference.disconnect, THING)
        bench.watch.wait_for("connected", bench.patience_s(), since=here)
    return "3 times away, 3 times back"


def _long_disconnect(bench, place):
    bench.faults.order("refuse")
    bench.cloud.interfere(interference.disconnect, THING)
    bench.watch.wait_for("connection_reset", 8 * bench.patience_s(), since=place, count=6)
    bench.faults.clear("refuse")
    bench.watch.wait_for("connected", bench.patience_s(), since=place)
    attempts = [seen.at for seen in bench.watch.since(place, "connection_reset")]
    verdict = judge([[after - before for before, after in itertools.pairwise(attempts)]])
    require(verdict.grows or verdict.jitter, f"its waits: {verdict.name}")
    return f"{len(attempts)} attempts in vain, then back; back-off: {verdict.name}"


_SCENARIOS = {
    "PUBACK_QOS_1": _puback,
    "RECEIVE_LARGE_PAYLOAD": _large_payload,
    "KEEP_ALIVE": _keep_alive,
    "INTERMITTENT_CONNECTIVITY": _intermittent,
    "LONG_SERVER_DISCONNECT, RECONNECT_BACK_OFF": _long_disconnect,
}
