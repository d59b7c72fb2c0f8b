"""The device's shadow: the document in AWS IoT with what the device should be (desired) and what it is (reported).

    shadow = device.aws.shadow()                    # the classic one; shadow("config") is a named one
    shadow.bind("led", set_led, False)              # async set_led(value); what it returns is reported
    await shadow.report({"temperature": 21})
    document = await shadow.get()

On every connection that needs it the shadow is read, what was desired meanwhile is followed, and what the cloud does
not know is reported. https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html
"""

import asyncio
import json
import random

from micropython import const

import errors
import events
import nesting

from . import asking, properties  # noqa: F401 - asking stays, because a shadow asks often
from .service import Service

_TIMEOUT_S = const(20)
_HANDLER_S = const(60)
_STATE_LIMIT = const(8192)  # bytes: AWS's
_TRIES = const(5)  # to change what others change at the same time
_AGAIN_MS = const(5000)
_REFUSED_S = const(3601)  # longer than asking's _FORBIDDEN_MS
_LISTENS = ("get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta")
_DELETED = ("delete/accepted", "delete/rejected")
_MISSING = const(404)
_CONFLICT = const(409)
_TOO_LARGE = const(413)


def _reason(failure):
    return getattr(failure, "reason", None)


class Shadow:
    """Made by `Aws.shadow`. `base`: see topics.py; `version`: the newest that was heard of.

    Requests go one after the other and wait for a connection, at most `timeout_s`. Errors of all of them:
    `not_connected`, `no_answer`, `rejected`, `subscribe_refused`, `limit` (more than AWS's 8 KB, or an answer larger
    than limits.receive_buffer).
    """

    def __init__(self, bus, name, base, attach):
        self.name = name
        self.version = 0
        self.service = Service(base, _LISTENS, self._heard, self._online, one_by_one=True)
        self.service.owner = self
        self._bus = bus
        self._attach = attach
        self._properties = []
        self._handlers = []
        self._handled = None  # the delta that the handlers had last, and its time
        self._applied = 0  # version of the delta that was followed last
        self._delta = None  # (version, state, metadata) of the newest that waits
        self._unsynced = False
        self._task = None
        self._later = None  # the task that waits until what was refused is asked for again

    # Asking

    async def get(self, timeout_s=_TIMEOUT_S):
        """The document: a dict with `state` (`desired`, `reported`, `delta`), `version`, `timestamp`.

        None when there is no shadow yet: the first report makes it.
        """
        document = await self._get(timeout_s)
        document.pop("metadata", None)
        return document or None

    async def _get(self, timeout_s=_TIMEOUT_S):
        """The document with its metadata; an empty one when there is none."""
        try:
            document = await self.service.ask("get", {}, timeout_s)
        except errors.CloudError as failure:
            if _reason(failure) == _MISSING:
                return {}
            raise
        if nesting.too_deep(document):
            raise errors.error("limit", "The nesting of the shadow", nesting.DEEPEST)
        self.version = document.get("version", 0)
        return document

    async def report(self, values, timeout_s=_TIMEOUT_S):
        """Report what the device is: a dict, laid over what was reported before; None takes a field away.

        Returns the new version. Of properties that are bound it is reported later when it cannot be now.
        """
        properties.changed(self._properties, values)
        try:
            version = await self._update({"reported": values}, None, timeout_s)
        except errors.RetryError:
            if properties.untold(self._properties):
                self._begin()
            raise
        properties.told(self._properties, values)
        return version

    async def desire(self, values, timeout_s=_TIMEOUT_S):
        """Change the desired state, as an application in the cloud does. Returns the new version."""
        return await self._update({"desired": values}, None, timeout_s)

    async def change(self, merge, timeout_s=_TIMEOUT_S):
        """Change the shadow according to what it is, in spite of others who do.

        `merge(state)` is given `{"desired": {...}, "reported": {...}}`, either may be missing, and returns what to lay
        over it, or None. When the shadow was changed in between it is read and merged again. Returns the version.
        """
        for left in range(_TRIES - 1, -1, -1):
            document = await self._get(timeout_s)
            wanted = merge(document.get("state", {}))
            if not wanted:
                return self.version
            try:
                return await self._update(wanted, document.get("version"), timeout_s)
            except errors.CloudError as failure:
                if _reason(failure) != _CONFLICT or not left:
                    raise

    async def delete(self, timeout_s=_TIMEOUT_S):
        """Delete the document; False when there was none."""
        if _DELETED[0] not in self.service.listens:
            # Few applications ever do, and each filter counts against AWS's limit of 50.
            self._attach(self.service, _DELETED)
        try:
            await self.service.ask("delete", {}, timeout_s)
        except errors.CloudError as failure:
            if _reason(failure) != _MISSING:
                raise
            return False
        self._applied = 0
        properties.known(self._properties, {})
        return True

    async def _update(self, state, version, timeout_s):
        document = {"state": state}
        if version is not None:
            document["version"] = version
        size = len(json.dumps(state).encode())
        if size > _STATE_LIMIT:
            raise errors.error("limit", "A shadow's state of %d bytes" % size, "%d bytes" % _STATE_LIMIT)
        try:
            answer = await self.service.ask("update", document, timeout_s)
        except errors.CloudError as failure:
            if _reason(failure) == _TOO_LARGE:
                raise errors.error("limit", "The shadow with this", "%d bytes" % _STATE_LIMIT)
            raise
        self.version = answer.get("version", 0)
        return self.version

    # Following

    def bind(self, name, setter=None, value=None):
        """Keep a field of the shadow and the device in step.

        `setter(value)`, a coroutine function or a plain one, makes the device what is desired; what it returns is
        reported, the value itself for None. `value` is what the device has now; None: not known. Without a setter the
        value is only reported.
        """
        self._properties = [one for one in self._properties if one.name != name]
        self._properties.append(properties.Property(name, setter, value))
        self._begin()

    def on_delta(self, handler):
        """`handler(delta)`, a coroutine function or a plain one, is given what differs between desired and reported:
        a dict. A dict that it returns is reported. The same delta is given once."""
        self._handlers.append(handler)
        self._handled = None
        self._begin()

    def _begin(self):
        if self.service.ready.is_set():
            self._online()

    def _online(self):
        if self._properties or self._handlers:
            self._unsynced = True
            self._wake()

    def _heard(self, end, payload):
        if end != "update/delta" or not (self._properties or self._handlers):
            return
        try:
            message = json.loads(payload)
            version, state, metadata = message["version"], message["state"], message.get("metadata")
            # Messages may overtake each other: what is older than what was followed is over.
            if version <= self._applied or (self._delta is not None and version <= self._delta[0]):
                return
            is_usable = isinstance(state, dict) and not nesting.too_deep(message)
        except (ValueError, TypeError, KeyError):
            return
        except MemoryError:
            is_usable = False
        if is_usable:
            self._delta = version, state, metadata
        else:
            self._unsynced = True  # ask for it: when there is more memory, or to be told what is wrong with it
        self._wake()

    def _wake(self):
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def _work(self):
        try:
            while self._unsynced or self._delta is not None:
                try:
                    await self._step()
                except Exception as failure:  # noqa: BLE001 - a document that nobody thought of ends nothing
                    if isinstance(failure, MemoryError):
                        failure = errors.error("no_memory")
                    elif not isinstance(failure, errors.DeviceError):
                        self._bus.trace(failure)
                        failure = errors.error("task_failed", "shadow", "its document cannot be used, %r" % failure)
                    if not self.service.ready.is_set():
                        return  # the next connection begins anew
                    self._tell(failure)
                    if not isinstance(failure, errors.RetryError):
                        return
                    self._unsynced = True
                    await asyncio.sleep_ms(random.randint(_AGAIN_MS, 2 * _AGAIN_MS))
        finally:
            self._task = None

    async def _step(self):
        if not self._unsynced:
            version, delta, metadata = self._delta
            self._delta = None
            properties.differs(self._properties, delta, metadata)
            await self._follow(version, delta, delta, metadata)
            return
        self._unsynced = False
        try:
            document = await self._get()
        except errors.CloudError:
            self._later = self._later or asyncio.create_task(self._sync_later())
            raise
        state, version = document.get("state") or {}, document.get("version", 0)
        if self._delta is not None and self._delta[0] <= version:
            self._delta = None
        properties.known(self._properties, state.get("reported") or {})
        metadata = (document.get("metadata") or {}).get("desired")
        # All that is desired: a device that has restarted does not have what was reported before.
        await self._follow(version, state.get("desired") or {}, state.get("delta"), metadata)

    async def _sync_later(self):
        """The policy may be another one by then; or it was the cloud that was unstable."""
        await asyncio.sleep(_REFUSED_S)
        self._later = None
        self._begin()

    async def _follow(self, version, desired, delta, metadata):
        self._applied = max(version, 0)  # TypeError for what is no number: what comes later is compared with it
        more, handed = {}, None
        for one in self._properties:
            if one.name in desired:
                await self._fit(one, desired[one.name], metadata)
        if delta:
            self._bus.emit(events.SHADOW_DELTA, shadow=self.name, version=version, fields=", ".join(sorted(delta)))
            handed = delta, properties.wished_at(delta, metadata)
            if handed != self._handled:
                for handler in self._handlers:
                    await self._call(handler, delta, "on_delta", lambda answer: more.update(answer or {}))
        more.update(properties.untold(self._properties))
        if more:
            await self.report(more)
        self._handled = handed

    async def _fit(self, one, change, metadata):
        since = properties.wished_at({one.name: change}, metadata)
        wanted = one.wish(change, since)
        if wanted is not None:
            await self._call(one.setter, wanted, one.name, lambda value: one.follow(wanted, since, value))

    async def _call(self, handler, argument, what, take):
        """Call a handler of the application and `take` what it returns."""
        try:
            result = handler(argument)
            if hasattr(result, "send"):
                result = await asyncio.wait_for(result, _HANDLER_S)
            take(result)
        except asyncio.TimeoutError:
            self._tell(errors.error("task_stuck", "shadow, %s" % what, _HANDLER_S))
        except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001 - its own fault, or its own task's end
            self._bus.trace(failure)  # where it happened is what the application's writer needs
            self._tell(errors.error("task_failed", "shadow, %s" % what, repr(failure)))

    def _tell(self, failure):
        try:
            self._bus.emit(events.TASK_FAILED, task="shadow", code=failure.code, message=failure.message)
        except MemoryError:
            pass  # the shadow is followed all the same
