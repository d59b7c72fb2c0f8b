"""A fleet, set up through boto3: works unchanged against the local AWS IoT and against AWS.

    fleet = create_fleet(iot)               # iot: boto3.client("iot") or LocalCloud.iot()
    fleet.template, fleet.claim_cert_pem, fleet.claim_key_pem

The claim certificate, the same for all devices, may provision and nothing else. A thing may use what carries its own
name, and only when it connects with its thing name as client id: `devices/NAME/...`, its shadows, its jobs and its
Device Defender metrics.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

_THING = "${iot:Connection.Thing.ThingName}"
_THING_PREFIX = "device"


@dataclass(frozen=True)
class Fleet:
    template: str
    claim_cert_pem: str
    claim_key_pem: str
    claim_certificate_arn: str
    claim_policy: str  # names of policies
    thing_policy: str

    @staticmethod
    def thing_name(serial: str) -> str:
        """How `fleet_template` names the device with this serial number."""
        return f"{_THING_PREFIX}-{serial}"


@dataclass(frozen=True)
class Credentials:
    cert_pem: str
    key_pem: str
    certificate_arn: str


def create_fleet(iot, template: str = "fleet", role_arn: str | None = None, hook_arn: str | None = None) -> Fleet:
    """Make claim certificate, policies and provisioning template, all named after `template`.

    `role_arn` is an IAM role that AWS IoT may assume to provision (managed policy AWSIoTThingsRegistration); AWS
    needs a real one, the local AWS IoT takes any. `hook_arn` is the function that decides who may (see `hooks`). What
    a call refuses comes as boto3's exception, such as `iot.exceptions.ResourceAlreadyExistsException` when there is
    such a fleet already; what was made until then is taken away again.
    """
    with new_fleet(iot, template, role_arn, hook_arn) as fleet:
        return fleet


@contextlib.contextmanager
def new_fleet(iot, template: str, role_arn: str | None = None, hook_arn: str | None = None) -> Iterator[Fleet]:
    """`create_fleet` for whoever has to keep the claim's key: it is taken away again, too, when the block fails."""
    with contextlib.ExitStack() as undo:
        yield _create_fleet(iot, template, role_arn, hook_arn, undo)
        undo.pop_all()


def _create_fleet(iot, template, role_arn, hook_arn, undo):
    claim_policy_name, thing_policy_name = f"{template}-claim", f"{template}-thing"
    claim = _create_credentials(iot, active=False)  # until all is there: half a fleet can do nothing
    certificate = claim.certificate_arn.rpartition("/")[2]
    undo.callback(_without_a_word, iot.delete_certificate, certificateId=certificate, forceDelete=True)
    region, account = claim.certificate_arn.split(":")[3:5]
    for name, document in (
        (claim_policy_name, claim_policy(region, account, template)),
        (thing_policy_name, thing_policy(region, account)),
    ):
        iot.create_policy(policyName=name, policyDocument=json.dumps(document))
        undo.callback(_without_a_word, iot.delete_policy, policyName=name)
    iot.create_provisioning_template(
        templateName=template,
        templateBody=json.dumps(fleet_template(thing_policy_name)),
        enabled=True,
        provisioningRoleArn=role_arn or f"arn:aws:iam::{account}:role/FleetProvisioning",
        **({"preProvisioningHook": {"targetArn": hook_arn}} if hook_arn else {}),
    )
    undo.callback(_without_a_word, iot.delete_provisioning_template, templateName=template)
    iot.attach_policy(policyName=claim_policy_name, target=claim.certificate_arn)
    undo.callback(_without_a_word, iot.detach_policy, policyName=claim_policy_name, target=claim.certificate_arn)
    undo.callback(_without_a_word, iot.update_certificate, certificateId=certificate, newStatus="INACTIVE")
    iot.update_certificate(certificateId=certificate, newStatus="ACTIVE")
    return Fleet(template, claim.cert_pem, claim.key_pem, claim.certificate_arn, claim_policy_name, thing_policy_name)


def has_fleet(iot, template: str) -> bool:
    """Whether `create_fleet` has made one of this name, which may have lost its template since."""
    try:
        iot.get_policy(policyName=f"{template}-claim")
    except iot.exceptions.ResourceNotFoundException:
        return False
    return True


def create_claim(iot, template: str) -> Credentials:
    """One more claim certificate for a fleet that is there."""
    claim = _create_credentials(iot)
    iot.attach_policy(policyName=f"{template}-claim", target=claim.certificate_arn)
    return claim


def _without_a_word(call, **arguments):
    # What went wrong before is what is told, not that somebody may make things and not delete them.
    with contextlib.suppress(ClientError, BotoCoreError):
        call(**arguments)


def create_thing(iot, name: str, policy: str) -> Credentials:
    """A thing with a certificate of its own and an existing policy, without provisioning."""
    credentials = _create_credentials(iot)
    iot.attach_policy(policyName=policy, target=credentials.certificate_arn)
    iot.create_thing(thingName=name)
    iot.attach_thing_principal(thingName=name, principal=credentials.certificate_arn)
    return credentials


def create_operator(iot, name: str = "operator") -> Credentials:
    """A person's or a program's certificate, without a thing: reads and tells all devices.

    It connects as `name` or as `name-...`; its policy is called `name`, too.
    """
    credentials = _create_credentials(iot)
    region, account = credentials.certificate_arn.split(":")[3:5]
    iot.create_policy(policyName=name, policyDocument=json.dumps(operator_policy(region, account, name)))
    iot.attach_policy(policyName=name, target=credentials.certificate_arn)
    return credentials


def operator_policy(region: str, account: str, name: str) -> dict:
    """May connect as `name` or `name-...`, use what devices use (`devices/...`, `$aws/things/...`) and hear events."""
    return _document(region, account, [name, f"{name}-*"], ["devices/*", "$aws/things/*", "$aws/events/*"])


def _create_credentials(iot, active: bool = True) -> Credentials:
    made = iot.create_keys_and_certificate(setAsActive=active)
    return Credentials(made["certificatePem"], made["keyPair"]["PrivateKey"], made["certificateArn"])


def claim_policy(region: str, account: str, template: str) -> dict:
    """May connect under any name and provision by this template; nothing else."""
    topics = ["$aws/certificates/create/*", f"$aws/provisioning-templates/{template}/provision/*"]
    return _document(region, account, ["*"], topics)


def trusted_user_policy(region: str, account: str, template: str) -> dict:
    """What a claim of CreateProvisioningClaim may do: also send a request of its own for the certificate."""
    topics = [f"$aws/certificates/{verb}/*" for verb in ("create", "create-from-csr")]
    return _document(region, account, ["*"], [*topics, f"$aws/provisioning-templates/{template}/provision/*"])


def thing_policy(region: str, account: str) -> dict:
    """May connect as the thing that the certificate is attached to, and use what carries its name."""
    services = [f"$aws/things/{_THING}/{service}/*" for service in ("shadow", "jobs", "defender/metrics")]
    topics = [f"devices/{_THING}/*", *services]
    return _document(region, account, [_THING], topics)


def fleet_template(thing_policy_name: str) -> dict:
    """A template that names the thing `device-SERIAL` and keeps serial number and hardware as its attributes."""
    return {
        "Parameters": {
            "SerialNumber": {"Type": "String"},
            "HardwareVersion": {"Type": "String", "Default": "unknown"},
            "AWS::IoT::Certificate::Id": {"Type": "String"},
        },
        "Resources": {
            "thing": {
                "Type": "AWS::IoT::Thing",
                "OverrideSettings": {"AttributePayload": "MERGE", "ThingTypeName": "REPLACE"},
                "Properties": {
                    "ThingName": {"Fn::Join": ["-", [_THING_PREFIX, {"Ref": "SerialNumber"}]]},
                    "AttributePayload": {
                        "serial": {"Ref": "SerialNumber"},
                        "hardware": {"Ref": "HardwareVersion"},
                    },
                },
            },
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
            },
            "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": thing_policy_name}},
        },
        "DeviceConfiguration": {},
    }


def _document(region: str, account: str, client_ids: Sequence[str], topics: Sequence[str]) -> dict:
    def arns(kind: str, names: Sequence[str]) -> list[str]:
        return [f"arn:aws:iot:{region}:{account}:{kind}/{name}" for name in names]

    statements = [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": arns("client", client_ids)},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": arns("topic", topics)},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": arns("topicfilter", topics)},
    ]
    if own := [topic for topic in topics if not topic.startswith("$aws/")]:  # reserved topics retain nothing
        statements.append({"Effect": "Allow", "Action": "iot:RetainPublish", "Resource": arns("topic", own)})
    return {"Version": "2012-10-17", "Statement": statements}
