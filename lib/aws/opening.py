"""Opens a connection: the engine, the TLS context, TCP, TLS, CONNECT. Loaded for one, then unloaded."""

import asyncio
import gc
import time

from micropython import const

import errors

from .engine import Engine, Timing
from .link import Link, borrow, explain

_SEND_BUFFER = const(512)  # a larger publish is written in two pieces
_IN_FLIGHT_LIMIT = const(100)  # AWS's
_MARGIN_S = const(30)  # asking several name servers, blocking handshakes
_FIRST_YEAR = const(2024)  # an unset clock says 2000


async def by_thing(session, beat):
    """Connect a `Session` with its thing's credentials: 1 when the broker has kept the MQTT session, else 0."""
    if session._name is None:
        raise errors.error("settings_missing", "no thing certificate")
    check_clock(session)
    make_context(session)
    _leave_will(session)
    try:
        return await in_time(session, session._name, session._context, False, beat)
    except errors.DeviceError as failure:
        if not session.only_ec or session.reload is None or not is_of_other_kind(failure):
            raise
    _drop_context(session, False)
    make_context(session)
    try:
        return await in_time(session, session._name, session._context, False, beat)
    except errors.DeviceError:
        _drop_context(session, True)  # it may not have been the kind of the key
        raise


def _leave_will(session):
    if session._settings.aws.status is not None:
        borrow("presence").leave_will(session)


def is_of_other_kind(failure):
    """Whether a server may have failed that has no certificate with an EC key, or one that nobody here vouches for."""
    if failure.code == "tls_failed":
        # Of silence, the network's or the server's, no key is the reason.
        return "no full answer" not in failure.message
    return failure.code == "server_cert_untrusted"


def _drop_context(session, only_ec):
    """Let the next one take servers with an EC key only, or all."""
    session.only_ec = only_ec
    session._context = session._client.ssl = None


def make_client(settings, resolve):
    """The engine of a session, made once: on a fragmented heap its buffers might not be found again."""
    aws, limits, timeouts = settings.aws, settings.limits, settings.timeouts
    connect_ms = timeouts.connect_s * 1000
    timing = Timing(connect_ms, connect_ms, timeouts.connack_s * 1000, timeouts.ack_s * 1000)
    window = min(limits.window, _IN_FLIGHT_LIMIT)
    largest = limits.receive_buffer
    return Engine(
        aws.endpoint, aws.port, timeouts.keepalive_s, window, largest, _SEND_BUFFER, timing, resolve, survive=True
    )


def make_context(session):
    """Make the TLS context of a session's credentials, unless there is one. Errors: see tls.py."""
    if session._context is None and session._pair is None:
        session.reload()  # which makes it, where there is memory
    if session._context is not None:
        return
    if session._pair is None:
        raise errors.error("settings_missing", "no thing certificate")
    try:
        tls = borrow("tls")
    except MemoryError:
        raise errors.error("no_memory")
    roots = session._settings.roots
    if session.reload is None or not tls.has_ec(roots):
        session.only_ec = None
    session._context = tls.make_context(roots, session._pair[0], session._pair[1], session.only_ec)
    session._pair = None


def check_clock(session):
    """Certificates cannot be judged without a clock. Errors: `clock_not_set`."""
    clock_is_set = session._clock_is_set
    if not (clock_is_set() if clock_is_set else time.gmtime()[0] >= _FIRST_YEAR):
        raise errors.error("clock_not_set")


async def in_time(session, client_id, context, clean_session, beat):
    """Connect by this id and SSLContext, with beats for as long as that may take."""
    client = session._client
    client.client_id = client_id
    client.ssl = context
    client.network = session.network
    gc.collect()
    # Every wait in there has its own timeout; where it takes longer than all of them, the missing beat shows it.
    timeouts = session._settings.timeouts
    longest_s = timeouts.dns_s + 2 * timeouts.connect_s + timeouts.connack_s + _MARGIN_S
    beating = asyncio.create_task(_beat_for(longest_s, beat, client))
    try:
        return await connect(client, clean_session, None)
    finally:
        beating.cancel()


async def _beat_for(seconds, beat, client):
    for _ in range(seconds):
        beat()
        try:
            client.expire()
        except MemoryError:
            pass  # it is told a second later, or with the CONNACK
        await asyncio.sleep(1)


async def connect(engine, clean_session, timeout):
    """As `Engine.connect`."""
    await engine.disconnect()
    timing = engine.timing
    link = Link(engine.server, engine.port)
    try:
        address, engine.address = engine.address, None
        if address is None:
            address = await engine.resolve(engine.server)
        dial = borrow("dial")
        await dial.connect(link, address, timeout * 1000 if timeout else timing.connect_ms)
        await dial.shake_hands(link, engine.ssl, _connect_packet(engine, clean_session), timing.handshake_ms)
        del dial
        link.network = engine.network
        # Not before TLS has had its memory, and unloaded for the next handshake.
        connection = engine.begin(borrow("connection", "sender").Connection, link)
    except MemoryError:
        link.close()
        raise errors.error("no_memory")
    except BaseException:  # a cancelled connect must close its socket, too
        link.close()
        raise
    return await _accepted(engine, connection)


def _connect_packet(engine, clean_session):
    will = (engine.lw_topic, engine.lw_msg, engine.lw_qos, engine.lw_retain) if engine.lw_topic else None
    return borrow("requests").connect(engine.client_id, engine.keepalive, clean_session, engine.user, engine.pswd, will)


async def _accepted(engine, connection):
    """Wait for the answer to CONNECT: 1 when the broker has kept the session, else 0."""
    try:
        await asyncio.wait_for_ms(connection.opened.wait(), engine.timing.connack_ms)
    except asyncio.TimeoutError:
        connection.fail(errors.error("no_connack"))
    except asyncio.CancelledError:
        connection.fail(errors.error("connection_lost", "connect was cancelled"))
        raise
    engine.refusal = connection.refusal
    if connection.refusal:
        refusal = explain("connack_failure", connection.refusal)
        connection.fail(refusal)
        raise refusal  # the broker may have closed the connection before us
    if connection.error is None:
        return connection.session_present
    if connection.answered:
        raise connection.error
    raise explain("unanswered_failure", connection.error)
