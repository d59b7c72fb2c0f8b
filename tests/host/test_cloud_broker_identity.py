"""Who may connect and what it may do: certificates over TLS, the registry's answers, policies at every act."""

import socket
import ssl
import threading
from dataclasses import replace

import paho.mqtt.client as mqtt
import pytest

from tests.host.cloud_desk import ARN, TIMEOUT_S, Authority, Desk, MemoryRegistry
from tools.cloud import client_packets, packets
from tools.cloud.limits import Limits
from tools.cloud.packets import PINGREQ_PACKET, PINGRESP, PUBACK, Will


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority):
    return authority.issue("server", dns="localhost")


@pytest.fixture(scope="module")
def lamp(authority):
    return authority.issue("lamp")


@pytest.fixture
def desk(authority, server):
    with Desk(MemoryRegistry(), tls=authority.server_context(server)) as desk:
        yield desk


def allow(action, resource, effect="Allow"):
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]}


def answers_ping(client):
    client.send(PINGREQ_PACKET)
    return client.packet() == (PINGRESP, b"")


# ---- certificates ----


def test_a_registered_certificate_is_let_in(desk, authority, lamp):
    certificate_id = desk.registry.register(lamp)
    desk.client("lamp", authority.client_context(lamp))
    assert desk.wait_for("connected")["certificate"] == certificate_id


@pytest.mark.parametrize("status", ["INACTIVE", "REVOKED", "PENDING_TRANSFER"])
def test_an_inactive_certificate_is_cut_off(desk, authority, lamp, status):
    desk.registry.register(lamp, status=status)
    assert desk.client(tls=authority.client_context(lamp)).is_closed()
    assert status in desk.why("refused")


def test_an_unregistered_certificate_is_cut_off(desk, authority):
    stranger = authority.issue("stranger")
    assert desk.client(tls=authority.client_context(stranger)).is_closed()
    assert "not registered" in desk.why("refused")


def test_an_inactive_certificate_is_told_so_by_an_alert(desk, authority, lamp):
    desk.registry.register(lamp, status="INACTIVE")
    context = authority.client_context(lamp)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="alert certificate unknown"):
        desk.client(tls=context)


def test_no_certificate_fails_in_the_handshake(desk, authority):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client = desk.client(tls=authority.client_context(None))
        client.socket.recv(1)  # TLS 1.3 tells the client only here
        raise ConnectionError("closed without an alert")
    assert "certificate" in desk.wait_for("handshake_failed")["reason"].lower()


def test_a_certificate_of_another_authority_fails_in_the_handshake(desk, authority, tmp_path):
    forged = Authority(tmp_path, "another CA").issue("lamp")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client = desk.client(tls=authority.client_context(forged))
        client.socket.recv(1)
        raise ConnectionError("closed without an alert")
    desk.wait_for("handshake_failed")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls(desk, authority, lamp, version):
    desk.registry.register(lamp)
    context = authority.client_context(lamp)
    context.minimum_version = context.maximum_version = version
    client = desk.client("lamp", context)
    assert client.socket.version().replace(".", "_") == version.name
    assert answers_ping(client)


def test_the_servers_certificate_can_be_exchanged_while_it_runs(desk, authority, lamp):
    desk.registry.register(lamp)
    standing = desk.client("lamp", authority.client_context(lamp))
    wrong = authority.issue("elsewhere", dns="elsewhere.example")
    desk.broker.use(authority.server_context(wrong))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        desk.client(tls=authority.client_context(lamp))
    assert answers_ping(standing)


def test_a_client_that_does_not_name_the_server_can_be_refused(authority, server, lamp):
    limits = replace(Limits(), require_server_name=True)
    with Desk(MemoryRegistry(), limits=limits, tls=authority.server_context(server)) as desk:
        desk.registry.register(lamp)
        desk.client("lamp", authority.client_context(lamp))
        nameless = authority.client_context(lamp)
        nameless.check_hostname = False
        with (
            pytest.raises(ssl.SSLError),
            socket.create_connection(("127.0.0.1", desk.port), TIMEOUT_S) as connection,
        ):
            nameless.wrap_socket(connection)
        assert "callback" in desk.wait_for("handshake_failed")["reason"].lower()


def test_plain_bytes_on_the_tls_port_harm_nobody(desk, authority, lamp):
    desk.registry.register(lamp)
    rude = desk.client()
    rude.send(client_packets.connect("rude"))
    desk.wait_for("handshake_failed")
    assert answers_ping(desk.client("lamp", authority.client_context(lamp)))


# ---- policies ----


@pytest.fixture
def connect(desk, authority, lamp):
    """Connect as `lamp` with these policies, and permission to connect."""

    def connect(*policies, client_id="lamp", things=("lamp",), **options):
        desk.registry.register(lamp, allow("iot:Connect", "*"), *policies, things=things)
        return desk.client(client_id, authority.client_context(lamp), **options)

    return connect


def test_who_may_not_connect_gets_code_5(desk, authority, lamp):
    desk.registry.register(lamp, allow("iot:Connect", f"{ARN}:client/${{iot:Connection.Thing.ThingName}}"))
    client = desk.client(tls=authority.client_context(lamp))
    assert client.connect("lamp") == packets.NOT_AUTHORISED
    assert client.is_closed()
    desk.registry.register(
        lamp, allow("iot:Connect", f"{ARN}:client/${{iot:Connection.Thing.ThingName}}"), things=("lamp",)
    )
    desk.client("lamp", authority.client_context(lamp))


def test_a_policy_that_is_not_understood_allows_nothing(desk, authority, lamp):
    desk.registry.register(lamp, allow("iot:*", "*"), {"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]})
    client = desk.client(tls=authority.client_context(lamp))
    assert client.connect("lamp") == packets.NOT_AUTHORISED
    assert "not understood" in desk.why("refused")


def test_an_unauthorised_publish_closes_the_connection_without_puback(desk, connect):
    client = connect(allow("iot:Publish", f"{ARN}:topic/lamp/*"))
    client.publish("lamp/on", b"", 1, 1)
    assert client.packet() == (PUBACK, b"\x00\x01")
    client.publish("fan/on", b"", 1, 2)
    assert client.is_closed()
    assert "no statement allows iot:Publish" in desk.why("disconnected")


def test_an_unauthorised_subscription_closes_the_connection(desk, connect):
    client = connect(allow("iot:Subscribe", f"{ARN}:topicfilter/lamp/*"))
    client.subscribe(("lamp/#", 0))
    client.send(client_packets.subscribe(2, ("lamp/a", 0), ("#", 0)))
    assert client.is_closed()
    assert "iot:Subscribe" in desk.why("disconnected")


def test_retaining_needs_its_own_permission(desk, connect):
    client = connect(allow("iot:Publish", "*"), allow("iot:RetainPublish", f"{ARN}:topic/lamp/kept"))
    client.publish("lamp/kept", b"", 1, 1, retain=True)
    assert client.packet()[0] == PUBACK
    client.publish("lamp/other", b"", 1, 1)
    assert client.packet()[0] == PUBACK
    client.publish("lamp/other", b"", 1, 2, retain=True)
    assert client.is_closed()


@pytest.mark.parametrize("qos", [0, 1])
def test_what_may_not_be_received_is_silently_left_out(desk, connect, qos):
    client = connect(allow("iot:Subscribe", "*"), allow("iot:Receive", f"{ARN}:topic/mine"))
    client.subscribe(("+", qos))
    for topic in ("theirs", "mine"):
        desk.call(desk.broker.publish, topic, b"x", qos)
    assert client.message().topic == "mine"
    assert answers_ping(client)


def test_a_forbidden_last_will_refuses_the_connection(desk, authority, lamp):
    policy = allow("iot:Publish", f"{ARN}:topic/gone/lamp")
    desk.registry.register(lamp, allow("iot:Connect", "*"), policy, things=("lamp",))
    for times, (action, will) in enumerate(
        [("iot:Publish", Will("gone/secret", b"")), ("iot:RetainPublish", Will("gone/lamp", b"kept", retain=True))], 1
    ):
        client = desk.client(tls=authority.client_context(lamp))
        assert client.connect("lamp", will=will) == packets.NOT_AUTHORISED
        assert client.is_closed()
        assert f"its last will: no statement allows {action}" in desk.wait_for("refused", times)["detail"]


def test_a_last_will_that_has_been_forbidden_meanwhile_is_not_published(desk, connect, authority):
    watcher_pair = authority.issue("watcher")
    desk.registry.register(watcher_pair)
    watcher = desk.client("watcher", authority.client_context(watcher_pair))
    watcher.subscribe(("gone/#", 0))
    for number, what in enumerate((b"forbidden", b"allowed"), 1):
        with connect(allow("iot:Publish", f"{ARN}:topic/gone/lamp"), will=Will("gone/lamp", what)):
            certificate_id = desk.wait_for("connected", number + 1)["certificate"]
            if what == b"forbidden":
                desk.registry.change(certificate_id, policies=(allow("iot:Connect", "*"),))
                desk.call(desk.broker.identity_changed, certificate_id)
        desk.wait_for("disconnected", number)
    assert watcher.message().payload == b"allowed"


def test_a_changed_policy_counts_for_the_next_act_without_reconnecting(desk, connect):
    client = connect(allow("iot:Publish", f"{ARN}:topic/a"))
    client.publish("a", b"", 1, 1)
    assert client.packet()[0] == PUBACK
    certificate_id = desk.wait_for("connected")["certificate"]
    desk.registry.change(certificate_id, policies=(allow("iot:Publish", f"{ARN}:topic/b"),))
    desk.call(desk.broker.identity_changed, certificate_id)
    client.publish("b", b"", 1, 2)
    assert client.packet()[0] == PUBACK
    client.publish("a", b"", 1, 3)
    assert client.is_closed()


def test_a_deactivated_certificate_is_disconnected_others_stay(desk, connect, authority):
    other_pair = authority.issue("other")
    desk.registry.register(other_pair)
    other = desk.client("other", authority.client_context(other_pair))
    client = connect()
    certificate_id = desk.wait_for("connected", times=2)["certificate"]
    desk.registry.change(certificate_id, status="INACTIVE")
    assert desk.call(desk.broker.disconnect_certificate, certificate_id) == 1
    assert client.is_closed()
    assert answers_ping(other)


def test_a_foreign_certificate_cannot_take_over_a_client_id_it_may_not_use(desk, connect, authority):
    victim = connect()
    thief_pair = authority.issue("thief")
    desk.registry.register(thief_pair, allow("iot:Connect", f"{ARN}:client/thief"))
    thief = desk.client(tls=authority.client_context(thief_pair))
    assert thief.connect("lamp") == packets.NOT_AUTHORISED
    assert answers_ping(victim)


def test_variables_of_the_certificate(desk, connect):
    client = connect(allow("iot:Publish", f"{ARN}:topic/${{iot:Certificate.Subject.CommonName}}/x"))
    client.publish("lamp/x", b"", 1, 1)
    assert client.packet()[0] == PUBACK
    client.publish("test CA/x", b"", 1, 2)
    assert client.is_closed()


def test_a_client_library_learns_that_it_is_not_authorised(desk, authority, lamp):
    desk.registry.register(lamp, allow("iot:Connect", f"{ARN}:client/lamp", effect="Deny"))
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "lamp")
    client.tls_set_context(authority.client_context(lamp))
    told, codes = threading.Event(), []
    client.on_connect = lambda client, userdata, flags, reason, properties: (codes.append(str(reason)), told.set())
    client.connect("localhost", desk.port)
    client.loop_start()
    try:
        assert told.wait(TIMEOUT_S)
        assert codes[0] == "Not authorized"
    finally:
        client.disconnect()
        client.loop_stop()
