"""`make fleet`: what it makes in the cloud, and a settings file with which a device enrols."""

import base64
import json
import signal
import ssl
import stat
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12
from typer.testing import CliRunner

from tests.host import pki
from tools.board import bundle
from tools.cloud import LocalCloud, recipes
from tools.fleet import cli
from tools.fleet.roots import amazon_roots
from tools.interpreter import ROOT


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


def fleet(*arguments):
    command = [sys.executable, "-m", "tools", "fleet", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def made(cloud, out, *more):
    return fleet("--endpoint-url", cloud.control_url, "--ca", cloud.ca_file, "--out", out, *more)


def test_it_makes_the_fleet_and_settings_that_the_firmware_takes(cloud, tmp_path):
    out = tmp_path / "settings.json"
    answer = made(cloud, out, "--name", "boilers", "--wifi", "home:correct horse")
    assert answer.returncode == 0, answer.stderr
    assert "open network" not in answer.stdout
    assert "correct horse" not in answer.stdout
    assert "PRIVATE" not in answer.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    document = json.loads(out.read_text())
    assert document["networks"] == [{"ssid": "home", "password": "correct horse"}]
    assert document["aws"]["template"] == "boilers"
    warnings = bundle.settings(out)[1]  # checked by the firmware's own words
    assert warnings == []
    names = {policy["policyName"] for policy in cloud.iot().list_policies()["policies"]}
    assert {"boilers-claim", "boilers-thing"} <= names


def test_nothing_that_exists_is_changed(cloud, tmp_path):
    out = tmp_path / "settings.json"
    assert made(cloud, out, "--name", "pumps").returncode == 0
    before = out.read_text()
    again = made(cloud, out, "--name", "pumps-2")
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert out.read_text() == before
    taken = made(cloud, tmp_path / "other.json", "--name", "pumps")
    assert taken.returncode == 1
    assert "fleet: AWS refused" in taken.stderr
    assert not (tmp_path / "other.json").exists()


def test_without_a_role_it_says_so_before_anything_is_made(tmp_path):
    answer = fleet("--out", tmp_path / "settings.json", "--region", "eu-west-1")
    assert answer.returncode == 1
    assert "--role is needed" in answer.stderr


def test_what_cannot_be_written_or_used_is_told_before_anything_is_made(cloud, tmp_path):
    answer = made(cloud, tmp_path / "none" / "settings.json", "--name", "unwritten")
    assert answer.returncode == 1
    assert "settings.json cannot be written: No such file or directory" in answer.stderr
    answer = made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--role", "FleetProvisioning")
    assert "say its ARN" in answer.stderr
    role = "arn:aws:iam::123456789012:role/Fleet Provisioning"
    assert "say its ARN" in made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--role", role).stderr
    answer = made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--wifi", "home:short")
    assert "that of 'home' has 5" in answer.stderr
    answer = made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--hardware", "my board")
    assert 'devices would refuse these settings: hardware: "my board"; allowed' in answer.stderr
    answer = made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--wifi", "n" * 33 + ":long enough")
    assert "networks[0].ssid: 33 bytes" in answer.stderr
    answer = made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--wifi", "home:12345678", "--wifi", "home")
    assert answer.stderr == "fleet: --wifi: 'home' is there twice\n"
    for name in ("un written", "unwritten" * 5, ""):
        answer = made(cloud, tmp_path / "settings.json", "--name", name)
        assert answer.stderr == f"fleet: --name {name}: say 1 to 36 letters, digits, hyphens and underscores\n"
    answer = made(cloud, tmp_path / "settings.json", "--name", "unwritten", "--endpoint-url", "localhost:9")
    assert answer.stderr == "fleet: Invalid endpoint: localhost:9: say --endpoint-url as http://127.0.0.1:4585\n"
    assert not any(each["policyName"].startswith("unwritten") for each in cloud.iot().list_policies()["policies"])


def test_a_fleet_that_is_made_by_half_is_taken_away_again(cloud, tmp_path):
    iot = cloud.iot()
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}
    iot.create_policy(policyName="lamps-thing", policyDocument=json.dumps(everything))
    certificates = len(iot.list_certificates()["certificates"])
    assert made(cloud, tmp_path / "settings.json", "--name", "lamps").returncode == 1
    assert not (tmp_path / "settings.json").exists()
    assert len(iot.list_certificates()["certificates"]) == certificates
    assert [each["policyName"] for each in iot.list_policies()["policies"] if "lamps" in each["policyName"]] == [
        "lamps-thing"
    ]
    iot.delete_policy(policyName="lamps-thing")
    answer = made(cloud, tmp_path / "settings.json", "--name", "lamps", "--wifi", "guests")
    assert answer.returncode == 0
    assert "note: 'guests' is taken for an open network" in answer.stdout


def things_of(cloud, name):
    iot = cloud.iot()
    policies = [each["policyName"] for each in iot.list_policies()["policies"] if name in each["policyName"]]
    templates = [each["templateName"] for each in iot.list_provisioning_templates()["templates"]]
    return len(iot.list_certificates()["certificates"]), policies, [each for each in templates if name in each]


def test_a_full_disk_leaves_no_fleet_whose_key_nobody_has(cloud, tmp_path):
    before = things_of(cloud, "valves")
    words = ["--endpoint-url", cloud.control_url, "--ca", cloud.ca_file, "--out", tmp_path / "settings.json"]
    command = [sys.executable, "-B", "-m", "tools", "fleet", *map(str, words), "--name", "valves"]
    full = ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *command]  # no file is longer than 512 bytes
    answer = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"fleet: {tmp_path}/settings.json: File too large; what was made in the cloud was")
    assert (things_of(cloud, "valves"), list(tmp_path.iterdir())) == (before, [])


def test_ctrl_c_leaves_nothing_behind(cloud, tmp_path, monkeypatch):
    before = things_of(cloud, "horns")

    class Interrupted:
        """AWS IoT, and somebody who presses Ctrl-C while it makes the template."""

        create_provisioning_template = staticmethod(lambda **_: signal.raise_signal(signal.SIGINT))

        def __getattr__(self, name):
            return getattr(cloud.iot(), name)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(cli, "_client", lambda *_: Interrupted())
    words = ["--endpoint-url", cloud.control_url, "--ca", cloud.ca_file, "--out", tmp_path / "settings.json"]
    try:
        answer = CliRunner().invoke(cli.app, [*map(str, words), "--name", "horns"])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert answer.exit_code == 130
    assert "fleet: stopped; nothing was made, or it was taken away again" in answer.output
    assert (things_of(cloud, "horns"), list(tmp_path.iterdir())) == (before, [])


def test_a_cloud_that_is_not_there_is_told_in_one_line(tmp_path):
    answer = fleet("--endpoint-url", "http://127.0.0.1:9", "--ca", tmp_path / "none.pem", "--out", tmp_path / "x")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1


def test_the_root_of_a_local_cloud_is_never_that_of_aws(cloud, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    with pytest.raises(cli.Mistake, match="say --ca"):
        cli._root(None, cloud.control_url)
    (tmp_path / ".cloud").mkdir()
    (tmp_path / ".cloud" / "ca.pem").write_text(cloud.ca_file.read_text())
    assert cli._root(None, cloud.control_url) == cloud.ca_file.read_text()
    assert cli._root(None, None) == amazon_roots()


def test_a_root_is_read_as_people_have_it_and_checked_before_anything_is_made(cloud, tmp_path):
    root, file = cloud.ca_file.read_text(), tmp_path / "root"
    for data in (b"\xef\xbb\xbf# f\xc3\xbcr alle\r\n" + root.encode(), ssl.PEM_cert_to_DER_cert(root)):
        file.write_bytes(data)
        assert cli._root(file, cloud.control_url) == root
    store = pkcs12.serialize_key_and_certificates(None, pki.EC_KEY, pki.EC_CERTIFICATE, None, pki.CLEAR)
    for data in (store, base64.b64encode(store)):
        file.write_bytes(data)
        with pytest.raises(cli.Mistake, match=r"root is not a certificate .*it is PKCS#12: take .* `openssl pkcs12 "):
            cli._root(file, cloud.control_url)
    file.write_bytes(pki.key_bytes(pki.EC_KEY, pki.PEM))
    with pytest.raises(cli.Mistake, match=r"root is not a certificate .*it is a private key, a certificate is wanted"):
        cli._root(file, cloud.control_url)


def test_the_roots_are_those_that_aws_recommends():
    certificates = x509.load_pem_x509_certificates(amazon_roots().encode())
    # As amazontrust.com publishes them.
    assert [each.fingerprint(hashes.SHA256()).hex() for each in certificates] == [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    ]


@pytest.mark.parametrize(
    ("endpoint", "aws"), [("x-ats.iot.eu-west-1.amazonaws.com", {}), ("localhost:8884", {"port": 8884})]
)
def test_a_port_that_is_not_the_usual_one_gets_into_the_settings(endpoint, aws):
    made = recipes.Fleet("fleet", "cert", "key", "arn", "fleet-claim", "fleet-thing")
    found = cli._document([], endpoint, made, "root", "esp32")
    assert found["aws"] == {"endpoint": endpoint.partition(":")[0], "template": "fleet", **aws}
    assert "networks" not in found
