"""Policies: the decisions of AWS IoT's evaluation, and a clear error for what is not understood."""

import pytest

from tools.cloud.interfaces import Identity, Thing
from tools.cloud.packets import Connect, Will
from tools.cloud.policy import Authority, PolicyError, parse
from tools.cloud.policy_variables import ConnectionVariables

ARN = "arn:aws:iot:us-east-1:123456789012"
LAMP = Thing("lamp", "light", {"room": "kitchen"})


def statement(effect="Allow", action="iot:Publish", resource=f"{ARN}:topic/a", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


KEEPS_NOTHING = {"clean": False, "session_expiry_s": 0.0}


def decide(action, resource, *statements, client_id="lamp", things=(LAMP,), ip="192.0.2.7", clean=True, **connect):
    """What a connection of the thing `lamp` may do by these statements."""
    identity = Identity("f" * 64, f"{ARN}:cert/{'f' * 64}", things=things)
    variables = ConnectionVariables(identity, Connect(client_id, clean, **connect), ip, b"")
    return Authority((document(*statements),), variables).decide(action, f"{ARN}:{resource}").allowed


@pytest.mark.parametrize(
    ("resource", "asked", "expected"),
    [
        (f"{ARN}:topic/a/b", "topic/a/b", True),
        (f"{ARN}:topic/a/b", "topic/a/B", False),
        (f"{ARN}:topic/a/b", "topic/a/b/c", False),
        (f"{ARN}:topic/a/*", "topic/a/b/c", True),
        (f"{ARN}:topic/a/*", "topic/a/", True),
        (f"{ARN}:topic/a/*", "topic/a", False),
        (f"{ARN}:topic/a/?", "topic/a/b", True),
        (f"{ARN}:topic/a/?", "topic/a/bc", False),
        (f"{ARN}:topic/*/c", "topic/a/b/c", True),
        (f"{ARN}:topic/a.b", "topic/axb", False),
        (f"{ARN}:topic/a/+", "topic/a/b", False),
        (f"{ARN}:topic/a/#", "topic/a/b", False),
        (f"{ARN}:topicfilter/a", "topic/a", False),
        ("*", "topic/a", True),
        ("arn:aws:iot:*:*:topic/a", "topic/a", True),
        ("arn:aws:iot:eu-west-1:123456789012:topic/a", "topic/a", False),
        (f"{ARN}:topic/*$x", "topic/a$x", True),
    ],
)
def test_resources_match_with_wildcards(resource, asked, expected):
    assert decide("iot:Publish", asked, statement(resource=resource)) is expected


@pytest.mark.parametrize("asked", ["topicfilter/a/#", "topicfilter/a/+/b"])
def test_mqtt_wildcards_are_plain_characters(asked):
    assert decide("iot:Subscribe", asked, statement(action="iot:Subscribe", resource=f"{ARN}:{asked}"))
    assert decide("iot:Subscribe", asked, statement(action="iot:Subscribe", resource=f"{ARN}:topicfilter/a/*"))
    assert not decide("iot:Subscribe", asked, statement(action="iot:Subscribe", resource=f"{ARN}:topicfilter/a/b"))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("iot:Publish", True),
        ("IOT:publish", True),
        ("iot:*", True),
        ("iot:Pub*", True),
        ("*", True),
        (["iot:Connect", "iot:Publish"], True),
        ("iot:RetainPublish", False),
        ("iot:Publis", False),
        ("iot:Subscribe", False),
    ],
)
def test_actions_match_with_wildcards(action, expected):
    assert decide("iot:Publish", "topic/a", statement(action=action)) is expected


def test_nothing_is_allowed_by_silence():
    assert not decide("iot:Publish", "topic/b", statement())


def test_an_explicit_deny_wins_in_any_order():
    allow, deny = statement(resource="*"), statement("Deny")
    assert not decide("iot:Publish", "topic/a", allow, deny)
    assert not decide("iot:Publish", "topic/a", deny, allow)
    assert decide("iot:Publish", "topic/b", deny, allow)


def test_a_deny_of_another_policy_wins_too():
    variables = ConnectionVariables(Identity("f", f"{ARN}:cert/f"), Connect("x"), "", b"")
    authority = Authority((document(statement(resource="*")), document(statement("Deny"))), variables)
    decision = authority.decide("iot:Publish", f"{ARN}:topic/a")
    assert not decision.allowed
    assert "denies iot:Publish" in decision.reason


def test_a_statement_may_stand_alone_without_a_list():
    assert len(parse({"Version": "2012-10-17", "Statement": statement()})) == 1


THING_NAME = f"{ARN}:topic/${{iot:Connection.Thing.ThingName}}/*"


@pytest.mark.parametrize(
    ("asked", "client_id", "things", "expected"),
    [
        ("topic/lamp/on", "lamp", (LAMP,), True),
        ("topic/fan/on", "lamp", (LAMP,), False),
        ("topic/lamp/on", "lamp", (), False),
        ("topic/lamp/on", "fan", (LAMP,), False),
        ("topic/fan/on", "fan", (LAMP, Thing("fan")), True),
        ("topic//on", "fan", (LAMP,), False),
    ],
)
def test_the_thing_name_needs_client_id_and_attachment(asked, client_id, things, expected):
    assert decide("iot:Publish", asked, statement(resource=THING_NAME), client_id=client_id, things=things) is expected


def test_a_variable_without_value_spares_the_other_resources():
    both = statement(resource=[THING_NAME, f"{ARN}:topic/a"])
    assert decide("iot:Publish", "topic/a", both, things=())


def test_values_of_variables_are_no_wildcards():
    own = statement(action="iot:Publish", resource=f"{ARN}:topic/${{iot:ClientId}}/x")
    assert decide("iot:Publish", "topic/*/x", own, client_id="*")
    assert not decide("iot:Publish", "topic/lamp/x", own, client_id="*")


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("${iot:ClientId}", "lamp"),
        ("${iot:clientid}", "lamp"),
        ("${iot:Connection.Thing.ThingTypeName}", "light"),
        ("${iot:Connection.Thing.Attributes[room]}", "kitchen"),
        ("${aws:SourceIp}", "192.0.2.7"),
        ("${*}${?}${$}", "*?$"),
    ],
)
def test_variables_have_the_connections_values(template, value):
    assert decide("iot:Publish", f"topic/{value}", statement(resource=f"{ARN}:topic/{template}"))


@pytest.mark.parametrize(
    "name", ["iot:Unknown", "iot:Certificate.Subject.CommonName", "iot:Connection.Thing.Attributes[none]", ""]
)
def test_variables_without_a_value_match_nothing(name):
    assert not decide("iot:Publish", f"topic/${{{name}}}", statement(resource=f"{ARN}:topic/${{{name}}}"))
    assert not decide("iot:Publish", "topic/", statement(resource=f"{ARN}:topic/${{{name}}}"))


@pytest.mark.parametrize(
    ("condition", "options", "expected"),
    [
        ({"Bool": {"iot:Connection.Thing.IsAttached": "true"}}, {}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": ["true"]}}, {}, True),
        ({"Bool": {"iot:Connection.Thing.IsAttached": True}}, {"things": ()}, False),
        ({"Bool": {"iot:Connection.Thing.IsAttached": "false"}}, {"things": ()}, True),
        ({"StringEquals": {"iot:ClientId": ["fan", "lamp"]}}, {}, True),
        ({"StringEquals": {"iot:ClientId": "Lamp"}}, {}, False),
        ({"StringEqualsIgnoreCase": {"iot:ClientId": "Lamp"}}, {}, True),
        ({"StringNotEquals": {"iot:ClientId": ["fan", "lamp"]}}, {}, False),
        ({"StringLike": {"iot:ClientId": "l?m*"}}, {}, True),
        ({"StringNotLike": {"iot:ClientId": "l*"}}, {}, False),
        ({"StringEquals": {"iot:Connection.Thing.ThingTypeName": "light"}}, {"things": ()}, False),
        ({"StringNotEquals": {"iot:Connection.Thing.ThingTypeName": "light"}}, {"things": ()}, True),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {}, True),
        ({"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.7"]}}, {}, False),
        ({"StringEquals": {"iot:ClientId": "lamp"}, "Bool": {"iot:Connection.Thing.IsAttached": "false"}}, {}, False),
        ({"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["PersistentConnect"]}}, {"clean": False}, True),
        ({"ForAllValues:StringEquals": {"iot:ConnectAttributes": ["PersistentConnect"]}}, {}, True),
        ({"ForAllValues:StringNotEquals": {"iot:ConnectAttributes": ["PersistentConnect"]}}, {"clean": False}, False),
        # In MQTT 5 it is the expiry that keeps a session, with a clean start or without.
        (
            {"ForAnyValue:StringEquals": {"iot:ConnectAttributes": "PersistentConnect"}},
            {"session_expiry_s": 60.0},
            True,
        ),
        ({"ForAnyValue:StringEquals": {"iot:ConnectAttributes": "PersistentConnect"}}, KEEPS_NOTHING, False),
        ({"ForAnyValue:StringEquals": {"iot:ConnectAttributes": "LastWill"}}, {}, False),
        ({"ForAnyValue:StringEquals": {"iot:ConnectAttributes": "LastWill"}}, {"will": Will("w", b"")}, True),
    ],
)
def test_conditions_restrict_a_statement(condition, options, expected):
    assert decide("iot:Publish", "topic/a", statement(Condition=condition), **options) is expected


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ([], "JSON object"),
        ({"Statement": statement()}, "Version"),
        ({"Version": "2008-10-17", "Statement": statement()}, "Version"),
        ({"Version": "2012-10-17"}, "Statement"),
        (document(), "Statement"),
        (document("x"), r"Statement\[0\]"),
        (document(statement(), statement("allow")), r"Statement\[1\]\.Effect: 'allow'"),
        (document({"Effect": "Allow", "Resource": "*"}), r"Statement\[0\]\.Action"),
        (document({"Effect": "Allow", "Action": "iot:*"}), r"Statement\[0\]\.Resource"),
        (document(statement(action="Publish")), "service:Action"),
        (document(statement(resource=[])), "Resource"),
        (document({**statement(), "NotResource": "*"}), "NotResource is not supported"),
        (document({**statement(), "Principal": "*"}), "Principal is not supported"),
        (document(statement(Condition={"DateLessThan": {"aws:CurrentTime": "2030"}})), "DateLessThan is not supported"),
        (document(statement(Condition={"StringEqualsIfExists": {"iot:ClientId": "x"}})), "IfExists is not supported"),
        (document(statement(Condition={"Some:Bool": {"iot:ClientId": "x"}})), "Some:Bool is not supported"),
        (document(statement(Condition={"IpAddress": {"aws:SourceIp": "nonsense"}})), "nonsense"),
        (document(statement(Condition={"Bool": "true"})), "keys and values"),
        (document(statement(Condition={"StringEquals": {"iot:ClientId": []}})), "at least one value"),
        (document(statement(Condition={"StringEquals": {"iot:ClientId": "${x}"}})), "variables in the values"),
    ],
)
def test_what_is_not_understood_is_an_error_that_says_where(broken, message):
    with pytest.raises(PolicyError, match=message):
        parse(broken)
