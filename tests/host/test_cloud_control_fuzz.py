"""Whatever is sent to the control plane, it answers once, in words, and goes on."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.cloud import cbor, shapes
from tools.cloud.authority import CertificateAuthority, new_ec_key
from tools.cloud.aws_errors import AwsError, InvalidRequest
from tools.cloud.broker import silent
from tools.cloud.cloud_faults import CloudFaults
from tools.cloud.policies import check_document
from tools.cloud.provisioning import Provisioning
from tools.cloud.recipes import fleet_template
from tools.cloud.registry import Registry
from tools.cloud.service_models import ServiceModels
from tools.cloud.templates import TemplateError, parse
from tools.cloud.tokens import LIFETIME_S, OwnershipTokens

MODELS = ServiceModels()
CERTIFICATE_ID = "a" * 64
DEEP = "[" * 100_000
QUICK = settings(max_examples=100)

keys = st.sampled_from(
    [
        *("Parameters", "Mappings", "Resources", "DeviceConfiguration", "Type", "Properties", "OverrideSettings"),
        *("ThingName", "AttributePayload", "CertificateId", "Status", "PolicyName", "PolicyDocument", "Default"),
        "S",
        *("certificateOwnershipToken", "parameters", "certificateSigningRequest", "SerialNumber"),
        *("thingTypeName", "attributePayload", "attributes", "merge", "policyDocument", "templateBody"),
    ]
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.text(max_size=5),
    st.sampled_from(["String", "S", "AWS::IoT::Thing", "AWS::IoT::Certificate", "AWS::IoT::Policy", "${S}", "REPLACE"]),
)
functions = st.sampled_from(["Ref", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub", "Fn::FindInMap"])
documents = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys | st.text(max_size=3), inner, max_size=4),
        st.builds(lambda name, argument: {name: argument}, functions, inner),
    ),
    max_leaves=12,
)


def resources(expression):
    """A template that is whole but for the place where `expression` stands."""
    return {
        "Parameters": {"S": {"Type": "String"}},
        "Resources": {
            "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": expression}},
            "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": expression}},
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": "x", "Status": expression},
            },
        },
        "DeviceConfiguration": {"a": expression},
    }


@QUICK
@given(documents | documents.map(resources))
def test_template_is_read_and_evaluated_or_refused_in_words(document):
    try:
        parse(json.dumps(document)).evaluate({"S": "1-2"}, CERTIFICATE_ID)
    except TemplateError as error:
        assert str(error)


@pytest.mark.parametrize("body", [DEEP, '{"Resources": NaN}'])
def test_json_that_is_none_is_refused_as_a_template_and_as_a_policy(body):
    with pytest.raises(TemplateError):
        parse(body)
    with pytest.raises(AwsError):
        check_document(body)


class Asking:
    """One connection of a device, as a service sees it."""

    client_id = "fuzz"

    def __init__(self):
        self.answers = []

    def reply(self, topic, payload):
        self.answers.append((topic, payload))
        return True


@pytest.fixture
def provisioning(tmp_path):
    registry = Registry(tmp_path, CertificateAuthority.create("root"))
    registry.policies.create("thing", json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}))
    template = json.dumps(fleet_template("thing"))
    registry.templates.create("fleet", template, "arn:aws:iam::1:role/x", description="", enabled=True)
    yield Provisioning(registry, CloudFaults(), silent, fast_keys=True)
    registry.close()


STATEMENT = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
TOPICS = (
    "$aws/certificates/create/json",
    "$aws/certificates/create-from-csr/json",
    "$aws/provisioning-templates/fleet/provision/json",
    "$aws/provisioning-templates/nowhere/provision/json",
    "$aws/certificates/create/cbor",
)


@QUICK
@given(
    topic=st.sampled_from(TOPICS),
    payload=st.binary(max_size=50) | documents.map(lambda each: json.dumps(each).encode()),
)
def test_every_provisioning_request_has_exactly_one_answer(provisioning, topic, payload):
    asking = Asking()
    asyncio.run(provisioning.handle(asking, topic, payload))
    [(answered, answer)] = asking.answers
    assert answered in (f"{topic}/accepted", f"{topic}/rejected")
    if answered.endswith("json/rejected"):
        assert set(json.loads(answer)) == {"statusCode", "errorCode", "errorMessage"}


def test_endless_nesting_is_rejected(provisioning):
    asking = Asking()
    asyncio.run(provisioning.handle(asking, TOPICS[2], DEEP.encode()))
    assert json.loads(asking.answers[0][1])["errorCode"] == "InvalidJson"


def test_cbor_whose_parts_stand_for_one_another_is_refused():
    shared = [b"\xd8\x1c\x82\x01\x01", b"\xd8\x1c\x82\xd8\x1d\x00\xd8\x1d\x00"]  # [1, 1], twice in the second
    text = b"\xd9\x01\x00\x82\x63abc\xd8\x19\x00"  # "abc", again by its number
    for payload in (b"\x82" + b"".join(shared), text):
        with pytest.raises(ValueError, match="it is not CBOR that JSON could hold"):
            cbor.decode(payload)


OPERATIONS = (
    "CreateThing",
    "UpdateThing",
    "CreatePolicy",
    "CreateProvisioningTemplate",
    "CreateThingType",
    "ListThings",
)


@QUICK
@given(
    name=st.sampled_from(OPERATIONS),
    body=st.binary(max_size=20) | documents.map(lambda each: json.dumps(each).encode()),
    query=st.dictionaries(st.sampled_from(["maxResults", "nextToken"]), st.text(max_size=4)),
)
def test_request_is_read_or_refused_in_words(name, body, query):
    path = {"thingName": "t", "policyName": "p", "thingTypeName": "y"}
    try:
        shapes.read(MODELS.operation("iot", name), shapes.Request(path, query, {}, body))
    except InvalidRequest as error:
        assert error.message


def test_a_template_provisions_no_certificate_but_that_of_the_token(provisioning):
    registry = provisioning._registry
    other = registry.certificates.create(new_ec_key().public_key(), "INACTIVE")["id"]
    template = fleet_template("thing")
    template["Resources"]["certificate"]["Properties"]["CertificateId"] = {"Ref": "SerialNumber"}
    registry.templates.create("loose", json.dumps(template), "arn:aws:iam::1:role/x", description="", enabled=True)
    asking = Asking()
    asyncio.run(provisioning.handle(asking, TOPICS[0], b""))
    token = json.loads(asking.answers[0][1])["certificateOwnershipToken"]
    request = json.dumps({"certificateOwnershipToken": token, "parameters": {"SerialNumber": other}})
    asyncio.run(provisioning.handle(asking, TOPICS[2].replace("fleet", "loose"), request.encode()))
    assert json.loads(asking.answers[1][1])["errorCode"] == "AccessDenied"
    assert registry.certificates.get(other)["status"] == "INACTIVE"


def test_tokens_that_nobody_used_are_not_kept_for_ever(provisioning):
    registry, now = provisioning._registry, [0.0]
    tokens = OwnershipTokens(registry.store, lambda: now[0])
    certificate_id = registry.certificates.create(new_ec_key().public_key(), "INACTIVE")["id"]
    tokens.issue(certificate_id)
    now[0] += LIFETIME_S
    tokens.spend(tokens.issue(certificate_id))
    assert registry.store.rows("SELECT * FROM ownership_tokens") == []
