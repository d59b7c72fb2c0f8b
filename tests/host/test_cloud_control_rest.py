"""The control plane as HTTP: what is routed where, and what comes back for requests that no SDK would send."""

import http.client
import json

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code
from tools.cloud.clients import make_client
from tools.cloud.operations import catalog
from tools.cloud.service_models import ServiceModels
from tools.interpreter import ROOT

POLICY = "arn:aws:iot:eu-central-1:123456789012:policy/p"


@pytest.fixture
def ask(cloud):
    """Send one request: status, name of the error or None, decoded body."""

    def send(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", cloud.control_port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, response.headers["x-amzn-ErrorType"], json.loads(response.read() or b"{}")
        finally:
            connection.close()

    return send


def signed_for(service):
    return f"AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/{service}/aws4_request, Signature=none"


def test_request_without_signature_is_served(ask):
    assert ask("POST", "/things/plain")[0] == 200


def test_path_that_no_operation_has(ask):
    status, error, body = ask("GET", "/nonsense/at/all")
    assert (status, error) == (405, "MethodNotAllowedException")
    assert "/nonsense/at/all" in body["message"]


def test_same_path_belongs_to_the_service_that_was_signed_for(ask):
    # Both iot and iot-jobs-data have GET /things/NAME/jobs.
    ask("POST", "/things/busy")
    for service, member in (("iot", "executionSummaries"), ("iot-jobs-data", "queuedJobs")):
        status, error, body = ask("GET", "/things/busy/jobs", Authorization=signed_for(service))
        assert (status, error) == (200, None)
        assert member in body


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("sts", lambda client: client.get_caller_identity()),
        ("iam", lambda client: client.list_roles()),
        ("dynamodb", lambda client: client.list_tables()),
        ("lambda", lambda client: client.list_functions()),
        ("iotwireless", lambda client: client.list_tags_for_resource(ResourceArn=POLICY)),  # iot has GET /tags, too
    ],
)
def test_other_services_are_refused_by_name(cloud, service, call):
    with pytest.raises(ClientError, match=f"The service {service} is not part of the local AWS IoT") as refused:
        call(make_client(service, cloud.region, cloud.control_url))
    assert error_code(refused) == "NotImplementedException"
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_longer_path_is_another_operation(ask):
    ask("POST", "/things/fixed")
    assert ask("GET", "/things/fixed/principals")[2] == {"principals": []}


def test_encoded_slash_belongs_to_the_parameter(ask):
    assert ask("POST", "/topics/a%2Fb%20c?qos=1&retain=true", b"x")[0] == 200
    assert ask("GET", "/retainedMessage/a%2Fb%20c")[2]["topic"] == "a/b c"


def rolled_out_by(factor):
    """The body of CreateJob, with the factor by which its rate grows."""
    rate = {"baseRatePerMinute": 1, "incrementFactor": 0, "rateIncreaseCriteria": {"numberOfNotifiedThings": 1}}
    job = {"targets": ["t"], "document": "{}", "jobExecutionsRolloutConfig": {"exponentialRate": rate}}
    return json.dumps(job).replace('"incrementFactor": 0', f'"incrementFactor": {factor}').encode()


def about(description):
    return json.dumps({"thingGroupProperties": {"thingGroupDescription": description}}).encode()


def tagged(key):
    return json.dumps({"resourceArn": POLICY, "tags": [{"Key": key}]}).encode()


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/policies/p", b"{}", "'policyDocument' failed to satisfy constraint: Member must not be null"),
        ("POST", "/policies/p", b"{", "not JSON"),
        ("POST", "/policies/p", b"[]", "not a JSON object"),
        ("POST", "/policies/p", b'{"policyDocument": 1}', "Member must be a string"),
        ("POST", "/things/a%20b", b"", "Member must satisfy regular expression pattern"),
        ("GET", "/things?maxResults=251", b"", "Member must have value less than or equal to 250"),
        ("GET", "/things?maxResults=many", b"", "Member must be an integer"),
        ("POST", "/things/x", b'{"attributePayload": []}', "Member must be an object"),
        ("POST", "/things/x", b'{"attributePayload": {"attributes": {"a": 1}}}', "attributePayload.attributes.a"),
        ("POST", "/keys-and-certificate?setAsActive=perhaps", b"", "Member must be true or false"),
        ("PUT", f"/certificates/{'0' * 64}?newStatus=GREAT", b"", "Member must satisfy enum value set"),
        ("PUT", "/things/x/principals", b"", "'principal' failed to satisfy constraint: Member must not be null"),
        ("POST", "/things/x", b"\xff\xfe", "not JSON"),
        ("GET", "/things?nextToken=%C3%BC", b"", "pagination token is not valid"),
        ("GET", f"/things/x/jobs/y?executionNumber={2**63}", b"", "Member must be an integer of type long"),
        ("GET", "/policies/%C3%A4", b"", "Member must satisfy regular expression pattern"),
        ("PUT", "/jobs/x/cancel", b'{"reasonCode": "no use"}', "Member must satisfy regular expression pattern"),
        ("POST", "/thing-groups/x", about("l\u00e4mp"), "Member must satisfy regular expression pattern"),
        ("POST", "/thing-groups/x", about("two\nlines"), "Member must satisfy regular expression pattern"),
        ("POST", "/tags", tagged("a#b"), "Member must satisfy regular expression pattern"),
        ("PUT", "/jobs/x", rolled_out_by("0.5"), "Member must have value greater than or equal to 1"),
        ("PUT", "/jobs/x", rolled_out_by("1e999"), "1e999 is not JSON"),
        ("PUT", "/jobs/x", rolled_out_by('"NaN"'), "Member must be a number"),
        ("PUT", "/jobs/x", rolled_out_by("9" * 400), "Member must be a number"),
    ],
)
def test_request_that_breaks_the_model_is_refused_in_words(ask, method, path, body, said):
    status, error, answer = ask(method, path, body)
    assert (status, error) == (400, "InvalidRequestException")
    assert said in answer["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/jobs/x/cancel", {"reasonCode": "NO_USE_2", "comment": "f\u00fcr\u00a0heute"}),
        ("POST", "/tags", json.loads(tagged("stra\u00dfe 7: a/b=c"))),
    ],
)
def test_text_that_fits_the_model_is_taken(ask, method, path, body):
    assert ask(method, path, json.dumps(body).encode())[:2] == (404, "ResourceNotFoundException")


def test_web_pages_are_refused(ask):
    status, error, _ = ask("POST", "/things/evil", Origin="https://example.com")
    assert (status, error) == (400, "InvalidRequestException")
    assert ask("GET", "/things/evil")[0] == 404


def test_huge_body_is_refused_and_the_server_goes_on(ask):
    status, error, _ = ask("POST", "/things/x", b"x" * (1024 * 1024 + 1))
    assert (status, error) == (413, "RequestEntityTooLargeException")
    assert ask("GET", "/things")[0] == 200


def test_documentation_lists_every_operation_and_no_other():
    text = (ROOT / "docs" / "local-aws-iot.md").read_text(encoding="utf-8")
    rows = [row.split("|")[2] for row in text.splitlines() if row.startswith("|")][2:]
    documented = [name.strip() for row in rows for name in row.split(",")]
    assert sorted(documented) == sorted(name for _, name in catalog.names())


def test_every_operation_is_one_of_the_service_models():
    models = ServiceModels()
    for service, name in catalog.names():
        assert models.operation(service, name).name == name
