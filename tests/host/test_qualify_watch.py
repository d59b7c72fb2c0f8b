"""What the qualification sees of a device, and what it must not take for an answer."""

import contextlib
import threading
import time
import types

import paho.mqtt.client as mqtt
import pytest

from tools.cloud import packets, presence
from tools.cloud.faults import Faults
from tools.cloud.open_broker import open_broker
from tools.qualify import runner
from tools.qualify.bench import DEFAULTS, LEAST, THING, Bench, timeouts
from tools.qualify.case import CASES, FAIL, PASS, Case
from tools.qualify.runner import run_on
from tools.qualify.watch import Ended, Watch

IN = f"devices/{THING}/in"


@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
def test_the_watch_reads_both_protocols_and_knows_which_message_is_acknowledged(protocol):
    watch = Watch(THING)
    with open_broker() as broker:
        broker.broker.tap = watch.packet
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, THING, protocol=protocol)
        client.connect("127.0.0.1", broker.port, keepalive=77)
        client.loop_start()
        client.subscribe(IN, qos=1)
        client.publish(IN, b"12345", qos=1)
        try:
            acknowledged = watch.wait_for("PUBACK", 10)
        finally:
            client.disconnect()
            client.loop_stop()
    [connect] = watch.since(0, "CONNECT")
    assert (connect["client_id"], connect["keepalive_s"], connect["clean"]) == (THING, 77, True)
    assert watch.since(0, "SUBSCRIBE")[0]["filters"] == [IN]
    assert watch.since(0, "PUBLISH")[0]["payload"] == b"12345"
    assert (acknowledged["topic"], acknowledged["size"]) == (IN, 5)


def test_what_another_machine_of_the_network_does_is_not_the_device_s():
    watch = Watch(THING)
    watch.packet(Connection(), packets.PINGREQ, b"")
    watch.log("handshake_failed", source="192.168.1.99", reason="EOF")
    watch.log("connected", client_id="another")
    assert [seen.what for seen in watch.since(0)] == ["PINGREQ"]
    watch.log("handshake_failed", source="192.168.1.20", reason="EOF")
    assert watch.since(0)[-1]["reason"] == "EOF"


class Connection:
    client_id, number, source_ip, dialect = THING, 1, "192.168.1.20", None


class Played(Bench):
    """A bench without a cloud and a device: what would be seen of it is logged."""

    def __init__(self):
        super().__init__(scale=0.1)
        self.cloud = types.SimpleNamespace(faults=Faults())

    def patience_s(self):
        return 0.1

    def console(self):
        return []

    def start(self):
        self.watch.log("CONNECT", keepalive_s=30)
        self.watch.log("SUBSCRIBE", filters=[IN])
        self.watch.log("PUBLISH", topic=f"devices/{THING}/out")


def outcome(bench, name):
    return run_on(bench, next(each for each in CASES if each.name == name)).outcome


@pytest.mark.parametrize(("topic", "more", "expected"), [(IN, 0, PASS), (IN, 1, FAIL), ("$aws/things/x", 0, FAIL)])
def test_only_the_acknowledgement_of_the_message_itself_counts(topic, more, expected):
    bench = Played()
    bench.say = lambda payload: bench.watch.log("PUBACK", topic=topic, size=len(payload) + more)
    assert outcome(bench, "Client_Puback_Qos1") == expected


@pytest.mark.parametrize(
    ("reason", "expected"), [(presence.CONNECTION_LOST, PASS), (presence.KEEP_ALIVE_TIMEOUT, FAIL)]
)
def test_a_device_that_misses_no_pingresp_fails_though_the_cloud_closes(reason, expected):
    bench = Played()

    def be_quiet(_payload):
        bench.watch.log("PINGREQ")
        bench.watch.log("disconnected", reason=reason)
        bench.watch.log("connected")

    bench.say, bench.watch.now = be_quiet, lambda: 0
    assert outcome(bench, "No_Ack_PingResp") == expected


def test_ctrl_c_ends_the_cases_that_wait(monkeypatch):
    ends, told, waits = [], [], threading.Event()

    def wait(bench, _evidence):
        waits.set()
        try:
            bench.watch.wait_for("what never comes", 30)
        except BaseException as end:
            ends.append(type(end))
            raise

    def interrupt(_bench, _evidence):
        waits.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "SimulatedBench", lambda *_, **__: contextlib.nullcontext(Played()))
    with pytest.raises(KeyboardInterrupt):
        runner.run_simulated([Case("MQTT", "A", interrupt), Case("MQTT", "B", wait)], 0.1, 2, told.append)
    assert (ends, told) == ([Ended], [])


def test_ctrl_c_ends_a_case_whose_bench_was_still_being_made(monkeypatch):
    ends, late = [], Played()
    benches = iter([Played(), late])

    @contextlib.contextmanager
    def made(*_, **__):
        bench = next(benches)
        if bench is late:
            begun.set()
            ended.wait(30)
        yield bench

    def interrupt(bench, _evidence):
        end = bench.watch.end
        bench.watch.end = lambda: (end(), ended.set())
        begun.wait(30)
        raise KeyboardInterrupt

    def wait(bench, _evidence):
        try:
            bench.watch.pause(30)
        except BaseException as end:
            ends.append(type(end))
            raise

    begun, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(runner, "SimulatedBench", made)
    with pytest.raises(KeyboardInterrupt):
        runner.run_simulated([Case("MQTT", "A", interrupt), Case("MQTT", "B", wait)], 0.1, 2, print)
    assert ends == [Ended]


def test_the_faults_of_a_case_end_with_it():
    bench, ordered = Played(), []

    def misbehave(bench, _evidence):
        ordered.append(len(bench.faults.orders()))
        bench.faults.order("no_puback", packets=1)

    runner.run_in_turn(bench, [Case("MQTT", "A", misbehave), Case("MQTT", "B", misbehave)], ordered.append)
    assert ordered[::2] == [0, 0]


def test_no_time_out_is_scaled_below_what_settings_take():
    assert timeouts(1) == DEFAULTS
    assert timeouts(0.001) == LEAST


def test_a_pause_lasts_and_can_be_ended():
    watch = Watch(THING)
    begin = time.monotonic()
    watch.pause(0.05)
    assert time.monotonic() - begin >= 0.05
    watch.end()
    with pytest.raises(Ended):
        watch.pause(30)
