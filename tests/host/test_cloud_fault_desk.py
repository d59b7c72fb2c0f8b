"""Faults ordered from outside: over HTTP, and by the verbs of the command line and the console."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from tools.cloud import LocalCloud, fault_verbs
from tools.cloud.fault_desk import KINDS


@pytest.fixture(scope="module")
def whole_cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


@pytest.fixture
def cloud(whole_cloud):
    """The cloud, without faults."""
    yield whole_cloud
    whole_cloud.faults.clear()


@pytest.fixture
def ask(cloud):
    """One request to /_local: status and document."""

    def send(method, path="/_local/faults", body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", cloud.control_port, timeout=20)
        try:
            connection.request(method, path, body if isinstance(body, bytes | None) else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return send


ORDERS = (
    {"kind": "no_puback", "client_id": "lamp", "packets": 2},
    {"kind": "slow", "amount": 0.5},
    {"kind": "close_after_connack", "connections": 3},
    {"kind": "service_throttled", "service": "jobs", "packets": 1},
    {"kind": "files.cut", "amount": 1000, "times": 2},
    {"kind": "files.redirect", "target": "https://elsewhere/", "times": 1},
    {"kind": "certificate", "value": "wrong_name"},
    {"kind": "files.certificate", "value": "expired"},
    {"kind": "throttle_provisioning", "packets": 3},
)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order["kind"])
def test_what_is_ordered_is_listed_and_ends(ask, order):
    status, document = ask("POST", body=order)
    assert (status, document["orders"]) == (200, [order])
    assert ask("GET")[1]["orders"] == [order]
    assert ask("DELETE", "/_local/faults?kind=no_pingresp")[1]["orders"] == [order], "it is of another kind"
    assert ask("DELETE", f"/_local/faults?kind={order['kind']}")[1]["orders"] == []


def test_what_is_ordered_happens(ask, cloud):
    ask("POST", body={"kind": "certificate", "value": "expired"})
    ask("POST", body={"kind": "no_puback", "client_id": "lamp", "packets": 2})
    assert cloud.faults.certificate == "expired"
    [order] = cloud.faults.orders()
    assert (order.kind, order.client_id, order.packets) == ("no_puback", "lamp", 2)
    assert ask("DELETE")[1]["orders"] == []
    assert cloud.faults.certificate is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", ""),
        (b"[]", "no JSON object"),
        ({}, "no fault is called None"),
        ({"kind": "earthquake"}, "no_connack"),
        ({"kind": ["no_connack"]}, "no fault is called"),
        ({"kind": "no_connack", "packets": "2"}, "packets='2'"),
        ({"kind": "no_connack", "packets": True}, "packets=True"),
        ({"kind": "no_connack", "packets": 0}, "packets=0"),
        ({"kind": "no_connack", "colour": "red"}, "colour"),
        ({"kind": "no_connack", "target": "x"}, "does not take all of target"),
        ({"kind": "slow"}, "amount"),
        ({"kind": "certificate"}, "certificate needs to be told more: the server shows"),
        ({"kind": "certificate", "value": "torn"}, "wrong_name"),
        ({"kind": "throttle_provisioning", "packets": -1}, "-1"),
        ({"kind": "files.redirect"}, "target"),
    ],
)
def test_orders_that_make_no_sense_are_refused_in_words(ask, body, said):
    status, document = ask("POST", body=body)
    assert status == 400
    assert said in document["message"]
    assert ask("GET")[1]["orders"] == []


def test_web_pages_order_nothing(ask):
    status, document = ask("POST", body=ORDERS[0], Origin="https://somewhere.example")
    assert (status, document["message"]) == (400, "Requests from web pages are refused")


def test_other_paths_and_methods(ask):
    assert ask("GET", "/_local/earthquakes")[0] == 405
    assert ask("PUT", body=ORDERS[0])[0] == 405
    assert ask("DELETE", "/_local/faults?kind=earthquake")[0] == 400


# ---- the verbs ----


@pytest.fixture
def verb(cloud, tmp_path):
    """Run a verb against the cloud: its exit status and what it says."""
    (tmp_path / "control-url").write_text(cloud.control_url + "\n")

    def run(*words, folder=tmp_path):
        done = CliRunner().invoke(fault_verbs.app, [*words, "--folder", str(folder)])
        return done.exit_code, done.output + str(done.exception or "")

    return run


def test_a_fault_is_ordered_listed_and_healed(verb, cloud):
    code, said = verb("fault", "no_puback", "--client", "lamp", "--packets", "2")
    assert (code, said) == (0, "ordered: no_puback client_id=lamp packets=2\n")
    verb("fault", "slow", "--amount", "0.5")
    verb("fault", "files.cut", "--amount", "1000")
    verb("fault", "certificate", "--value", "expired")
    code, said = verb("faults")
    assert all(kind in said for kind in KINDS)
    assert [line for line in said.splitlines() if line.startswith("ordered")] == [
        "ordered: no_puback client_id=lamp packets=2",
        "ordered: slow amount=0.5",
        "ordered: files.cut amount=1000 times=1",
        "ordered: certificate value=expired",
    ]
    assert verb("heal", "slow")[0] == 0
    assert [order.kind for order in cloud.faults.orders()] == ["no_puback"]
    assert verb("heal") == (0, "no faults are ordered\n")


def test_mistakes_are_told(verb, tmp_path):
    code, said = verb("fault", "earthquake")
    assert code == 1
    assert "cloud: no fault is called 'earthquake'; there are: no_connack" in said
    code, said = verb("faults", folder=tmp_path / "nowhere")
    assert code == 1
    assert "start one with make cloud" in said


class Foreign(BaseHTTPRequestHandler):
    """Another program at the port of a cloud that was killed."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def do_DELETE(self):
        self.send_error(404)

    def log_message(self, *_):
        """The tests listen to the verb."""


@pytest.fixture
def foreign():
    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_is_no_cloud_is_told(verb, foreign):
    for word, url in (("faults", foreign), ("heal", foreign), ("faults", "/nowhere")):
        code, said = verb(word, "--url", url)
        assert (code, "no local AWS IoT" in said, "Traceback" in said) == (1, True, False)


def test_lines_that_are_typed(cloud, capsys):
    for line in ("fault no_suback --packets 1", "", "fault no_suback --packets many", 'fault "', "fault slow", "dance"):
        fault_verbs.obey(line, cloud.control_url)
    said = "".join(capsys.readouterr())
    assert "ordered: no_suback packets=1" in said
    assert "--packets" in said
    assert "cloud: slow: amount" in said
    assert "heal" in said, "the help"
    assert len(cloud.faults.orders()) == 1
