"""`make qualify`: the short set passes; the judges tell good back-off from bad; a failing device fails."""

import io
import random
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from rich.console import Console

from tools.interpreter import ROOT
from tools.qualify import report
from tools.qualify.backoff import judge
from tools.qualify.case import FAIL, PASS, WARN, Case, require
from tools.qualify.cases_services import excesses
from tools.qualify.runner import chosen, run_on

AWS_NAMES = {
    "Connect", "Receive_Maximum_Size_Fragments", "Support_AWS_IoT_Cipher_Suites", "Large_Size_Server_Cert",
    "Unsecure_Server_Cert", "Incorrect_Subject_Name_Server_Cert", "Expired_Server_Cert", "Client_Puback_Qos1",
    "Connect_Jitter_Backoff_Retries", "Connect_Exponential_Backoff_Retries",
    "Reconnect_Backoff_Retries_On_Server_Disconnect", "Reconnect_Backoff_Retries_On_Unstable_Connection", "Publish",
    "Publish_Retry_No_Puback", "Publish_Retained_Messages", "Subscribe", "Subscribe_Retry_No_Suback", "No_Ack_PingResp",
    "Persistent_Session_Happy_Case", "Expired_Persistent_Session", "Shadow_Publish_Reported_State",
    "Shadow_Update_Reported_State", "Job_Execution", "Security_Device_Policies", "MQTT_Long_Duration",
}  # fmt: skip


def test_every_case_of_device_advisor_is_there_by_its_name():
    assert {each.name for each in chosen()} == AWS_NAMES


def test_the_short_set_passes(tmp_path):
    junit = tmp_path / "junit.xml"
    command = [sys.executable, "-m", "tools", "qualify", "--short", "--workers", "4", "--junit", str(junit)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert answer.returncode == 0, answer.stdout
    suite = ElementTree.parse(junit).getroot()
    assert int(suite.get("tests")) == len(chosen(short=True)) >= 13
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert "on the same connection" in junit.read_text()


class NoBench:
    def console(self):
        return ["what the device said"]


def outcome(run):
    return run_on(NoBench(), Case("MQTT", "Publish", run))


def test_a_device_that_does_not_do_it_fails_and_its_console_is_kept(tmp_path):
    def never(_bench, _evidence):
        raise TimeoutError("PUBLISH: 0 of 1 in 3 s")

    def wrong(_bench, _evidence):
        require(False, "it said [/b] \x1b[0m before it sent the message again")

    def warned(_bench, evidence):
        evidence.warn("strictly exponential, without jitter")

    results = [outcome(run) for run in (never, wrong, warned, lambda *_: None)]
    assert [each.outcome for each in results] == [FAIL, FAIL, WARN, PASS]
    assert not report.is_good(results)
    assert report.is_good(results[2:])
    report.junit(results, tmp_path / "junit.xml")
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("failures") == "2"
    assert "what the device said" in suite[1][0].text
    assert suite[1][0].get("message") == "it said [/b] ?[0m before it sent the message again"
    screen = Console(file=io.StringIO(), width=200)
    screen.print(report.table(results))
    assert "it said [/b]" in screen.file.getvalue()


def jittered(ceiling_of, rounds=4, attempts=6):
    chance = random.Random(7)
    return [[1 + chance.uniform(0, ceiling_of(attempt)) for attempt in range(attempts)] for _ in range(rounds)]


@pytest.mark.parametrize(
    ("rounds", "grows", "jitter", "name"),
    [
        ([[2, 2.05, 1.98, 2, 2.01]], False, False, "constant"),
        ([[1, 2, 3, 4, 5]], False, False, "linear"),
        ([[1, 2, 4, 8, 16]], True, False, "strictly exponential"),
        (jittered(lambda attempt: min(60, 2**attempt)), True, True, "exponential ceilings"),
        (jittered(lambda attempt: 8), False, True, "constant ceilings"),
        ([[3.0]], False, False, "too few"),
        ([[0.01, 0.014, 0.009, 0.012, 0.02], [0.01, 0.02]], False, False, "none"),  # as long as connecting took
        ([[0.31, 0.38, 0.29, 0.42, 0.36]], False, False, "none"),
    ],
)
def test_a_series_of_waits_is_named(rounds, grows, jitter, name):
    verdict = judge(rounds)
    assert (verdict.grows, verdict.jitter) == (grows, jitter), verdict.name
    assert name in verdict.name


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ({"Effect": "Allow", "Action": "iot:*", "Resource": "arn:aws:iot:x:1:topic/a"}, "action iot:*"),
        ({"Effect": "Allow", "Action": ["iot:Publish"], "Resource": "*"}, "resource *"),
        ({"Effect": "Allow", "Action": "iot:Connect", "Resource": ["arn:aws:iot:x:1:client/*"]}, "resource arn"),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, None),
        ({"Effect": "Allow", "Action": "iot:Publish", "Resource": "arn:aws:iot:x:1:topic/devices/a/*"}, None),
    ],
)
def test_a_policy_that_allows_too_much_is_told(statement, complaint):
    complaints = list(excesses({"Statement": [statement]}))
    assert [each.startswith(complaint) for each in complaints] == ([True] if complaint else [])


def test_what_is_not_there_is_answered_with_a_hint():
    command = [sys.executable, "-m", "tools", "qualify", "nonsense"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert "--list" in answer.stderr
