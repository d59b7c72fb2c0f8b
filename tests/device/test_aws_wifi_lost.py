"""Wi-Fi that is lost beneath a connection to the cloud."""

import events
from aws_desk import Desk
from backoff import Backoff
from harness import equal
from scripted_broker import CONNECT, until

COMPANIONS = ["tls_servers"]


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def test_a_wifi_that_is_lost_ends_the_connection_at_once_and_its_return_ends_the_wait():
    async with Desk(serve, backoff=Backoff(1, 1, 3600000)) as desk:
        await desk.aws.connected()
        desk.bus.emit(events.WIFI_DISCONNECTED)
        await until(lambda: desk.of(events.AWS_DISCONNECTED))
        equal(desk.of(events.AWS_DISCONNECTED)[0]["code"], "connection_lost")
        desk.bus.emit(events.WIFI_CONNECTED)
        await desk.aws.connected()
        equal(desk.broker.connections, 2)


async def test_a_wifi_that_is_lost_before_the_cloud_has_answered_is_no_refusal():
    async def script(peer):
        await peer.receive(CONNECT)
        desk.bus.emit(events.WIFI_DISCONNECTED)

    async with Desk(script, serve) as desk:
        await until(lambda: desk.of(events.AWS_DISCONNECTED))
        failure = desk.of(events.AWS_DISCONNECTED)[0]
        equal((failure["code"], "Wi-Fi was lost" in failure["message"]), ("connection_lost", True))


async def test_without_wifi_the_cloud_is_not_looked_for():
    connections = []

    def has_network():
        connections.append(desk.broker.connections)
        return len(connections) > 4

    async with Desk(serve, backoff=Backoff(1, 1, 1)) as desk:
        await desk.aws.connected()
        desk.aws.has_network = has_network
        desk.bus.emit(events.WIFI_DISCONNECTED)
        await until(lambda: desk.broker.connections == 2)
        equal(connections[:5], [1] * 5)
        equal([data["code"] for data in desk.of(events.AWS_DISCONNECTED)], ["connection_lost"])
