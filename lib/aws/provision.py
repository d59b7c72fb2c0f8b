"""Fleet provisioning by claim: a certificate of one's own, then a thing to go with it.

https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html. The client is connected with the claim
certificate here; what is asked for then is in `enrolment`, which is loaded when what connects has gone. Each state that
a power cut must not lose is handed to `keep` (a coroutine function) before the next step:

    {"cert": DER, "key": DER, "token": str, "time": seconds}     a certificate that no thing has yet
    {"cert": DER, "key": DER, "name": str}                       the thing's; the end

What was kept last may be given as `pending` to the next try, which goes on from there. Loaded once in a life, and let
go of: see `Aws.provision`.
"""

import asyncio
import binascii
import os
import random

import errors

from .link import borrow


async def provision(aws, template, parameters, claim, pending, keep, beat):
    """As `Aws.provision`."""
    # Ten thousand devices may be switched on at once, or be told to rotate, and AWS enrols some ten a second.
    wait_ms = random.randint(0, aws._first_wait_ms)
    # Not by `_pause` while connected: the Wi-Fi's events are for the loop that serves the connection.
    await (asyncio.sleep_ms(wait_ms) if claim is None else aws._pause(wait_ms, beat))
    asking = (template, parameters, pending, keep, beat)
    try:
        if claim is None:
            return await _by_thing(aws, asking)
        await aws._tls_lock.acquire()
        try:
            return await _by_claim(aws, claim, asking)
        finally:
            aws._tls_lock.release()
    except MemoryError:
        raise errors.error("no_memory")
    finally:
        aws._client.cb = aws._inbox.deliver


async def _by_claim(aws, claim, asking):
    """(name, cert, key) of the new thing: str, DER, DER. Errors: `claim_refused`, `claim_failed`.

    `claim`: (cert, key) in DER, by which `aws` connects; that connection is closed in the end.
    """
    client = aws._client
    client.survive = False
    room = None
    try:
        await _connect(aws, claim, asking[-1])
        room = aws.make_room and aws.make_room()
        enrolment = borrow("enrolment").Enrolment(client, *asking)
        client.cb = enrolment.hear
        return await enrolment.run()
    finally:
        await client.disconnect()
        client.survive = True
        client.ssl = None  # the claim's context is not needed any more, its memory is
        del room  # until now it kept for the answer what the network can do without


async def _by_thing(aws, asking):
    """As `_by_claim`, over the connection that the thing has already; other messages are delivered meanwhile.

    Its policy has to allow it.
    """
    enrolment = borrow("enrolment").Enrolment(aws._client, *asking)
    deliver = aws._inbox.deliver

    def hear(topic, payload):
        if not enrolment.hear(topic, payload):
            deliver(topic, payload)

    aws._client.cb = hear
    return await enrolment.run()


async def _connect(aws, claim, beat):
    opening = borrow("opening")
    tls = borrow("tls")
    opening.check_clock(aws)
    client_id = "claim-" + binascii.hexlify(os.urandom(8)).decode()
    roots = aws._settings.roots
    for only_ec in (True, False) if tls.has_ec(roots) else (False,):
        aws._client.ssl = context = None  # there may be no memory for two
        context = tls.make_context(roots, claim[0], claim[1], only_ec)
        try:
            await opening.in_time(aws, client_id, context, True, beat)
            aws.only_ec = only_ec  # the thing will meet the same server
            return
        except errors.DeviceError as failure:
            if failure.code in ("cert_refused", "not_authorised"):
                raise errors.error("claim_refused", failure.code)
            if not only_ec or not opening.is_of_other_kind(failure):
                raise
