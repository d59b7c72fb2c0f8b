"""Who may open a WebSocket at the local AWS IoT: whoever signs as AWS wants it. The oracle is botocore."""

import json

import pytest

from tests.host.cloud_websocket import Opening, presigned, signed_headers
from tools.cloud import LocalCloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


MISTAKES = {
    "another secret": ({"secret": "wrong"}, "InvalidSignatureException"),
    "another key": ({"key": "AKIDEXAMPLE"}, "UnrecognizedClientException"),
    "another region": ({"region": "us-east-1"}, "InvalidSignatureException"),
    "another service": ({"service": "iotdata"}, "InvalidSignatureException"),
    "expired": ({"expires_s": -1}, "InvalidSignatureException"),
    "a session token that is signed": ({"token": "token"}, "InvalidSignatureException"),
}


@pytest.mark.parametrize(("mistake", "error"), MISTAKES.values(), ids=MISTAKES)
def test_who_signs_otherwise_is_refused(cloud, mistake, error):
    opening = Opening(cloud, target(presigned(cloud, **mistake)))
    assert (opening.status, opening.error) == (403, error)
    assert json.load(opening.response)["message"]


def test_who_does_not_sign_or_changes_what_is_signed_is_refused(cloud):
    url = target(presigned(cloud))
    assert refusal(cloud, "/mqtt") == "MissingAuthenticationTokenException"
    assert refusal(cloud, url.replace("X-Amz-Date", "X-Date")) == "IncompleteSignatureException"
    assert refusal(cloud, url.replace("Expires=60", "Expires=61")) == "InvalidSignatureException"
    assert refusal(cloud, url, {"Host": "other"}) == "InvalidSignatureException"
    assert refusal(cloud, "/mqtt", signed_headers(cloud, "wrong")) == "InvalidSignatureException"
    assert refusal(cloud, "/mqtt", {"Authorization": "Bearer x"}) == "IncompleteSignatureException"


def test_signed_headers_and_a_session_token_beside_the_signature_are_good(cloud):
    assert Opening(cloud, "/mqtt", signed_headers(cloud)).status == 101
    assert Opening(cloud, target(presigned(cloud)) + "&X-Amz-Security-Token=token").status == 101


def test_another_subprotocol_and_another_path_are_no_websocket(cloud):
    assert Opening(cloud, target(presigned(cloud)), subprotocol="soap").status == 400
    assert Opening(cloud, target(presigned(cloud)).replace("/mqtt", "/other")).status == 404


def target(url):
    return url[url.index("/mqtt") :]


def refusal(cloud, url, headers=None):
    opening = Opening(cloud, url, headers)
    assert opening.status == 403
    return opening.error
