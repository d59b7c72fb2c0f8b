"""What stands in for `Aws` where memory is short: it asks the service of jobs, and hears nothing else."""

import json

import aws.receiver
import errors
from aws.asker import Asker
from aws_desk import THING, Desk, resolve, stored
from harness import equal, raises
from scripted_broker import PUBLISH, SUBSCRIBE, publish, suback, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20

JOBS = "$aws/things/lamp/jobs/"


class AskerDesk(Desk):
    def __init__(self, *scripts, **options):
        super().__init__(*scripts, run=False, **options)
        self.aws = Asker(self.bus, self.aws._settings, resolve, bytearray(6144))
        self.aws._backoff = self.backoff
        self.aws.first_wait(0)
        self.aws.use(THING, stored("client"), stored("client_key"))
        self.ask = self.aws.jobs.ask


async def granting(peer):
    await peer.accept()
    packet = await peer.receive(SUBSCRIBE)
    equal([name for name, _ in packet.filters], [JOBS + "+/+/+"])
    await peer.answer(packet)


async def refusing(peer):
    await peer.accept()
    packet = await peer.receive(SUBSCRIBE)
    await peer.send(suback(packet.packet_id, 0x80))


async def answering(peer):
    packet = await peer.receive(PUBLISH)
    await peer.answer(packet)
    token = json.loads(packet.payload)["clientToken"]
    for topic in ("lamp/command", JOBS + "job-2/get/accepted"):
        await peer.send(publish(topic, b'{"clientToken": "of others"}', 1))
    await peer.send(publish(packet.topic + "/accepted", json.dumps({"clientToken": token, "execution": 7})))


async def test_it_asks_and_gets_its_own_answer():
    async def script(peer):
        await granting(peer)
        await answering(peer)
        await peer.until_closed()

    async with AskerDesk(script) as desk:
        desk.start()
        equal((await desk.ask("job-1/get", {}))["execution"], 7)


async def test_an_answer_with_a_document_goes_into_the_piece_that_it_was_given():
    def no_room(*_):
        raise MemoryError

    async def script(peer):
        await granting(peer)
        packet = await peer.receive(PUBLISH)
        await peer.answer(packet)
        token = json.loads(packet.payload)["clientToken"]
        answer = {"clientToken": token, "execution": {"url": "u" * 4000}}
        await peer.send(publish(packet.topic + "/accepted", json.dumps(answer)))
        await peer.until_closed()

    async with AskerDesk(script, receive_buffer=6144) as desk:
        desk.start()
        aws.receiver.bytearray = no_room  # whoever asks for more now gets none
        try:
            equal(len((await desk.ask("job-1/get", {}))["execution"]["url"]), 4000)
        finally:
            del aws.receiver.bytearray


async def test_a_policy_that_does_not_let_it_listen_is_told_until_it_does():
    async def refused(peer):
        await refusing(peer)
        await peer.receive()  # until the test has seen it

    async def granted(peer):
        await granting(peer)
        await answering(peer)
        await peer.until_closed()

    async with AskerDesk(refused, granted) as desk:
        desk.start()
        failure = await raises(errors.CloudError, desk.ask("job-1/get", {}))
        equal((failure.code, JOBS in failure.message), ("subscribe_refused", True))
        await desk.aws._client.disconnect("connection_lost", "by the test")
        await until(lambda: desk.broker.connections == 2 and desk.aws.jobs.ready.is_set())
        equal((await desk.ask("job-1/get", {}))["execution"], 7)


async def test_an_answer_that_is_too_large_is_told():
    async def script(peer):
        await granting(peer)
        packet = await peer.receive(PUBLISH)
        await peer.answer(packet)
        await peer.send(publish(packet.topic + "/accepted", b" " * 200000))
        await peer.until_closed()

    async with AskerDesk(script) as desk:
        desk.start()
        failure = await raises(errors.DeviceError, desk.ask("job-1/get", {}))
        equal(failure.code, "limit")


async def test_once_it_has_left_the_cloud_nothing_is_kept_for_it():
    async def script(peer):
        await granting(peer)
        await peer.until_closed()

    async with AskerDesk(script) as desk:
        heard = len(desk.bus._listeners)
        desk.start()
        await desk.aws.connected()
        await desk.aws.stop()
        equal(len(desk.bus._listeners), heard - 1)
