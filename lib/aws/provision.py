"""Fleet provisioning by claim: a certificate of one's own, then a thing to go with it.

https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html. The client is connected with the claim
certificate. Each state that a power cut must not lose is handed to `keep` (a coroutine function) before the next step:

    {"cert": DER, "key": DER, "token": str, "time": seconds}     a certificate that no thing has yet
    {"cert": DER, "key": DER, "name": str}                       the thing's; the end

What was kept last may be given as `pending` to the next try, which goes on from there. Loaded once in a life, and let
go of: see `Aws.provision`.
"""

import asyncio
import binascii
import json
import os
import random
import sys
import time

import errors

from . import topics
from .link import forget

_CREATE = b"$aws/certificates/create/json"
_ACCEPTED = b"/accepted"
_REJECTED = b"/rejected"
_ANSWER_MS = 20000
_TICK_MS = 100
# The ownership token lives for an hour; where the clock was set in between, nobody knows: leave a margin.
_TOKEN_AGE_S = 3000
_ONCE_IN_A_LIFE = ("certificates", "pem", "der")
_OLD_TOKEN = "InvalidCertificateOwnershipToken"


async def provision(aws, template, parameters, claim, pending, keep, beat):
    """As `Aws.provision`."""
    # Ten thousand devices may be switched on at once, or be told to rotate, and AWS enrols some ten a second.
    wait_ms = random.randint(0, aws._first_wait_ms)
    # Not by `_pause` while connected: the news of the Wi-Fi are for who serves the connection.
    await (asyncio.sleep_ms(wait_ms) if claim is None else aws._pause(wait_ms, beat))

    deliver = aws._inbox.deliver
    enrolment = Enrolment(aws._client, template, parameters, keep, beat)
    try:
        if claim is None:
            return await enrolment.by_thing(deliver, pending)
        async with aws._one:
            return await enrolment.by_claim(aws, claim, pending)
    except MemoryError:
        raise errors.error("no_memory")
    finally:
        aws._client.cb = deliver


def _is_fresh(pending):
    """Whether its token may still be good. Where the time is not known, or cannot be true, the cloud will say."""
    now = time.time()
    return "token" in pending and now - pending.get("time", now) < _TOKEN_AGE_S


class _OldToken(Exception):
    """The cloud did not take the ownership token."""


class Enrolment:
    """Makes a thing of `template` with `parameters` (dict of str), over `client`, an `Engine`."""

    def __init__(self, client, template, parameters, keep, beat):
        self._client = client
        self._template = topics.check_topic("$aws/provisioning-templates/%s/provision/json" % template)
        self._parameters = parameters
        self._keep = keep
        self._beat = beat
        self._answer = None
        self._take = None
        self._topic = None
        self._pair = None  # certificates.pair, while it is needed

    async def by_claim(self, aws, claim, pending):
        """(name, cert, key) of the new thing: str, DER, DER. Errors: `claim_refused`, `claim_failed`.

        `claim`: (cert, key) in DER, by which `aws` connects; that connection is closed in the end.
        """
        client = self._client
        client.cb = self._hear
        client.survive = False
        try:
            await _connect(aws, claim, self._beat)
            return await self._enrol(pending)
        finally:
            await client.disconnect()
            client.survive = True
            client.ssl = None  # the claim's context is not needed any more, its memory is

    async def by_thing(self, deliver, pending):
        """As `by_claim`, over the connection that the thing has already; other messages go to `deliver`.

        Its policy has to allow it.
        """

        def hear(topic, payload):
            if not self._hear(topic, payload):
                deliver(topic, payload)

        self._client.cb = hear
        return await self._enrol(pending)

    async def _enrol(self, pending):
        if pending is not None and _is_fresh(pending):
            try:
                return await self._register(pending)
            except _OldToken:
                pass  # its certificate was never activated and AWS forgets it
        try:
            return await self._register(await self._create())
        except _OldToken:
            raise errors.error("claim_failed", "the cloud does not know its own token")

    async def _create(self):
        """Ask for a certificate, and keep it; returns what was kept."""
        # First what reads it: a certificate that comes when there is no memory for that is one more in the account.
        self._pair = _load_certificates().pair
        created = await self._ask(_CREATE, {}, self._take_certificate)
        self._pair = None
        await self._keep(created)
        self._beat()
        return created

    async def _register(self, created):
        """Ask for the thing; returns (name, cert, key)."""
        request = {"certificateOwnershipToken": created["token"], "parameters": self._parameters}
        name = await self._ask(self._template, request, _take_name)
        topics.check_client_id(name)
        cert, key = created["cert"], created["key"]
        await self._keep({"cert": cert, "key": key, "name": name})
        self._beat()
        return name, cert, key

    async def _ask(self, topic, request, take):
        """Publish the request and wait for its answer; returns what `take` makes of it."""
        self._topic = topic
        self._take = take
        self._answer = None
        try:
            # The answer comes on this connection only, so whoever asks must be listening already.
            codes = await self._in_time(self._client.request([topic + _ACCEPTED, topic + _REJECTED], 1))
            if max(codes) > 2:
                raise errors.error("claim_refused", "the policy does not allow to subscribe to the answers")
            await self._in_time(self._client.publish(topic, json.dumps(request).encode(), qos=1))
            return await self._wait()
        except errors.RetryError as failure:
            raise failure if failure.code == "claim_failed" else _failed(failure.code)

    async def _in_time(self, asking):
        """Whatever the settings want an acknowledgement to take: meanwhile there is no sign of life."""
        self._beat()
        try:
            return await asyncio.wait_for_ms(asking, _ANSWER_MS)
        except asyncio.TimeoutError:
            raise _failed("no acknowledgement in %d s" % (_ANSWER_MS // 1000))

    async def _wait(self):
        for _ in range(_ANSWER_MS // _TICK_MS):
            if self._answer is not None:
                kind, content = self._answer
                if kind == _ACCEPTED:
                    return content
                raise content
            if self._client.error is not None:
                raise _failed("the connection was closed: %s" % self._client.error.code)
            self._beat()
            await asyncio.sleep_ms(_TICK_MS)
        raise _failed("no answer in %d s" % (_ANSWER_MS // 1000))

    def _hear(self, topic, payload):
        # Read here, out of the receive buffer: the answer with certificate and key is the largest thing there is.
        for kind, take in ((_ACCEPTED, self._take), (_REJECTED, _take_refusal)):
            if topic == self._topic + kind:
                self._answer = self._read(kind, take, payload)
                return True
        return False

    def _take_certificate(self, answer):
        cert, key = self._pair(answer["certificatePem"], answer["privateKey"], "the new thing")
        token = answer["certificateOwnershipToken"]
        if not isinstance(token, str):
            raise ValueError("certificateOwnershipToken")
        return {"cert": cert, "key": key, "token": token, "time": time.time()}

    @staticmethod
    def _read(kind, take, payload):
        try:
            return kind, take(json.loads(payload))
        except (ValueError, KeyError, TypeError):
            return _REJECTED, _failed("an answer that cannot be understood")
        except errors.DeviceError as failure:
            return _REJECTED, _failed("a certificate that cannot be used: %s" % failure.message)
        except MemoryError:
            return _REJECTED, errors.error("no_memory")


async def _connect(aws, claim, beat):
    from . import opening, tls

    forget("opening", "tls")
    opening.check_clock(aws)
    client_id = "claim-" + binascii.hexlify(os.urandom(8)).decode()
    context = tls.make_context(aws._settings.roots, claim[0], claim[1])
    try:
        await opening.in_time(aws, client_id, context, True, beat)
    except errors.CloudError as failure:
        if failure.code in ("cert_refused", "not_authorised"):
            raise errors.error("claim_refused", failure.code)
        raise  # it is the server's own certificate that is wrong


def _load_certificates():
    others = [name for name in _ONCE_IN_A_LIFE if name in sys.modules]
    try:
        import certificates

        return certificates
    finally:
        for name in _ONCE_IN_A_LIFE:
            if name not in others:
                sys.modules.pop(name, None)


def _take_name(answer):
    name = answer["thingName"]
    if not isinstance(name, str):
        raise ValueError("thingName")
    return name


def _take_refusal(answer):
    """The exception for a rejection: {"statusCode", "errorCode", "errorMessage"}."""
    status = answer["statusCode"]
    code = answer.get("errorCode", "?")
    if code == _OLD_TOKEN:
        return _OldToken()
    reason = "%s %s: %s" % (status, code, answer.get("errorMessage", ""))
    if 400 <= status < 500 and status != 429:
        return errors.error("claim_refused", reason)
    return _failed(reason)


def _failed(reason):
    return errors.error("claim_failed", reason)
