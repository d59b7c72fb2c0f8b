"""AWS's own client, awsiotsdk, against the local AWS IoT: it does not know that it is not AWS."""

import json
import queue

import pytest
from awscrt import mqtt
from awscrt.exceptions import AwsCrtError
from awsiot import iotidentity, mqtt_connection_builder
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools.cloud import LocalCloud, authority
from tools.cloud.recipes import create_fleet, create_thing

TIMEOUT_S = 20
QOS1 = mqtt.QoS.AT_LEAST_ONCE


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def fleet(cloud):
    return create_fleet(cloud.iot())


class Device:
    """A connection of awsiotsdk, and what interrupted it."""

    def __init__(self, cloud, client_id, certificate, key, clean_session=True):
        self.interrupted = queue.Queue()
        self.connection = mqtt_connection_builder.mtls_from_bytes(
            endpoint=cloud.endpoint,
            port=cloud.mqtt_port,
            cert_bytes=certificate.encode(),
            pri_key_bytes=key.encode(),
            ca_bytes=cloud.ca_file.read_bytes(),
            client_id=client_id,
            clean_session=clean_session,
            on_connection_interrupted=lambda connection, error, **_: self.interrupted.put(error),
        )

    def __enter__(self):
        self.session_present = self.connection.connect().result(TIMEOUT_S)["session_present"]
        return self

    def __exit__(self, *_):
        self.connection.disconnect().result(TIMEOUT_S)

    def publish(self, topic, payload):
        self.connection.publish(topic, payload, QOS1)[0].result(TIMEOUT_S)

    def subscribe(self, topic):
        arrived = queue.Queue()
        future, _ = self.connection.subscribe(topic, QOS1, lambda topic, payload, **_: arrived.put((topic, payload)))
        future.result(TIMEOUT_S)
        return arrived


class Identity:
    """awsiotsdk's fleet provisioning client, its callbacks made into answers."""

    def __init__(self, device, template):
        self._client = iotidentity.IotIdentityClient(device.connection)
        self._template = template
        self.answers = queue.Queue()
        self._listen("create_keys_and_certificate", iotidentity.CreateKeysAndCertificateSubscriptionRequest())
        self._listen("register_thing", iotidentity.RegisterThingSubscriptionRequest(template_name=template))

    def _listen(self, operation, request):
        for end in ("accepted", "rejected"):
            subscribe = getattr(self._client, f"subscribe_to_{operation}_{end}")
            subscribe(request, QOS1, self.answers.put)[0].result(TIMEOUT_S)

    def create_keys(self):
        request = iotidentity.CreateKeysAndCertificateRequest()
        self._client.publish_create_keys_and_certificate(request, QOS1).result(TIMEOUT_S)
        return self.answers.get(timeout=TIMEOUT_S)

    def create_from_csr(self, csr):
        self._listen("create_certificate_from_csr", iotidentity.CreateCertificateFromCsrSubscriptionRequest())
        request = iotidentity.CreateCertificateFromCsrRequest(certificate_signing_request=csr)
        self._client.publish_create_certificate_from_csr(request, QOS1).result(TIMEOUT_S)
        return self.answers.get(timeout=TIMEOUT_S)

    def register(self, token, parameters):
        request = iotidentity.RegisterThingRequest(
            template_name=self._template, certificate_ownership_token=token, parameters=parameters
        )
        self._client.publish_register_thing(request, QOS1).result(TIMEOUT_S)
        return self.answers.get(timeout=TIMEOUT_S)


def test_factory_new_device_becomes_a_thing(cloud, fleet):
    with Device(cloud, "factory-new", fleet.claim_cert_pem, fleet.claim_key_pem) as device:
        identity = Identity(device, fleet.template)
        created = identity.create_keys()
        assert created.private_key.startswith("-----BEGIN RSA PRIVATE KEY-----")
        registered = identity.register(created.certificate_ownership_token, {"SerialNumber": "0a1b2c"})
    assert registered.thing_name == "device-0a1b2c"

    described = cloud.iot().describe_thing(thingName="device-0a1b2c")
    assert described["attributes"] == {"serial": "0a1b2c", "hardware": "unknown"}
    principals = cloud.iot().list_thing_principals(thingName="device-0a1b2c")["principals"]
    assert [arn.rpartition("/")[2] for arn in principals] == [created.certificate_id]

    with Device(cloud, registered.thing_name, created.certificate_pem, created.private_key) as device:
        arrived = device.subscribe("devices/device-0a1b2c/echo")
        device.publish("devices/device-0a1b2c/echo", b"at work")
        assert arrived.get(timeout=TIMEOUT_S) == ("devices/device-0a1b2c/echo", b"at work")


def test_device_that_keeps_its_own_key_is_provisioned_by_request(cloud, fleet):
    arn = "arn:aws:iot:*:*:%s/$aws/certificates/create-from-csr/*"
    statements = [
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": arn % "topic"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": arn % "topicfilter"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    cloud.iot().create_policy(policyName="csr", policyDocument=document)
    cloud.iot().attach_policy(policyName="csr", target=fleet.claim_certificate_arn)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "own key")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())

    with Device(cloud, "factory-new", fleet.claim_cert_pem, fleet.claim_key_pem) as device:
        identity = Identity(device, fleet.template)
        created = identity.create_from_csr(csr.public_bytes(serialization.Encoding.PEM).decode())
        registered = identity.register(created.certificate_ownership_token, {"SerialNumber": "own-key"})
    with Device(cloud, registered.thing_name, created.certificate_pem, authority.key_pem(key)) as device:
        device.publish("devices/device-own-key/state", b"on")


def test_token_is_good_for_one_thing(cloud, fleet):
    with Device(cloud, "factory-new", fleet.claim_cert_pem, fleet.claim_key_pem) as device:
        identity = Identity(device, fleet.template)
        token = identity.create_keys().certificate_ownership_token
        assert identity.register(token, {"SerialNumber": "once"}).thing_name == "device-once"
        again = identity.register(token, {"SerialNumber": "twice"})
    assert (again.status_code, again.error_code) == (400, "InvalidCertificateOwnershipToken")


def test_certificate_is_of_no_use_before_the_thing_is_registered(cloud, fleet):
    with Device(cloud, "factory-new", fleet.claim_cert_pem, fleet.claim_key_pem) as device:
        created = Identity(device, fleet.template).create_keys()
    described = cloud.iot().describe_certificate(certificateId=created.certificate_id)
    assert described["certificateDescription"]["status"] == "PENDING_ACTIVATION"
    too_early = Device(cloud, "too-early", created.certificate_pem, created.private_key)
    with pytest.raises(AwsCrtError):
        too_early.connection.connect().result(TIMEOUT_S)


def test_deactivating_a_certificate_ends_its_connection(cloud, fleet):
    iot = cloud.iot()
    own = create_thing(iot, "lamp", fleet.thing_policy)
    with Device(cloud, "lamp", own.cert_pem, own.key_pem) as device:
        device.publish("devices/lamp/state", b"on")
        iot.update_certificate(certificateId=own.certificate_arn.rpartition("/")[2], newStatus="INACTIVE")
        assert device.interrupted.get(timeout=TIMEOUT_S) is not None


def test_message_sent_over_http_arrives_at_the_device(cloud, fleet):
    own = create_thing(cloud.iot(), "bell", fleet.thing_policy)
    with Device(cloud, "bell", own.cert_pem, own.key_pem) as device:
        arrived = device.subscribe("devices/bell/command")
        cloud.iot_data().publish(topic="devices/bell/command", qos=1, payload=json.dumps({"ring": 3}))
        assert arrived.get(timeout=TIMEOUT_S) == ("devices/bell/command", b'{"ring": 3}')


def test_session_outlasts_a_restart_of_the_cloud(cloud, fleet):
    own = create_thing(cloud.iot(), "sleeper", fleet.thing_policy)
    with Device(cloud, "sleeper", own.cert_pem, own.key_pem, clean_session=False) as device:
        assert not device.session_present
        device.subscribe("devices/sleeper/command")
    cloud.stop()
    cloud.start()
    with Device(cloud, "sleeper", own.cert_pem, own.key_pem, clean_session=False) as device:
        assert device.session_present
