"""`python -m tools cloud`, and the unmodified `aws` command line and mosquitto's clients against it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools.cloud import LocalCloud
from tools.cloud.clients import make_client
from tools.interpreter import ROOT

TIMEOUT_S = 30
STUCK_S = 120  # a whole test: six calls of the aws command line take 45 s on a busy desk
MOSQUITTO_PUB = shutil.which("mosquitto_pub")


class Screen:
    """The command in a process of its own, and what it has printed."""

    def __init__(self, folder, *options):
        command = [sys.executable, "-m", "tools", "cloud", "--folder", str(folder), *options]
        environment = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self._stuck = threading.Timer(STUCK_S, self._process.kill)
        self._stuck.start()
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stuck.cancel()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process.stdin.close()

    def read_until(self, pattern):
        """Read lines until one matches; the match."""
        for line in self._process.stdout:
            self.text += line
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError(f"{pattern!r} was not printed:\n{self.text}")

    def type(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end(self, signal_number=None):
        """The rest of what it prints, and its exit status."""
        if signal_number is not None:
            self._process.send_signal(signal_number)
        self.text += self._process.stdout.read()
        return self._process.wait(TIMEOUT_S)


@pytest.fixture
def free_ports():
    return ("--mqtt-port", "0", "--control-port", "0", "--fast-keys")


@pytest.fixture
def aws(tmp_path):
    """Run the aws command line as the screen suggests, with nothing configured; its JSON, or its complaint."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    beside = Path(sys.executable).with_name("aws")
    program = str(beside) if beside.exists() else shutil.which("aws")
    if program is None:
        pytest.skip("the aws command line is not installed")

    def run(line, *arguments):
        command = [program, *line.split()[1:], *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment)
        return json.loads(done.stdout or "{}") if done.returncode == 0 else done.stderr

    return run


def test_lines_to_paste_work(tmp_path, free_ports, aws):
    with Screen(tmp_path / "cloud", *free_ports) as screen:
        line = screen.read_until(r"(aws --endpoint-url \S+ .*) iot list-things").group(1)
        assert aws(f"{line} iot list-things") == {"things": []}
        screen.read_until(r"api .*operation=ListThings +status=200")

        assert aws(f"{line} iot create-thing --thing-name lamp")["thingName"] == "lamp"
        assert aws(f"{line} iot describe-thing --thing-name lamp")["version"] == 1
        assert "ResourceNotFoundException" in aws(f"{line} iot describe-thing --thing-name nobody")
        assert "NotImplementedException" in aws(f"{line} iot list-billing-groups")
        [template] = aws(f"{line} iot list-provisioning-templates")["templates"]
        assert (template["templateName"], template["enabled"]) == ("fleet", True)
        assert screen.end(signal.SIGINT) == 0
    assert "Stopped" in screen.text
    assert "Traceback" not in screen.text


def test_shadows_and_jobs_by_the_aws_command_line(tmp_path, aws):
    with LocalCloud(tmp_path / "cloud", fast_keys=True) as cloud:
        line = f"aws --endpoint-url {cloud.control_url} --region {cloud.region}"
        state, shadow = tmp_path / "state.json", tmp_path / "shadow.json"
        state.write_text('{"state": {"desired": {"on": true}}}')
        update = f"{line} iot-data update-thing-shadow --thing-name lamp --payload fileb://{state} {shadow}"
        assert aws(update) == {}
        assert json.loads(shadow.read_text())["version"] == 1
        target = cloud.iot().create_thing(thingName="lamp")["thingArn"]
        create = f"{line} --no-sign-request iot create-job --job-id blink --targets {target}"
        assert aws(create, "--document", "{}")["jobId"] == "blink"
        pending = aws(f"{line} iot-jobs-data get-pending-job-executions --thing-name lamp")
        assert [job["jobId"] for job in pending["queuedJobs"]] == ["blink"]


@pytest.mark.skipif(MOSQUITTO_PUB is None, reason="mosquitto_pub is not installed")
def test_mosquitto_is_shown_connecting_and_publishing(tmp_path, free_ports):
    with Screen(tmp_path / "cloud", *free_ports) as screen:
        arguments = screen.read_until(r"mosquitto_pub (.*) -t ").group(1).split()
        command = [MOSQUITTO_PUB, *arguments, "-t", "devices/lamp/command", "-m", "secret words"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        screen.read_until(r"connected .*client_id=operator-2")
        screen.read_until(r"published .*client_id=operator-2 .*topic=devices/lamp/command .*bytes=12")
        assert screen.end(signal.SIGTERM) == 0
    assert "secret words" not in screen.text


def test_second_start_finds_the_same_fleet(tmp_path, free_ports, aws):
    claims = []
    for _ in range(2):
        with Screen(tmp_path / "cloud", *free_ports) as screen:
            url = screen.read_until(r"--endpoint-url (\S+)").group(1)
            screen.read_until("Ctrl-C")
            assert (tmp_path / "cloud" / "control-url").read_text().strip() == url
            assert screen.end(signal.SIGINT) == 0
        assert not (tmp_path / "cloud" / "control-url").exists()
        settings = json.loads((tmp_path / "cloud" / "device.json").read_text())
        claims.append([each for each in settings["certs"] if each["role"] == "claim"])
    assert claims[0] == claims[1]


def test_settings_it_writes_are_settings_of_the_firmware(tmp_path, free_ports):
    import settings

    with Screen(tmp_path / "cloud", *free_ports) as screen:
        screen.read_until("Ctrl-C")
    loaded = settings.load((tmp_path / "cloud" / "device.json").read_bytes(), None)
    assert loaded.missing() == []
    assert loaded.aws.template == "fleet"


def test_faults_are_ordered_from_another_terminal_and_typed(tmp_path, free_ports):
    with Screen(tmp_path / "cloud", *free_ports) as screen:
        screen.read_until("Ctrl-C")
        screen.type("fault no_puback --packets 2")
        screen.read_until(r"ordered: no_puback packets=2")
        command = [sys.executable, "-m", "tools", "cloud", "heal", "--folder", str(tmp_path / "cloud")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=ROOT)
        assert (done.returncode, done.stdout) == (0, "no faults are ordered\n"), done.stderr
        screen.type("dance")
        screen.read_until("heal")
        assert screen.end(signal.SIGINT) == 0
    assert "Traceback" not in screen.text


def test_a_list_of_serial_numbers_is_the_hook_of_the_fleet(tmp_path, free_ports):
    serials = tmp_path / "serials.txt"
    serials.write_text("0a1b2c\n")
    for options, has_hook in ((["--serials", str(serials)], True), ([], False)):
        with Screen(tmp_path / "cloud", *free_ports, *options) as screen:
            iot = make_client("iot", "eu-central-1", screen.read_until(r"--endpoint-url (\S+)").group(1))
            assert ("preProvisioningHook" in iot.describe_provisioning_template(templateName="fleet")) is has_hook
            assert screen.end(signal.SIGINT) == 0
    with Screen(tmp_path / "cloud", *free_ports, "--hook", str(tmp_path / "none.py")) as screen:
        assert screen.end() == 1
    assert "cloud: --hook: there is no Python file" in screen.text


def test_port_that_was_asked_for_and_is_taken_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Screen(tmp_path / "cloud", "--mqtt-port", str(port), "--control-port", "0") as screen:
            assert screen.end() == 1
    assert f"cloud: cannot listen on 127.0.0.1:{port} for MQTT" in screen.text
    assert "Traceback" not in screen.text


@pytest.mark.parametrize("mistake", [("--name", "l\u00e4mp"), ("--region", "home sweet home")])
def test_a_name_that_is_none_is_told_before_anything_is_made(tmp_path, free_ports, mistake):
    with Screen(tmp_path / "cloud", *free_ports, *mistake) as screen:
        assert screen.end() == 1
    assert mistake[1] in screen.text
    assert "Traceback" not in screen.text
    assert not (tmp_path / "cloud").exists()


def test_usual_port_that_is_taken_is_replaced_by_a_free_one(tmp_path):
    try:
        taken = socket.create_server(("127.0.0.1", 8883))
    except OSError:
        taken = None  # by somebody else, which does as well
    with Screen(tmp_path / "cloud", "--control-port", "0", "--fast-keys") as screen:
        screen.read_until("Port 8883 for MQTT: .*; using a free one")
        port = int(screen.read_until(r"MQTT over TLS +localhost:(\d+)").group(1))
        assert port != 8883
        screen.read_until("Ctrl-C")
        assert screen.end(signal.SIGINT) == 0
    if taken is not None:
        taken.close()


def test_folder_in_use_is_told_and_nothing_else(tmp_path):
    with Screen(tmp_path / "cloud", "--fast-keys") as first:
        first.read_until("Ctrl-C")
        with Screen(tmp_path / "cloud", "--fast-keys") as second:
            assert second.end() == 1
    assert second.text.startswith("cloud: another local AWS IoT is running in")
    assert "Traceback" not in second.text


def test_a_cloud_for_boards_prints_what_makes_their_settings(tmp_path, free_ports):
    with Screen(tmp_path / "cloud", *free_ports, "--endpoint", "192.168.1.10") as screen:
        options = screen.read_until(r'make fleet ARGS="(.*) --wifi NETWORK:PASSWORD"').group(1)
        command = [sys.executable, "-m", "tools", "fleet", *options.split(), "--out", str(tmp_path / "settings.json")]
        subprocess.run(command, cwd=ROOT, check=True, timeout=TIMEOUT_S, capture_output=True)
    document = json.loads((tmp_path / "settings.json").read_text())
    assert document["aws"]["endpoint"] == "192.168.1.10"
