"""Provisioning templates: the functions AWS has in them, and what is refused when a template is read."""

import json

import pytest

from tools.cloud.recipes import fleet_template
from tools.cloud.templates import TemplateError, parse

CERTIFICATE_ID = "a" * 64


def template(thing_name="x", **sections):
    body = {
        "Parameters": {"Serial": {"Type": "String"}, "Place": {"Type": "String", "Default": "hall"}},
        "Resources": {
            "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": thing_name}},
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}},
            },
        },
        **sections,
    }
    return json.dumps(body)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Serial"}, "a-b-c"),
        ({"Ref": "Place"}, "hall"),
        ({"Ref": "AWS::IoT::Certificate::Id"}, CERTIFICATE_ID),
        ({"Fn::Join": ["_", ["t", {"Ref": "Serial"}, {"Ref": "Place"}]]}, "t_a-b-c_hall"),
        ({"Fn::Join": ["", []]}, None),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "Serial"}]}]}, "b"),
        ({"Fn::Select": [0, ["first", "second"]]}, "first"),
        ({"Fn::FindInMap": ["Rooms", {"Ref": "Place"}, "code"]}, "H1"),
        ({"Fn::Sub": "t-${Serial}-${Place}"}, "t-a-b-c-hall"),
        ({"Fn::Sub": ["${Serial}.${Extra}", {"Extra": {"Ref": "Place"}}]}, "a-b-c.hall"),
        ({"Fn::Sub": "${!Serial}"}, "${Serial}"),
    ],
)
def test_functions_fill_in_parameters(expression, value):
    read = parse(template(expression, Mappings={"Rooms": {"hall": {"code": "H1"}}}))
    if value is None:
        with pytest.raises(TemplateError):
            read.evaluate({"Serial": "a-b-c"}, CERTIFICATE_ID)
    else:
        assert read.evaluate({"Serial": "a-b-c"}, CERTIFICATE_ID).thing.name == value


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ({"Ref": "Nobody"}, "Nobody"),
        ({"Fn::Upper": "x"}, "Fn::Upper"),
        ({"Ref": "Serial", "Fn::Join": ["", []]}, "not a function"),
        ({"Fn::Select": ["7", ["a"]]}, "7"),
        ({"Fn::Select": ["-1", ["a"]]}, "-1"),
        ({"Fn::Join": ["-", "text"]}, "list"),
        ({"Fn::Join": ["-"]}, "two"),
        ({"Fn::Split": ["", "text"]}, "delimiter"),
        ({"Fn::FindInMap": ["Rooms", "x", "y"]}, "Rooms"),
        ({"Fn::Sub": "${Nobody}"}, "Nobody"),
        (["a", "list"], "ThingName"),
        (17, "ThingName"),
    ],
)
def test_expression_that_makes_no_sense_is_told(expression, said):
    with pytest.raises(TemplateError, match=said):
        parse(template(expression)).evaluate({"Serial": "1"}, CERTIFICATE_ID)


def test_missing_parameters_are_named_and_unknown_ones_do_no_harm():
    read = parse(template({"Ref": "Serial"}))
    with pytest.raises(TemplateError, match="Missing parameters: Serial"):
        read.evaluate({}, CERTIFICATE_ID)
    assert read.evaluate({"Serial": "1", "Colour": "red"}, CERTIFICATE_ID).thing.name == "1"


def test_device_cannot_choose_the_certificate_by_a_parameter():
    plan = parse(template()).evaluate({"Serial": "1", "AWS::IoT::Certificate::Id": "b" * 64}, CERTIFICATE_ID)
    assert plan.certificate_id == CERTIFICATE_ID


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        (json.dumps({}), "exactly one"),
        (template(Outputs={}), "Outputs"),
        (template(Parameters={"Serial": {"Type": "Number"}}), "Serial"),
        (template(Resources={"x": {"Type": "AWS::S3::Bucket"}}), "AWS::S3::Bucket"),
        (template(Resources={"t": {"Type": "AWS::IoT::Thing", "Properties": {"BillingGroup": "b"}}}), "BillingGroup"),
        (template(Resources={"t": {"Type": "AWS::IoT::Thing", "Colour": "red"}}), "Colour"),
        (template(Resources=["x"]), "Resources"),
    ],
)
def test_template_that_cannot_work_is_refused_when_it_is_read(body, said):
    with pytest.raises(TemplateError, match=said):
        parse(body)


def test_template_of_the_recipe_names_the_thing_after_the_serial_number():
    plan = parse(json.dumps(fleet_template("thing-policy"))).evaluate({"SerialNumber": "0a1b"}, CERTIFICATE_ID)
    assert plan.thing.name == "device-0a1b"
    assert plan.certificate_status == "ACTIVE"
    assert [(policy.name, policy.document) for policy in plan.policies] == [("thing-policy", None)]
