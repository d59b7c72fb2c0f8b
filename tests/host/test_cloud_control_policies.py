"""Policies through boto3: versions, attachments, and what is refused."""

import json

import pytest

ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]}
)


def test_policy_that_the_broker_would_not_understand_is_refused(iot, name):
    for document in ("{", "{}", ALLOW.replace("Allow", "Perhaps")):
        with pytest.raises(iot.exceptions.MalformedPolicyException):
            iot.create_policy(policyName=name, policyDocument=document)


def test_a_policy_has_versions_of_which_one_is_the_default(iot, name):
    iot.create_policy(policyName=name, policyDocument=ALLOW)
    deny = ALLOW.replace("Allow", "Deny")
    second = iot.create_policy_version(policyName=name, policyDocument=deny, setAsDefault=True)
    assert (second["policyVersionId"], second["isDefaultVersion"]) == ("2", True)
    assert iot.get_policy(policyName=name)["policyDocument"] == deny
    assert iot.get_policy_version(policyName=name, policyVersionId="1")["policyDocument"] == ALLOW
    for none in ("3", "0", "9" * 30):
        with pytest.raises(iot.exceptions.ResourceNotFoundException):
            iot.get_policy_version(policyName=name, policyVersionId=none)
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.delete_policy_version(policyName=name, policyVersionId="2")
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_policy(policyName=name)
    iot.set_default_policy_version(policyName=name, policyVersionId="1")
    iot.delete_policy_version(policyName=name, policyVersionId="2")
    listed = iot.list_policy_versions(policyName=name)["policyVersions"]
    assert [(each["versionId"], each["isDefaultVersion"]) for each in listed] == [("1", True)]
    iot.delete_policy(policyName=name)


def test_sixth_policy_version_is_refused(iot, name):
    iot.create_policy(policyName=name, policyDocument=ALLOW)
    for _ in range(4):
        iot.create_policy_version(policyName=name, policyDocument=ALLOW)
    with pytest.raises(iot.exceptions.VersionsLimitExceededException):
        iot.create_policy_version(policyName=name, policyDocument=ALLOW)


def test_policy_is_attached_and_detached(iot, certificate, name):
    arn = certificate["certificateArn"]
    iot.create_policy(policyName=name, policyDocument=ALLOW)
    iot.attach_policy(policyName=name, target=arn)
    iot.attach_policy(policyName=name, target=arn)
    assert [policy["policyName"] for policy in iot.list_attached_policies(target=arn)["policies"]] == [name]
    assert iot.list_targets_for_policy(policyName=name)["targets"] == [arn]
    assert iot.list_principal_policies(principal=arn)["policies"][0]["policyName"] == name
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_policy(policyName=name)
    iot.detach_policy(policyName=name, target=arn)
    assert iot.list_attached_policies(target=arn)["policies"] == []
    iot.delete_policy(policyName=name)


@pytest.mark.parametrize("target", ["arn:aws:iot:eu-central-1:123456789012:cert/abc", "arn:aws:iam::1:role/x", "x"])
def test_target_that_is_no_certificate_is_refused(iot, name, target):
    iot.create_policy(policyName=name, policyDocument=ALLOW)
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.attach_policy(policyName=name, target=target)


def test_what_a_certificate_may_do_is_told_without_connecting(iot, certificate, name):
    def policy(which, *statements):
        iot.create_policy(
            policyName=which, policyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        )

    topic = "arn:aws:iot:eu-central-1:123456789012:topic/"
    own = {"Effect": "Allow", "Action": "iot:Publish", "Resource": topic + "${iot:ClientId}/*"}
    policy(name + "-own", own)
    policy(name + "-not", {"Effect": "Deny", "Action": "iot:*", "Resource": topic + "lamp/secret"})
    arn = certificate["certificateArn"]
    iot.attach_policy(policyName=name + "-own", target=arn)

    def ask(*topics, action="PUBLISH", **more):
        info = {"actionType": action, "resources": [topic + each for each in topics]}
        [result] = iot.test_authorization(principal=arn, clientId="lamp", authInfos=[info], **more)["authResults"]
        return result

    allowed = ask("lamp/t")
    assert allowed["authDecision"] == "ALLOWED"
    assert [each["policyName"] for each in allowed["allowed"]["policies"]] == [name + "-own"]
    assert ask("lamp/t", "fan/t")["authDecision"] == "IMPLICIT_DENY"
    assert ask("lamp/t", action="RECEIVE")["authDecision"] == "IMPLICIT_DENY"
    assert ask("lamp/t", policyNamesToSkip=[name + "-own"])["authDecision"] == "IMPLICIT_DENY"
    denied = ask("lamp/secret", policyNamesToAdd=[name + "-not"])
    assert denied["authDecision"] == "EXPLICIT_DENY"
    assert [each["policyName"] for each in denied["denied"]["explicitDeny"]["policies"]] == [name + "-not"]
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.test_authorization(authInfos=[{"actionType": "CONNECT", "resources": ["*"]}])
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.test_authorization(principal=arn, authInfos=[{"resources": ["*"]}])
