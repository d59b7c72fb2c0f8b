"""AWS IoT for the application: connecting, connecting again, sessions, subscriptions."""

import asyncio

import errors
import events
from aws_desk import THING, Desk
from backoff import Backoff
from harness import equal, raises
from scripted_broker import CONNECT, DISCONNECT, PUBLISH, SUBSCRIBE, connack, publish, suback, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def serve(peer):
    await peer.accept()
    await peer.serve()


# Connecting and connecting again


async def test_it_connects_with_the_name_of_the_thing_and_keeps_its_session():
    seen = []

    async def script(peer):
        seen.append((await peer.accept()).body)
        await peer.serve()

    async with Desk(script) as desk:
        await desk.aws.connected()
        equal(desk.aws.is_connected, True)
        await until(lambda: desk.told)
        equal(desk.told, [(events.AWS_CONNECTED, desk.of(events.AWS_CONNECTED)[0])])
        equal(
            desk.of(events.AWS_CONNECTED),
            [{"endpoint": "broker.test", "client_id": THING, "session_present": False}],
        )
    # protocol 4, not a clean session, keepalive 30 s, the client id
    equal(seen, [b"\x00\x04MQTT\x04\x00\x00\x1e\x00\x04lamp"])


async def test_each_lost_connection_is_one_event_and_the_next_one_follows():
    async def short(peer):
        await peer.accept()
        await asyncio.sleep_ms(50)

    async with Desk(short, short, serve) as desk:
        await until(lambda: len(desk.told) == 5)
        equal(
            desk.names(),
            [events.AWS_CONNECTED, events.AWS_DISCONNECTED] * 2 + [events.AWS_CONNECTED],
        )
        lost = desk.of(events.AWS_DISCONNECTED)[0]
        equal((lost["code"], lost["wait_ms"] <= 50), ("connection_lost", True))
        equal(lost["message"].startswith("The connection to the cloud was closed"), True)


async def test_the_back_off_grows_across_short_connections():
    async def short(peer):
        await peer.accept()

    async with Desk(short) as desk:
        await until(lambda: len(desk.of(events.AWS_DISCONNECTED)) == 4)
        equal(desk.backoff.attempt, 4)


async def test_the_back_off_forgets_after_a_stable_time():
    async def short(peer):
        await peer.accept()

    async with Desk(short, short, serve, stable_s=1) as desk:
        await until(lambda: desk.aws.is_connected and desk.broker.connections == 3)
        equal(desk.backoff.attempt, 2)
        await until(lambda: desk.backoff.attempt == 0)


async def test_it_beats_while_it_waits_connects_and_serves():
    async with Desk(serve) as desk:
        await desk.aws.connected()
        before = desk.beats
        equal(before > 0, True)
        await until(lambda: desk.beats > before + 1)


async def test_without_a_clock_no_connection_is_tried():
    is_set = [False]
    async with Desk(serve, clock_is_set=lambda: is_set[0]) as desk:
        await until(lambda: desk.of(events.AWS_DISCONNECTED))
        equal(desk.of(events.AWS_DISCONNECTED)[0]["code"], "clock_not_set")
        equal(desk.broker.connections, 0)
        is_set[0] = True
        await desk.aws.connected()


async def test_a_name_that_cannot_be_resolved_is_asked_for_again():
    answers = []

    async def resolve(host):
        answers.append(host)
        if len(answers) < 3:
            raise errors.error("no_dns", host)
        return "127.0.0.1"

    async with Desk(serve, resolve=resolve) as desk:
        await desk.aws.connected()
        equal(answers, ["broker.test"] * 3)
        equal([data["code"] for data in desk.of(events.AWS_DISCONNECTED)], ["no_dns"] * 2)


async def test_refusals_are_told_by_what_they_mean():
    async def busy(peer):
        await peer.receive(CONNECT)
        await peer.send(connack(3))

    async def unauthorised(peer):
        await peer.receive(CONNECT)
        await peer.send(connack(5))

    async def closing(peer):
        await peer.receive(CONNECT)

    async with Desk(busy, unauthorised, closing, serve) as desk:
        await desk.aws.connected()
        codes = [data["code"] for data in desk.of(events.AWS_DISCONNECTED)]
        equal(codes, ["server_busy", "not_authorised", "not_authorised"])


async def test_a_wifi_that_is_lost_ends_the_connection_at_once_and_its_return_ends_the_wait():
    async with Desk(serve, backoff=Backoff(1, 1, 3600000)) as desk:
        await desk.aws.connected()
        desk.bus.emit(events.WIFI_DISCONNECTED)
        await until(lambda: desk.of(events.AWS_DISCONNECTED))
        equal(desk.of(events.AWS_DISCONNECTED)[0]["code"], "connection_lost")
        desk.bus.emit(events.WIFI_CONNECTED)
        await desk.aws.connected()
        equal(desk.broker.connections, 2)


async def stop_while_publishing(cancel_first):
    seen = []

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(PUBLISH)
        await asyncio.sleep_ms(100)
        await peer.answer(packet)
        seen.append((await peer.receive(DISCONNECT)).kind)

    async with Desk(script) as desk:
        await desk.aws.connected()
        publishing = asyncio.create_task(desk.aws.publish("t", b"last words", 1))
        await asyncio.sleep_ms(0)
        if cancel_first:
            desk.running.cancel()
            await asyncio.sleep_ms(0)
        await desk.aws.stop()
        await publishing
        await until(lambda: seen)
        await asyncio.sleep_ms(300)
        equal((desk.broker.connections, desk.of(events.AWS_DISCONNECTED)), (1, []))


async def test_stop_sends_what_waits_then_says_goodbye():
    await stop_while_publishing(False)


async def test_stop_does_so_too_when_its_task_was_ended_before():
    await stop_while_publishing(True)


# Subscriptions


async def test_subscriptions_are_made_again_only_when_the_session_is_gone():
    asked = []

    def connection(session_present):
        async def script(peer):
            await peer.accept(session_present)
            if session_present == 0:
                packet = await peer.receive(SUBSCRIBE)
                asked.append(packet.filters)
                await peer.answer(packet)
            await peer.send(publish("a/b", b"%d" % session_present))
            # ... and nothing else is asked for
            await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 100))

        return script

    async with Desk(connection(0), connection(1), connection(0), serve, run=False) as desk:
        await desk.aws.subscribe("a/+", 1)
        desk.start()
        await until(lambda: desk.broker.finished == 3)
        equal(asked, [[("a/+", 1)]] * 2)
        equal([desk.aws.messages.get_nowait().payload for _ in range(3)], [b"0", b"1", b"0"])


async def test_a_subscription_whose_answer_was_lost_is_asked_for_again():
    asked = []

    async def cut(peer):
        await peer.accept()
        await peer.receive(SUBSCRIBE)

    async def resumed(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(SUBSCRIBE)
        asked.append(packet.filters)
        await peer.answer(packet)
        await peer.serve()

    async with Desk(cut, resumed) as desk:
        await desk.aws.connected()
        await desk.aws.subscribe("a", 1)
        await until(lambda: asked)
        equal(asked, [[("a", 1)]])


async def test_many_subscriptions_go_in_packets_of_eight_of_one_qos():
    asked = []

    async def script(peer):
        await peer.accept()
        for _ in range(3):
            packet = await peer.receive(SUBSCRIBE)
            asked.append([qos for _, qos in packet.filters])
            await peer.answer(packet)
        await peer.serve()

    async with Desk(script, run=False) as desk:
        for number in range(12):
            await desk.aws.subscribe("t/%d" % number, 1 if number else 0)
        desk.start()
        await until(lambda: len(asked) == 3)
        equal(asked, [[0], [1] * 8, [1] * 3])


async def test_a_refused_subscription_raises_and_is_forgotten():
    asked = []

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        asked.append(packet.filters)
        await peer.send(suback(packet.packet_id, 0x80))

    async def second(peer):
        await peer.accept()
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 200))
        await peer.serve()

    async with Desk(script, second) as desk:
        await desk.aws.connected()
        failure = await raises(errors.CloudError, desk.aws.subscribe("not/mine"))
        equal(failure.code, "subscribe_refused")
        await until(lambda: desk.broker.connections == 2)
        await asyncio.sleep_ms(300)


async def test_a_remembered_subscription_that_is_refused_is_told_and_the_others_are_made():
    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        await peer.send(suback(packet.packet_id, 0x80))
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.serve()

    async with Desk(script, run=False) as desk:
        await desk.aws.subscribe("not/mine", 0)
        await desk.aws.subscribe("mine", 1)
        desk.start()
        await until(lambda: desk.of(events.TASK_FAILED))
        equal(desk.of(events.TASK_FAILED)[0]["code"], "subscribe_refused")
        equal("not/mine" in desk.of(events.TASK_FAILED)[0]["message"], True)


async def test_a_subscription_taken_back_is_heard_no_more():
    async def script(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))
        packet = await peer.receive()
        await peer.answer(packet)
        await peer.send(publish("a", b"late"))
        await peer.serve()

    async with Desk(script) as desk:
        heard = []
        await desk.aws.connected()
        await desk.aws.subscribe("a", 0, heard.append)
        await desk.aws.unsubscribe("a")
        message = await desk.aws.messages.get()
        equal((message.payload, heard), (b"late", []))
