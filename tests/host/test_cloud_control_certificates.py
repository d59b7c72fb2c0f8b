"""Certificates through boto3: as AWS makes them, and when they may be changed and deleted."""

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tools.cloud import LocalCloud

ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]}
)


def test_certificate_is_as_aws_makes_it(tmp_path):
    with LocalCloud(tmp_path) as cloud:
        made = cloud.iot().create_keys_and_certificate()
        ca = x509.load_pem_x509_certificate(cloud.ca_file.read_bytes())
    certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
    key = serialization.load_pem_private_key(made["keyPair"]["PrivateKey"].encode(), None)
    certificate.verify_directly_issued_by(ca)
    assert isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048
    assert key.public_key() == certificate.public_key()
    assert made["keyPair"]["PrivateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert made["certificateId"] == certificate.fingerprint(hashes.SHA256()).hex()
    assert made["certificateArn"] == f"arn:aws:iot:eu-central-1:123456789012:cert/{made['certificateId']}"


def test_certificate_begins_inactive_unless_it_is_asked_for(iot, certificate):
    quiet = iot.create_keys_and_certificate()
    for each, status in ((quiet, "INACTIVE"), (certificate, "ACTIVE")):
        described = iot.describe_certificate(certificateId=each["certificateId"])["certificateDescription"]
        assert described["status"] == status
        assert described["certificatePem"] == each["certificatePem"]
        assert described["validity"]["notAfter"].year in (2049, 2050)  # in local time


def test_certificate_from_a_request_has_its_key(iot):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "mine")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    made = iot.create_certificate_from_csr(
        certificateSigningRequest=csr.public_bytes(serialization.Encoding.PEM).decode()
    )
    assert x509.load_pem_x509_certificate(made["certificatePem"].encode()).public_key() == key.public_key()


REQUEST = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"


@pytest.mark.parametrize("request_pem", ["rubbish", REQUEST])
def test_request_that_cannot_be_read_is_refused(iot, request_pem):
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.create_certificate_from_csr(certificateSigningRequest=request_pem)


def test_active_certificate_cannot_be_deleted(iot, certificate):
    with pytest.raises(iot.exceptions.CertificateStateException):
        iot.delete_certificate(certificateId=certificate["certificateId"])
    iot.update_certificate(certificateId=certificate["certificateId"], newStatus="INACTIVE")
    iot.delete_certificate(certificateId=certificate["certificateId"])
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_certificate(certificateId=certificate["certificateId"])


def test_certificate_with_a_policy_is_deleted_only_by_force(iot, certificate, name):
    iot.create_policy(policyName=name, policyDocument=ALLOW)
    iot.attach_policy(policyName=name, target=certificate["certificateArn"])
    iot.update_certificate(certificateId=certificate["certificateId"], newStatus="INACTIVE")
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_certificate(certificateId=certificate["certificateId"])
    iot.delete_certificate(certificateId=certificate["certificateId"], forceDelete=True)
    assert iot.list_targets_for_policy(policyName=name)["targets"] == []


def test_certificate_of_a_thing_is_not_deleted_even_by_force(iot, certificate, name):
    iot.create_thing(thingName=name)
    iot.attach_thing_principal(thingName=name, principal=certificate["certificateArn"])
    iot.update_certificate(certificateId=certificate["certificateId"], newStatus="INACTIVE")
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_certificate(certificateId=certificate["certificateId"], forceDelete=True)


def test_revoked_certificate_stays_revoked(iot, certificate):
    iot.update_certificate(certificateId=certificate["certificateId"], newStatus="REVOKED")
    with pytest.raises(iot.exceptions.CertificateStateException):
        iot.update_certificate(certificateId=certificate["certificateId"], newStatus="ACTIVE")


def test_registering_a_certificate_twice_is_refused_and_tells_which_it_is(iot, certificate):
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException) as refused:
        iot.register_certificate_without_ca(certificatePem=certificate["certificatePem"], status="ACTIVE")
    told = refused.value.response
    assert told["resourceArn"] == certificate["certificateArn"]
    assert told["resourceId"] == certificate["certificateId"]
