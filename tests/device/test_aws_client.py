"""AWS IoT for the application: connecting, connecting again, sessions."""

import asyncio
import time

import errors
import events
from aws_desk import THING, Desk
from harness import equal, raises
from scripted_broker import CONNECT, DISCONNECT, PUBLISH, connack, until

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


async def test_where_there_is_no_room_at_once_it_is_made_when_the_handshake_has_given_back_what_it_took():
    for given, asked in ((["room"], 1), ([None, "room"], 2), ([None, None], 2)):

        def make_room(given=given):
            times.append(time.ticks_ms())
            return given.pop(0)

        times = []
        async with Desk(serve, run=False) as desk:
            desk.aws.make_room = make_room
            desk.start()
            await desk.aws.connected()
            equal(len(times), 1)
            await asyncio.sleep_ms(2200)
        equal(len(times), asked)
        equal(asked == 1 or time.ticks_diff(times[1], times[0]) >= 1500, True)


async def test_a_connection_on_which_no_answer_can_be_received_for_want_of_memory_is_ended_early():
    async def deaf(peer):
        await peer.accept()
        while await peer.receive() is not None:
            pass

    for starves, code, quickest_ms in ((True, "no_memory", 800), (False, "no_acknowledgement", 2500)):
        asked = []

        def look(starves=starves):
            asked.append(time.ticks_ms())
            return (1599 if starves else 1600, 9000)

        async with Desk(deaf, serve, ack_s=1) as desk:
            desk.aws.network = look
            await desk.aws.connected()
            await asyncio.sleep_ms(1300)  # nothing was sent: nothing is missing
            equal(asked, [])
            began_ms = time.ticks_ms()
            sent = asyncio.create_task(desk.aws.publish("t", b"x", qos=1, timeout_s=15))
            await until(lambda: desk.of(events.AWS_DISCONNECTED))
            took_ms = time.ticks_diff(time.ticks_ms(), began_ms)
            equal(desk.of(events.AWS_DISCONNECTED)[0]["code"], code)
            equal((quickest_ms <= took_ms, len(asked) > 1), (True, not starves))
            await sent  # over the next connection
            equal(desk.aws.dropped, 0)


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


async def test_a_lost_connection_that_there_is_no_memory_to_tell_of_is_followed_by_the_next_one():
    async def cut(peer):
        await peer.accept()

    async with Desk(cut, serve, run=False) as desk:
        emit = desk.bus.emit

        def crowded(name, **data):
            if name == events.AWS_DISCONNECTED:
                raise MemoryError
            emit(name, **data)

        desk.bus.emit = crowded
        desk.start()
        await until(lambda: desk.broker.connections == 2 and desk.aws.is_connected)
        equal(desk.running.done(), False)


class Unclosable:
    """A socket that the chip's network cannot close for want of memory: it waits for 20 s, then says so."""

    def __init__(self, socket):
        self._socket = socket

    def __getattr__(self, name):
        return getattr(self._socket, name)

    def close(self):
        self._socket.close()
        raise OSError(12)


async def test_a_connection_that_cannot_be_closed_is_followed_by_the_next_one():
    async with Desk(serve, serve) as desk:
        await desk.aws.connected()
        link = desk.aws._client._connection._link
        link.stream = Unclosable(link.stream)
        await desk.aws._client.disconnect("no_memory")
        await until(lambda: desk.broker.connections == 2 and desk.aws.is_connected)
        equal([lost["code"] for lost in desk.of(events.AWS_DISCONNECTED)], ["no_memory"])


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

    async def resolve(host, beat=None):
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


# Online or not


async def test_without_memory_to_say_goodbye_the_connection_is_closed_all_the_same():
    ends = []

    async def script(peer):
        await peer.accept()
        ends.extend([packet.kind for packet in await peer.serve()][-1:])

    async def no_memory(state):
        raise MemoryError

    async with Desk(script) as desk:
        await desk.aws.connected()
        await asyncio.sleep_ms(50)
        desk.aws._tell_status = no_memory
        await raises(MemoryError, desk.aws.stop())
        del desk.aws._tell_status
        equal(desk.aws._client.is_connected, False)
        await until(lambda: ends)
        equal(ends, [DISCONNECT])
