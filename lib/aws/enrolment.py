"""The dialogue of fleet provisioning: CreateKeysAndCertificate, then RegisterThing; see provision.py. Loaded for it."""

import asyncio
import binascii
import json
import sys
import time

from micropython import const

import errors

from .link import borrow

_CREATE = b"$aws/certificates/create/json"
_ACCEPTED = b"/accepted"
_REJECTED = b"/rejected"
_ANSWER_MS = 20000
_TICK_MS = 100
# The ownership token lives for an hour. The clock may have been set in between, hence the margin.
_TOKEN_AGE_S = 3000
_ANSWER = const(5120)  # bytes of the answer with certificate and key, topic included; settings allow no less
_PIECES = const(14)
_PIECE = const(640)
_OLD_TOKEN = "InvalidCertificateOwnershipToken"


def _is_fresh(pending):
    """Whether its token may still be good; where the time is not known, or cannot be right, the cloud decides."""
    now = time.time()
    return "token" in pending and now - pending.get("time", now) < _TOKEN_AGE_S


class _OldToken(Exception):
    """The cloud did not take the ownership token."""


class Enrolment:
    """Makes a thing of `template` with `parameters` (dict of str), over `client`, an `Engine` that is connected.

    Whoever makes it passes the messages of the client to `hear`.
    """

    def __init__(self, client, template, parameters, pending, keep, beat):
        self._client = client
        self._template = borrow("topics").check_topic("$aws/provisioning-templates/%s/provision/json" % template)
        self._parameters = parameters
        self._keep = keep
        self._beat = beat
        self._answer = None
        self._take = None
        self._topic = None
        self._pending = pending

    async def run(self):
        """(name, cert, key) of the new thing: str, DER, DER. Errors: `claim_refused`, `claim_failed`."""
        pending, self._pending = self._pending, None
        if pending is not None and _is_fresh(pending):
            try:
                return await self._register(pending)
            except _OldToken:
                pass  # its certificate was never activated, and AWS forgets it
        try:
            return await self._register(await self._create())
        except _OldToken:
            raise errors.error("claim_failed", "the cloud does not know its own token")

    async def _create(self):
        """Ask for a certificate, and keep it; returns what was kept."""
        receiver = self._client.receiver
        try:
            receiver.reserve(_ANSWER)
            _prove_room()
            created = await self._ask(_CREATE, {}, _take_certificate)
        finally:
            receiver.reserve(0)
        _check_pair(created["cert"], created["key"])
        await self._keep(created)
        self._beat()
        return created

    async def _register(self, created):
        """Ask for the thing; returns (name, cert, key)."""
        request = {"certificateOwnershipToken": created["token"], "parameters": self._parameters}
        name = await self._ask(self._template, request, _take_name)
        borrow("topics").check_client_id(name)
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
            raise failure if failure.code in ("claim_failed", "no_memory") else _failed(failure.code)

    async def _in_time(self, asking):
        """Await it, for less than settings may give an acknowledgement: no beat is possible meanwhile."""
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

    def hear(self, topic, payload):
        """Take a message that the client has received; returns whether it was for this."""
        # Parsed in the receive buffer, not in a copy: the answer with certificate and key is the largest there is.
        for kind, take in ((_ACCEPTED, self._take), (_REJECTED, _take_refusal)):
            if topic == self._topic + kind:
                self._answer = self._read(kind, take, payload)
                return True
        return False

    @staticmethod
    def _read(kind, take, payload):
        try:
            return kind, take(json.loads(payload))
        except (ValueError, LookupError, TypeError, AttributeError):
            return _REJECTED, _failed("an answer that cannot be understood")
        except MemoryError:
            return _REJECTED, errors.error("no_memory")


def _prove_room():
    """Raise MemoryError before the cloud makes a certificate that there is no room for: it would stay in the account.

    Allocates, for a moment, what the answer takes as JSON and as DER, and what writing it to flash takes. The buffer
    that receives it is reserved already.
    """
    pieces = []
    for _ in range(_PIECES):
        pieces.append(bytearray(_PIECE))


def _take_certificate(answer):
    # One after the other: the answer is in memory as it was received, as JSON and as DER at the same time.
    cert, key = _der(answer.pop("certificatePem")), _der(answer.pop("privateKey"))
    token = answer["certificateOwnershipToken"]
    if not isinstance(token, str):
        raise ValueError("certificateOwnershipToken")
    return {"cert": cert, "key": key, "token": token, "time": time.time()}


def _der(text):
    # One block and nothing else, as AWS makes it: `pem`, which reads people's files, is ten times as large.
    begin = text.index("-----\n") + 6
    return binascii.a2b_base64(text[begin : text.index("-----END", begin)])


def _check_pair(cert, key):
    """Raise `claim_failed` for a pair that TLS cannot use. Where there is no memory to look, TLS finds out."""
    others = [name for name in ("certificates", "der") if name in sys.modules]
    try:
        import certificates

        certificates.pair(cert, key, "the new thing")
    except errors.DeviceError as failure:
        raise _failed("a certificate that cannot be used: %s" % failure.message)
    except MemoryError:
        pass
    finally:
        for name in ("certificates", "der", "pem"):
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
