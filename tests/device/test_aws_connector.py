"""Connections for downloads: what ends their handshake is told as what it is."""

import asyncio
import binascii

import errors
from aws.connector import Connector
from harness import equal, raises
from pki import ROOT_CERT

# A fatal alert, as a server sends that shares no cipher with us: handshake_failure (RFC 5246, 7.2.2).
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
PORT = 24681
ROOT = binascii.a2b_base64("".join(ROOT_CERT.split("\n")[1:-1]))


class Timeouts:
    connect_s = 3


async def resolve(host, beat=None):
    return "127.0.0.1"


async def connect(answer):
    """What becomes of a connection to a server that says `answer` to the first message, and closes."""

    async def serve(reader, writer):
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    try:
        connector = Connector([ROOT], resolve, Timeouts)
        return await raises(errors.DeviceError, connector.connect("images.test", PORT, b"GET"))
    finally:
        server.close()
        await server.wait_closed()


async def test_a_server_that_ends_the_handshake_is_tried_again():
    failure = await connect(ALERT)
    equal((failure.code, isinstance(failure, errors.RetryError)), ("tls_failed", True))
    equal(isinstance(await connect(b""), errors.RetryError), True)
