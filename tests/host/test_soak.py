"""`make soak`: the books of both ends find what is missing; the faults are those of the seed; a short soak passes."""

import os
import random
import re
import subprocess
import sys
import time
import types

import pytest

from tools.interpreter import ROOT
from tools.soak import weather
from tools.soak.bench import Cloud, Operator
from tools.soak.heap import growth
from tools.soak.ledger import Ledger
from tools.soak.report import verdict
from tools.soak.storm import Storm

GOOD = """
sim: start 1: power on
soak: found 0.
soak: life 1.
   1.00 INIT --ready--> NORMAL
   2.00 NORMAL aws.connected client_id=soak-1 endpoint=x session_present=False
soak: begin a1/1.
soak: begin k1/1.
soak: acked a1/1.
soak: kept k1/1.
soak: heard 1.
soak: flushed 1.
soak: begin a1/2.
sim: off: power cut
sim: start 2: power on
soak: found 1.
soak: life 2.
"""


def ledger(lines=GOOD):
    made = Ledger("soak-1")
    for line in lines.strip().split("\n"):
        made.line(line)
    return made


def settled():
    made = ledger()
    made.arrived(b"a1/1 0 ")
    made.arrived(b"k1/1 3 xxx")
    made.told(1)
    made.acknowledged(1)
    return made


def test_what_arrived_at_both_ends_is_well():
    made = settled()
    assert made.settled()
    assert made.verdict() == []
    assert (made.cut_short, made.connections, len(made.lives)) == (1, 1, 2)


def test_a_message_that_was_promised_to_be_safe_and_never_arrived_is_lost():
    made = ledger()
    made.arrived(b"a1/1 0 ")
    assert not made.settled()
    assert made.verdict() == ["1 messages (k1/1): lost, though the device was told that they are safe"]


def test_what_the_power_cut_short_was_promised_nothing():
    made = settled()
    made.line("sim: off: power cut")
    made.line("sim: start 3: power on")
    made.line("soak: kept k2/1")  # without its full stop: the rest of the number is missing
    assert made.verdict() == []


def test_a_message_without_an_end_is_told():
    made = settled()
    made.line("soak: begin a2/1.")
    assert not made.settled()
    assert made.verdict() == ["1 messages (a2/1): neither safe nor given up"]


def test_what_begins_after_the_end_is_not_judged():
    made = settled()
    made.freeze()
    for line in ("begin a2/1", "acked a2/1", "begin a2/2"):
        made.line(f"soak: {line}.")
    assert made.settled()
    assert made.verdict() == []


def test_only_what_the_cloud_has_taken_for_a_device_must_be_heard():
    operator, made = Operator.__new__(Operator), ledger()
    taken = types.SimpleNamespace(is_published=lambda: True)
    asked = types.SimpleNamespace(is_published=lambda: False)
    operator._asked = [(taken, made, 1), (asked, made, 2)]
    operator._note()
    assert made.sent == {1}
    assert operator._asked == [(asked, made, 2)]


@pytest.mark.parametrize(("up", "in_time"), [(True, False), (False, True)])
def test_the_time_without_a_cloud_does_not_count(up, in_time):
    proofs = iter([False, False, False, True])
    subject = types.SimpleNamespace(ledger=types.SimpleNamespace(proven_since=lambda _: next(proofs)))
    storm = Storm(types.SimpleNamespace(cloud=types.SimpleNamespace(up=up)), seed=1, bound_s=0)
    assert (storm._back_in(subject, time.monotonic(), 0) is not None) == in_time


def test_what_is_given_up_must_be_told_as_an_event():
    made = settled()
    made.line("soak: begin a2/1.")
    made.line("soak: gave up a2/1 not_connected.")
    assert made.verdict() == ["1 messages were given up without the event publish.dropped"]
    made.line("   9.00 NORMAL publish.dropped code=not_connected dropped=1 topic=devices/soak-1/up")
    assert made.verdict() == []


def test_a_message_to_the_device_must_be_heard_or_told():
    made = settled()
    made.told(2)
    assert made.verdict() == ["1 messages (2): not delivered to the device"]
    made.acknowledged(2)
    assert made.verdict() == ["1 messages (2): acknowledged, but not handed over; 0 drops were told"]
    made.line("   9.00 NORMAL message.dropped dropped=1 reason=too_large topic=devices/soak-1/down")
    assert made.verdict() == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("sim: start 3: watchdog", "restart: watchdog"),
        ("soak: found 0.", "the user's bytes went back from 1 to 0"),
        ("soak: life 2.", "life 2 after life 2: the user's bytes went back"),
        ("soak: heard 1 broken.", "message 1 to the device arrived broken"),
        ("   9.00 INIT --crash_loop--> NORMAL", "9.00 INIT --crash_loop--> NORMAL"),
        ("   9.00 NORMAL task.failed code=x message=y task=z", "9.00 NORMAL task.failed code=x message=y task=z"),
    ],
)
def test_what_must_not_happen_is_told(line, sentence):
    made = settled()
    made.line(line)
    assert made.verdict() == [sentence]


def test_what_arrives_must_be_what_was_sent():
    made = settled()
    made.arrived(b"a1/1 5 xxx")
    made.arrived(b"a9/9 0 ")
    assert made.verdict() == ["message a1/1 arrived broken", "1 messages (a9/9): arrived, though they were never sent"]


def test_a_heap_that_grows_is_told_from_one_that_varies():
    varies = [(second, 100_000 + random.Random(second).randrange(500)) for second in range(0, 300, 5)]
    assert abs(growth([varies]).grown) < 500
    moment = [(second, size + 20_000 * (second % 100 < 60)) for second, size in varies]
    assert abs(growth([moment]).grown) < 500
    leaks = [(second, size + 20 * second) for second, size in varies]
    gap = [(second, size - 10_000 * (second == 25)) for second, size in varies]
    assert abs(growth([gap]).grown) < 500
    assert growth([[], varies[:3], leaks]).grown > 3000
    assert growth([leaks]).slope == pytest.approx(72_000, rel=0.1)
    assert growth([varies[:8]]) is None  # warming up


def test_what_was_never_tried_is_not_proven():
    subject = types.SimpleNamespace(ledger=settled())
    assert verdict(subject, 8192, lasted_s=1000) == []
    assert verdict(subject, 8192, lasted_s=60, keeps_power=True) == []
    assert "its heap was hardly ever measured" in verdict(subject, 8192, lasted_s=200, keeps_power=True)[0]
    subject.ledger.lives[-1].heap = [(second, 100_000) for second in range(0, 200, 4)]
    assert verdict(subject, 8192, lasted_s=200, keeps_power=True) == []
    subject.ledger.lives[-1].heap = [(second, 100_000 + 100 * second) for second in range(0, 200, 4)]
    assert verdict(subject, 8192, lasted_s=200)[0].startswith("its heap grew by")
    assert verdict(subject, 20_000, lasted_s=200) == []
    subject.ledger.sent.clear()
    assert "the operator has told it nothing" in verdict(subject, 8192, lasted_s=9)[0]
    assert verdict(subject, 20_000, lasted_s=1) == []


def names(seed, spared=False):
    dice = random.Random(seed)
    return [tuple(fault.__name__ for fault in weather.drawn(dice, spared)) for _ in range(300)]


def test_a_seed_repeats_its_faults_and_all_of_them_come():
    assert names("7 1") == names("7 1") != names("8 1")
    known = {fault.__name__ for group in weather.FAULTS.values() for fault in group}
    assert {name for faults in names("7 1") for name in faults} == known
    power = {fault.__name__ for fault in weather.FAULTS["power"]}
    assert not power & {name for faults in names("7 1", spared=True) for name in faults}


def test_a_device_that_never_came_is_told_also_when_nothing_has_befallen_it():
    subject = types.SimpleNamespace(ledger=Ledger("soak-1"), befallen=[], returns_s=[])
    bench = types.SimpleNamespace(subjects=[subject], operator=types.SimpleNamespace(quiet=lambda: None))
    storm = Storm(bench, seed=1, bound_s=0)
    storm.over.set()  # Ctrl-C
    storm.rage(60)
    assert storm.broken == []
    assert subject.ledger.verdict() == ["not back within 0 s after: it was switched on"]


def test_a_cloud_that_falls_over_finds_its_ports_again(tmp_path):
    with Cloud(tmp_path) as local:
        ports = (local.mqtt_port, local.control_port, local.files_port, local.https_port)
        assert all(port < 32768 for port in ports), "no connection is given it while the cloud is down"


def test_a_short_soak_passes(tmp_path):
    options = ["--minutes", "0.15", "--devices", "2", "--seed", "1", "--logs", str(tmp_path)]
    command = [sys.executable, "-m", "tools", "soak", *options]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.startswith("Seed 1: 2 devices")
    heard = re.search(r"handed to the\D+application\D+(\d+)", answer.stdout)
    assert int(heard[1]) > 5
    assert "soak: ***" in (tmp_path / "soak-2.log").read_text()


def test_a_soak_that_is_ended_while_it_is_set_up_is_cleared_away(tmp_path):
    command = [sys.executable, "-u", "-m", "tools", "soak", "--devices", "1", "--logs", str(tmp_path)]
    environment = dict(os.environ, TMPDIR=str(tmp_path))
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as soak:
        assert soak.stdout.readline().startswith("Seed ")
        soak.terminate()
        assert soak.wait(60) == 130
    assert not list(tmp_path.glob("awsesp-soak-*"))
