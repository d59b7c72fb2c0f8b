"""MQTT: connecting, acknowledging, asking again, waiting ever longer, keeping a session."""

from tools.cloud import interference, presence
from tools.qualify.backoff import judge
from tools.qualify.bench import THING
from tools.qualify.case import Failed, case, require

_ATTEMPTS = 5


@case("MQTT", "Connect", partner=True, short=True)
def connect(bench, evidence):
    bench.start()
    seen = bench.watch.wait_for("CONNECT", bench.patience_s())
    require(30 <= seen["keepalive_s"] <= 1200, f"keep alive of {seen['keepalive_s']} s: AWS wants 30 to 1200")
    bench.watch.wait_for("connected", 10)
    evidence(f"client id {seen['client_id']}, keep alive {seen['keepalive_s']} s, clean session {seen['clean']}")


@case("MQTT", "Publish", partner=True, short=True)
def publish(bench, evidence):
    bench.start()
    seen = bench.watch.wait_for("PUBLISH", bench.patience_s(), where=_is_own)
    evidence(f"QoS {seen['qos']} on {seen['topic']}")


@case("MQTT", "Publish_Retained_Messages")
def publish_retained(bench, evidence):
    bench.start()
    seen = bench.watch.wait_for("PUBLISH", bench.patience_s(), where=lambda seen: seen["retain"])
    evidence(f"a retained message on {seen['topic']}")


@case("MQTT", "Publish_Retry_No_Puback", short=True)
def publish_retry(bench, evidence):
    bench.start()
    bench.watch.wait_for("PUBLISH", bench.patience_s(), where=_is_own)
    place = bench.watch.now()
    bench.faults.order("no_puback", client_id=THING, packets=1)
    again = bench.watch.wait_for("PUBLISH", bench.patience_s(), place, where=lambda seen: seen["dup"])
    first = next(seen for seen in bench.watch.since(place, "PUBLISH") if seen["id"] == again["id"] and not seen["dup"])
    require(first.connection == again.connection, "it reconnected before it sent the message again")
    require(first["payload"] == again["payload"], "what it sent again was another message")
    evidence(f"packet {again['id']} again, with DUP, after {again.at - first.at:.1f} s on the same connection")


@case("MQTT", "Client_Puback_Qos1", short=True)
def client_puback(bench, evidence):
    bench.start()
    bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), where=_listens)
    for size in (0, 1, 1000, 128 * 1024):
        place, payload = bench.watch.now(), b"x" * size
        bench.say(payload)
        bench.wait_until_taken(payload, since=place)
        evidence(f"{size} bytes: acknowledged")


@case("MQTT", "Subscribe", partner=True, short=True)
def subscribe(bench, evidence):
    bench.start()
    seen = bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), where=_listens)
    require(len(seen["filters"]) <= 8, f"{len(seen['filters'])} filters in one SUBSCRIBE: AWS takes 8")
    evidence(", ".join(seen["filters"]))


@case("MQTT", "Subscribe_Retry_No_Suback")
def subscribe_retry(bench, evidence):
    bench.faults.order("no_suback", client_id=THING, packets=1)
    bench.start()
    first = bench.watch.wait_for("SUBSCRIBE", bench.patience_s())
    again = bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), where=lambda seen: seen["id"] == first["id"], count=2)
    require(first.connection == again.connection, "it reconnected before it subscribed again")
    evidence(f"packet {again['id']} again after {again.at - first.at:.1f} s on the same connection")


@case("MQTT", "No_Ack_PingResp")
def no_pingresp(bench, evidence):
    bench.start()
    keepalive_s = bench.watch.wait_for("CONNECT", bench.patience_s())["keepalive_s"]
    bench.watch.wait_for("PUBLISH", bench.patience_s(), where=_is_own)
    # What the application publishes is acknowledged, and that is a sign of life: only silence brings a PINGREQ.
    bench.say(b"quiet %d" % (3 * keepalive_s))
    bench.faults.order("no_pingresp", client_id=THING)
    place = bench.watch.now()
    asked = bench.watch.wait_for("PINGREQ", 2 * keepalive_s, since=place)
    left = bench.watch.wait_for("disconnected", 1.5 * keepalive_s + 10, since=place)
    if left["reason"] == presence.KEEP_ALIVE_TIMEOUT:
        raise Failed("PINGREQ unanswered: it stayed, until the cloud closed the connection")
    evidence(f"PINGREQ unanswered: it left after {left.at - asked.at:.1f} s, keep alive {keepalive_s} s")
    bench.faults.clear()
    bench.watch.wait_for("connected", bench.patience_s(), since=place)
    evidence("and connected again")


# ---- waiting ----


def _waits(attempts, ended):
    """Seconds between the end of one attempt and the next one. `ended`: when each ended."""
    return [after.at - end for end, after in zip(ended, attempts[1:], strict=False)]


def _judged(evidence, rounds, what):
    for number, waits in enumerate(rounds, 1):
        evidence(f"{what}, round {number}: waits of {', '.join(f'{wait:.1f}' for wait in waits)} s")
    verdict = judge(rounds)
    evidence(f"back-off: {verdict.name}")
    return verdict


def _unanswered_round(bench):
    """Attempts that get no CONNACK; the waits between them."""
    place = bench.watch.now()
    bench.faults.order("no_connack", client_id=THING, connections=_ATTEMPTS)
    bench.cloud.interfere(interference.disconnect, THING)
    bench.watch.wait_for("connected", _ATTEMPTS * bench.patience_s(), place, count=_ATTEMPTS + 1)
    attempts = bench.watch.since(place, "CONNECT")[: _ATTEMPTS + 1]
    ends = [seen.at for seen in bench.watch.since(place, "disconnected") if seen.at > attempts[0].at]
    bench.faults.clear("no_connack")
    return _waits(attempts, ends)


def _stay(bench):
    """Let the connection last, so that the device's waits begin anew."""
    bench.watch.pause(bench.timeouts["stable_s"] + 2)


@case("MQTT", "Connect_Jitter_Backoff_Retries", partner=True)
def connect_jitter(bench, evidence):
    rounds = _two_rounds(bench, _unanswered_round)
    verdict = _judged(evidence, rounds, "no CONNACK")
    require(verdict.grows, f"its waits do not grow exponentially: {verdict.name}")
    if not verdict.jitter:
        evidence.warn("strictly exponential, without jitter")


@case("MQTT", "Connect_Exponential_Backoff_Retries")
def connect_exponential(bench, evidence):
    verdict = _judged(evidence, _two_rounds(bench, _unanswered_round), "no CONNACK")
    require(verdict.grows, f"its waits do not grow exponentially: {verdict.name}")


def _two_rounds(bench, round_of):
    bench.start()
    bench.watch.wait_for("connected", bench.patience_s())
    rounds = []
    for _ in range(2):
        _stay(bench)
        rounds.append(round_of(bench))
    return rounds


@case("MQTT", "Reconnect_Backoff_Retries_On_Server_Disconnect")
def server_disconnect(bench, evidence):
    bench.start()
    bench.watch.wait_for("connected", bench.patience_s())
    waits = []
    for _ in range(_ATTEMPTS):
        bench.watch.pause(1)
        place = bench.watch.now()
        bench.cloud.interfere(interference.disconnect, THING)
        end = bench.watch.wait_for("disconnected", 10, since=place)
        waits.append(bench.watch.wait_for("CONNECT", bench.patience_s(), since=place).at - end.at)
    verdict = _judged(evidence, [waits], "closed by the server")
    require(verdict.jitter or verdict.grows, f"it comes back without back-off or jitter: {verdict.name}")


@case("MQTT", "Reconnect_Backoff_Retries_On_Unstable_Connection")
def unstable(bench, evidence):
    verdict = _judged(evidence, _two_rounds(bench, _short_connections), "closed after CONNACK")
    require(verdict.grows, f"its back-off does not grow across short connections: {verdict.name}")


def _short_connections(bench):
    place = bench.watch.now()
    bench.faults.order("close_after_connack", client_id=THING, connections=_ATTEMPTS + 1)
    bench.cloud.interfere(interference.disconnect, THING)
    bench.watch.wait_for("CONNECT", _ATTEMPTS * bench.patience_s(), place, count=_ATTEMPTS + 2)
    attempts = bench.watch.since(place, "CONNECT")[: _ATTEMPTS + 1]
    bench.faults.clear("close_after_connack")
    return _waits(attempts, [seen.at for seen in attempts])


# ---- sessions ----


@case("MQTT", "Persistent_Session_Happy_Case", short=True)
def persistent_session(bench, evidence):
    payload = b"while you were away"
    place = _away_and_back(bench, lambda: bench.say(payload))
    bench.wait_until_taken(payload, since=place)
    evidence("the stored message was received and acknowledged")
    bench.watch.pause(3)
    again = [seen for seen in bench.watch.since(place, "SUBSCRIBE") if _listens(seen)]
    require(not again, "it subscribed again, though the session was there")
    evidence("it did not subscribe again")


@case("MQTT", "Expired_Persistent_Session")
def expired_session(bench, evidence):
    place = _away_and_back(bench, lambda: bench.cloud.interfere(interference.expire_session, THING))
    seen = bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), place, where=_listens)
    evidence(f"the session had expired: it subscribed again to {', '.join(seen['filters'])}")


def _away_and_back(bench, meanwhile):
    """Disconnect the device, do that while it is away, and wait until it is back; the place where that begins."""
    bench.start()
    seen = bench.watch.wait_for("CONNECT", bench.patience_s())
    if seen["clean"]:
        raise Failed("it asks for a clean session: there is none that could persist")
    bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), where=_listens)
    bench.watch.wait_for("PUBLISH", bench.patience_s(), where=_is_own)
    place = bench.watch.now()
    bench.faults.order("refuse", connections=1)
    bench.cloud.interfere(interference.disconnect, THING)
    bench.watch.wait_for("disconnected", 10, since=place)
    meanwhile()
    bench.faults.clear("refuse")
    bench.watch.wait_for("connected", bench.patience_s(), since=place)
    return place


def _is_own(seen):
    return seen["topic"].startswith("devices/")


def _listens(seen):
    return any(name.startswith("devices/") for name in seen["filters"])
