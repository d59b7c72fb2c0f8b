"""The operation "diagnostics": the report reaches the cloud, on a link that does not last."""

import json

import errors
from fakes import Group
from harness import equal, raises
from operations import diagnostics


async def test_diagnostics_that_a_lost_connection_has_interrupted_are_told_again():
    interruptions = ["no_acknowledgement", "not_connected"]
    told, waited = [], []

    async def publish(topic, payload, **_):
        if interruptions:
            raise errors.error(interruptions.pop())
        told.append(json.loads(payload)["state"]["reported"])

    async def connected():
        waited.append(1)

    aws = Group(publish=publish, connected=connected)
    system = Group(aws=aws, identity=Group(name="lamp"), console=Group(log=None))
    diagnostics._report = lambda system: {"stall_ms": 3}
    diagnostics._details = lambda document: {"stall_ms": document["stall_ms"]}
    job = Group(document={"operation": "diagnostics"}, result={})
    await diagnostics.run(system, job)
    equal((told, len(waited), job.result), ([{"stall_ms": 3}, {"log": None}], 2, {"stall_ms": 3}))
    interruptions.extend(["no_acknowledgement"] * 3)
    equal((await raises(errors.RetryError, diagnostics.run(system, job))).code, "no_acknowledgement")
