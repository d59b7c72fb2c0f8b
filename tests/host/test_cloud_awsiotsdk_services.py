"""AWS's own clients of shadows and jobs, in both of their versions, against the local AWS IoT."""

import json
import queue

import pytest
from awscrt.mqtt_request_response import ClientOptions
from awsiot import V2ServiceException, iotjobs, iotshadow

from tests.host.test_cloud_awsiotsdk import QOS1, TIMEOUT_S, Device
from tools.cloud import LocalCloud
from tools.cloud.recipes import create_fleet, create_thing


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def lamp(cloud):
    own = create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)
    with Device(cloud, "lamp", own.cert_pem, own.key_pem) as device:
        yield device


OPTIONS = ClientOptions(max_request_response_subscriptions=10, max_streaming_subscriptions=10)


def result(future):
    return future.result(TIMEOUT_S)


def failure(future):
    """The modelled error of a request that is refused."""
    with pytest.raises(V2ServiceException) as raised:
        result(future)
    return raised.value.modeled_error


def listen(subscribe, request):
    """What AWS's first client hears of a topic, as a queue."""
    heard = queue.Queue()
    result(subscribe(request, QOS1, heard.put)[0])
    return heard


def test_a_shadow_by_the_first_client(cloud, lamp):
    client = iotshadow.IotShadowClient(lamp.connection)
    shadow = {"thing_name": "lamp"}
    deltas = listen(
        client.subscribe_to_shadow_delta_updated_events, iotshadow.ShadowDeltaUpdatedSubscriptionRequest(**shadow)
    )
    updates = listen(client.subscribe_to_shadow_updated_events, iotshadow.ShadowUpdatedSubscriptionRequest(**shadow))
    accepted = listen(client.subscribe_to_update_shadow_accepted, iotshadow.UpdateShadowSubscriptionRequest(**shadow))
    rejected = listen(client.subscribe_to_update_shadow_rejected, iotshadow.UpdateShadowSubscriptionRequest(**shadow))
    state = iotshadow.ShadowState(desired={"on": True}, reported={"on": False})
    result(client.publish_update_shadow(iotshadow.UpdateShadowRequest(**shadow, state=state, client_token="t"), QOS1))
    answer = accepted.get(timeout=TIMEOUT_S)
    assert (answer.version, answer.client_token, answer.state.reported) == (1, "t", {"on": False})
    delta = deltas.get(timeout=TIMEOUT_S)
    assert (delta.state, delta.version, delta.client_token) == ({"on": True}, 1, "t")
    updated = updates.get(timeout=TIMEOUT_S)
    assert (updated.previous, updated.current.version) == (None, 1)
    assert set(updated.current.metadata.desired) == {"on"}
    wrong = iotshadow.UpdateShadowRequest(**shadow, state=state, version=7, client_token="t2")
    result(client.publish_update_shadow(wrong, QOS1))
    error = rejected.get(timeout=TIMEOUT_S)
    assert (error.code, error.message, error.client_token) == (409, "Version conflict", "t2")


def test_a_named_shadow_by_the_second_client(lamp):
    client = iotshadow.IotShadowClientV2(lamp.connection, OPTIONS)
    shadow = {"thing_name": "lamp", "shadow_name": "config"}
    error = failure(client.get_named_shadow(iotshadow.GetNamedShadowRequest(**shadow)))
    assert (error.code, error.message) == (404, "No shadow exists with name: 'config'")
    state = iotshadow.ShadowState(desired={"colour": {"r": 1}}, reported={"colour": {"r": 0}})
    updated = result(client.update_named_shadow(iotshadow.UpdateNamedShadowRequest(**shadow, state=state)))
    assert updated.version == 1
    got = result(client.get_named_shadow(iotshadow.GetNamedShadowRequest(**shadow)))
    assert got.state.delta == {"colour": {"r": 1}}
    assert got.metadata.desired["colour"]["r"]["timestamp"]
    assert result(client.delete_named_shadow(iotshadow.DeleteNamedShadowRequest(**shadow))).version == 1
    assert failure(client.delete_named_shadow(iotshadow.DeleteNamedShadowRequest(**shadow))).code == 404


@pytest.fixture
def new_job(cloud):
    """Makes a job for the lamp; it is gone afterwards."""
    iot, made = cloud.iot(), []

    def make(job_id):
        target = iot.describe_thing(thingName="lamp")["thingArn"]
        iot.create_job(jobId=job_id, targets=[target], document=json.dumps({"operation": job_id}))
        made.append(job_id)

    yield make
    for job_id in made:
        iot.delete_job(jobId=job_id, force=True)


def test_a_job_by_the_first_client(cloud, lamp, new_job):
    client = iotjobs.IotJobsClient(lamp.connection)
    thing = {"thing_name": "lamp"}
    changed = listen(
        client.subscribe_to_job_executions_changed_events,
        iotjobs.JobExecutionsChangedSubscriptionRequest(**thing),
    )
    next_changed = listen(
        client.subscribe_to_next_job_execution_changed_events,
        iotjobs.NextJobExecutionChangedSubscriptionRequest(**thing),
    )
    request = iotjobs.StartNextPendingJobExecutionSubscriptionRequest(**thing)
    started = listen(client.subscribe_to_start_next_pending_job_execution_accepted, request)
    new_job("blink")
    [queued] = changed.get(timeout=TIMEOUT_S).jobs["QUEUED"]
    assert (queued.job_id, queued.version_number) == ("blink", 1)
    told = next_changed.get(timeout=TIMEOUT_S)
    assert (told.execution.job_id, told.execution.job_document) == ("blink", {"operation": "blink"})
    start = iotjobs.StartNextPendingJobExecutionRequest(**thing, status_details={"percent": "0"}, client_token="s")
    result(client.publish_start_next_pending_job_execution(start, QOS1))
    answer = started.get(timeout=TIMEOUT_S)
    assert (answer.client_token, answer.execution.status) == ("s", iotjobs.JobStatus.IN_PROGRESS)
    job = {**thing, "job_id": "blink"}
    request = iotjobs.UpdateJobExecutionSubscriptionRequest(**job)
    updated = listen(client.subscribe_to_update_job_execution_accepted, request)
    done = iotjobs.UpdateJobExecutionRequest(
        **job, status=iotjobs.JobStatus.SUCCEEDED, expected_version=2, include_job_execution_state=True
    )
    result(client.publish_update_job_execution(done, QOS1))
    assert updated.get(timeout=TIMEOUT_S).execution_state.version_number == 3
    assert changed.get(timeout=TIMEOUT_S).jobs == {}
    assert next_changed.get(timeout=TIMEOUT_S).execution is None
    assert cloud.iot().describe_job(jobId="blink")["job"]["status"] == "COMPLETED"


def test_a_job_by_the_second_client(lamp, new_job):
    client = iotjobs.IotJobsClientV2(lamp.connection, OPTIONS)
    thing = {"thing_name": "lamp"}
    for job_id in ("one", "two"):
        new_job(job_id)
    pending = result(client.get_pending_job_executions(iotjobs.GetPendingJobExecutionsRequest(**thing)))
    assert [each.job_id for each in pending.queued_jobs] == ["one", "two"]
    described = result(client.describe_job_execution(iotjobs.DescribeJobExecutionRequest(**thing, job_id="$next")))
    assert (described.execution.job_id, described.execution.job_document) == ("one", {"operation": "one"})
    started = result(client.start_next_pending_job_execution(iotjobs.StartNextPendingJobExecutionRequest(**thing)))
    assert started.execution.version_number == 2

    def update(**more):
        return client.update_job_execution(iotjobs.UpdateJobExecutionRequest(**thing, job_id="one", **more))

    error = failure(update(status=iotjobs.JobStatus.SUCCEEDED, expected_version=1))
    assert error.code == iotjobs.RejectedErrorCode.VERSION_MISMATCH
    assert error.execution_state.version_number == 2
    result(update(status=iotjobs.JobStatus.FAILED, status_details={"reason": "x"}))
    error = failure(update(status=iotjobs.JobStatus.IN_PROGRESS))
    assert error.code == iotjobs.RejectedErrorCode.INVALID_STATE_TRANSITION
    terminal = iotjobs.DescribeJobExecutionRequest(**thing, job_id="one")
    assert failure(client.describe_job_execution(terminal)).code == iotjobs.RejectedErrorCode.TERMINAL_STATE_REACHED
