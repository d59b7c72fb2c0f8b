"""Who may open a WebSocket at the local AWS IoT: whoever signs as AWS wants it. The oracle is botocore."""

import contextlib
import json

import pytest

from tests.host.cloud_websocket import Opening, presigned, signed_headers
from tools.cloud import LocalCloud
from tools.cloud.sigv4 import Gate, SignatureError


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


MISTAKES = {
    "another secret": ({"secret": "wrong"}, "InvalidSignatureException"),
    "another key": ({"key": "AKIDEXAMPLE"}, "UnrecognizedClientException"),
    "another region": ({"region": "us-east-1"}, "InvalidSignatureException"),
    "another service": ({"service": "iot"}, "InvalidSignatureException"),
    "expired": ({"expires_s": -1}, "InvalidSignatureException"),
    "a session token that is signed": ({"token": "token"}, "InvalidSignatureException"),
}


@pytest.fixture
def ask(cloud):
    """Ask for a WebSocket; all connections are closed at the end."""
    with contextlib.ExitStack() as made:
        yield lambda *asked, **more: made.enter_context(contextlib.closing(Opening(cloud, *asked, **more)))


@pytest.mark.parametrize(("mistake", "error"), MISTAKES.values(), ids=MISTAKES)
def test_who_signs_otherwise_is_refused(cloud, ask, mistake, error):
    opening = ask(target(presigned(cloud, **mistake)))
    assert (opening.status, opening.error) == (403, error)
    assert json.load(opening.response)["message"]


def test_who_does_not_sign_or_changes_what_is_signed_is_refused(cloud, ask):
    url = target(presigned(cloud))
    assert refusal(ask, "/mqtt") == "MissingAuthenticationTokenException"
    assert refusal(ask, url.replace("X-Amz-Date", "X-Date")) == "IncompleteSignatureException"
    assert refusal(ask, url.replace("Expires=60", "Expires=61")) == "InvalidSignatureException"
    assert refusal(ask, url, {"Host": "other"}) == "InvalidSignatureException"
    assert refusal(ask, "/mqtt", signed_headers(cloud, "wrong")) == "InvalidSignatureException"
    assert refusal(ask, "/mqtt", {"Authorization": "Bearer x"}) == "IncompleteSignatureException"


def test_a_signature_of_any_bytes_is_refused_in_words(cloud, ask):
    url = target(presigned(cloud))
    assert refusal(ask, url.replace("X-Amz-Signature=", "X-Amz-Signature=%C3%BC")) == "InvalidSignatureException"
    of_two = url.replace("SignedHeaders=host", "SignedHeaders=host%3Bx-name")
    assert refusal(ask, of_two, {"x-name": b"\xff"}) == "InvalidSignatureException"


def test_aws_first_sdks_sign_for_another_service_and_name_another_subprotocol(cloud, ask):
    opening = ask(target(presigned(cloud, service="iotdata")), subprotocol="mqttv3.1")
    assert (opening.status, opening.response.headers["Sec-WebSocket-Protocol"]) == (101, "mqttv3.1")


def test_signed_headers_and_a_session_token_beside_the_signature_are_good(cloud, ask):
    assert ask("/mqtt", signed_headers(cloud)).status == 101
    assert ask(target(presigned(cloud)) + "&X-Amz-Security-Token=token").status == 101


def test_another_subprotocol_and_another_path_are_no_websocket(cloud, ask):
    assert ask(target(presigned(cloud)), subprotocol="soap").status == 400
    assert ask(target(presigned(cloud)).replace("/mqtt", "/other")).status == 404


def test_what_is_signed_for_later_or_for_any_host_is_refused():
    now = 1_800_000_000.0
    gate, ahead = (Gate("eu-central-1", ["iotdevicegateway"], lambda at=at: at) for at in (now, now + 301))
    with pytest.raises(SignatureError, match="not yet current"):
        gate.check("GET", ahead.sign("/mqtt", "localhost", 60), {"host": "localhost"})
    for_any = gate.sign("/mqtt", "localhost", 60).replace("SignedHeaders=host", "SignedHeaders=x-name")
    with pytest.raises(SignatureError, match="host must be there"):
        gate.check("GET", for_any, {"host": "localhost", "x-name": "x"})


def target(url):
    return url[url.index("/mqtt") :]


def refusal(ask, url, headers=None):
    opening = ask(url, headers)
    assert opening.status == 403
    return opening.error
